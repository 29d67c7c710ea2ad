"""The run's log: one JSON object a line, and a plot of loss and PSNR made from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class CurveLog:
    """Appends to OUT/log.jsonl; on resume, lines after the checkpoint's step are dropped first."""

    def __init__(self, folder: Path, step: int) -> None:
        """Keeps the lines up to `step`."""
        self.path = folder / "log.jsonl"
        kept = [line for line in self.read() if line["step"] <= step]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")

    def add(self, **line: object) -> None:
        """Writes one line, what the caller measured, and flushes it."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """All whole lines; a line cut by a crash is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_text("utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


def draw_curve(folder: Path) -> Path:
    """Draws OUT/curve.png: loss and held-out PSNR over steps, and what it is to beat, dotted."""
    import matplotlib as mpl  # noqa: PLC0415 - slow to load - only when drawn: half a second

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - slow to load

    lines = [json.loads(x) for x in (folder / "log.jsonl").read_text("utf-8").splitlines()]
    figure, left = plt.subplots(figsize=(8, 4.5), layout="constrained")
    losses = [(x["step"], x["loss"]) for x in lines if "loss" in x]
    pairs = [("psnr_y", "bicubic_psnr_y"), ("psnr_w", "psnr_w_blurry")]
    scores = [(x["step"], x[ours], x[plain]) for x in lines for ours, plain in pairs if ours in x]
    if losses:
        left.semilogy(*zip(*losses, strict=True), color="tab:blue", linewidth=0.8)
    left.set(xlabel="step", ylabel="loss (blue)")
    if scores:
        right = left.twinx()
        steps, psnr, plain = zip(*scores, strict=True)
        right.plot(steps, psnr, color="tab:red")
        right.plot(steps, plain, color="tab:red", linestyle=":", linewidth=0.8)
        right.set_ylabel("PSNR held out, dB (red; dotted: without the net)")
    path = folder / "curve.png"
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path
