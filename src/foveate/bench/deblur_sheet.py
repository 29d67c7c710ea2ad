"""A contact sheet of deblurred photos: each whole, its map of blur, and its most blurred part 1:1.

`python -m foveate.bench.deblur_sheet PHOTO ... --out SHEET.jpg`; see scripts/deblur.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveate.bench.evaluate import read_rgb
from foveate.media.encoding import Encoding
from foveate.media.metadata import Metadata
from foveate.media.resample import imresize
from foveate.media.writer import open_writer
from foveate.pipelines.deblur import deblur_file
from foveate.pipelines.deblur_options import DeblurOptions

Pixels = NDArray[np.uint8]
MODEL = "lmdvit.local"
TILE = 320  # pixels to a side
GAP, QUALITY = 4, 88


def draw_row(photo: Path, model: str, folder: Path) -> tuple[Pixels, str]:
    """(TILE, 4 TILE + 3 GAP, 3) uint8, and a line on what was done.

    From left to right: the photo, its map, the part with the most change before and after.
    """
    out, drawn = folder / "out.png", folder / "map.png"
    options = DeblurOptions(model=model, save_map=drawn, overwrite=True)
    report = deblur_file(photo, out, options)
    before, after = read_rgb(photo), read_rgb(out)
    change = np.abs(after.astype(np.int32) - before).sum(2)
    top, left = find_largest(change, TILE)
    part = slice(top, top + TILE), slice(left, left + TILE)
    tiles = [fitted(before), fitted(read_rgb(drawn)), fitted(before[part]), fitted(after[part])]
    gap = np.full((TILE, GAP, 3), 255, np.uint8)
    row = np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], 1)
    told = f"{report.blurred_share:.1%} found blurred, {report.changed_share:.1%} changed"
    return row, f"{photo.name}: {told}, {report.seconds['total']:.1f} s"


def find_largest(values: NDArray[np.int32], side: int) -> tuple[int, int]:
    """Top and left of the square with the largest sum; smaller pictures: 0."""
    sums = np.pad(values.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    high, wide = (min(side, length) for length in values.shape)
    within = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    top, left = np.unravel_index(int(within.argmax()), within.shape)
    return int(top), int(left)


def fitted(pixels: Pixels) -> Pixels:
    """(TILE, TILE, 3): shrunk to fit, never enlarged, in the middle of white."""
    height, width = pixels.shape[:2]
    scale = min(1.0, TILE / max(height, width))
    if scale < 1:
        pixels = imresize(pixels, round(height * scale), round(width * scale))
    tile = np.full((TILE, TILE, 3), 255, np.uint8)
    top, left = ((TILE - length) // 2 for length in pixels.shape[:2])
    tile[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return tile


def main() -> None:
    """Draws the sheet; a line per photo on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=MODEL)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for photo in asked.photos:
            row, line = draw_row(photo, asked.model, Path(folder))
            rows += [row, np.full((GAP, row.shape[1], 3), 255, np.uint8)]
            sys.stdout.write(line + "\n")
    sheet = np.concatenate(rows[:-1])
    with open_writer(
        asked.out, Encoding("jpeg", QUALITY, 8), width=sheet.shape[1], height=len(sheet), bands=3,
        depth=8, metadata=Metadata(), overwrite=True,
    ) as writer:  # fmt: skip
        writer.write(sheet)
        writer.finish()


if __name__ == "__main__":
    main()
