"""The choices that make one LMD-ViT, the released ones and those that ship."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class LMDViTConfig:
    """Every choice that makes one LMD-ViT. The defaults are the authors' released graph.

    Attributes:
        width: channels after the first convolution; they double with each level down.
        depths: blocks of each stage: encoder from the finest, bottleneck, decoder to the finest.
            Those at full resolution take half of a training step for a fifth of the MACs; a net
            whose look decides works without them.
        heads: attention heads of each stage.
        window: side M of an attention window in tokens; odd blocks shift by M // 2.
        mlp_ratio: hidden width of W-LeFF over C.
        down: kernel side of the convolutions that halve the map: 4 (paper), or 2: ours, a quarter
            of what they cost, which is most of what a picture without blur costs.
        modulators: a learned (T, C) map added to the attention's input in the decoder.
        predictor: "paper"; "light": ours, for 0.7 % of its MACs; or "look": ours too, none in the
            network, the coarse look decides for every block.
        drop_path: share of dropped branches at the deepest encoder block, in training.
        gate_floor: least share of the residual that is added anywhere.
        look: features of the coarse look before the network (blur_look.py, ours); 0: there is none.
        entry: windows are computed where the look gives more than this share of the threshold.
            Below 1 (ours) the gate has the last word: it saw what the network did. Its mean over
            the logits of 8 x 8 pixels, less `doubt`, is what the threshold then holds for.
        doubt: logits; not in training. That shows far more blur than photos hold, and so the gate
            expects it. Chosen on held-out pairs.
        evidence: not the network's own: what a part that is to be restored must show of blur;
            look/blurred_parts.py, ours.
        everywhere: likewise, what a picture must show that is to be restored all over; None: none
            is.
    """

    width: int = 32
    depths: tuple[int, ...] = (1, 2, 8, 8, 2, 8, 8, 2, 1)
    heads: tuple[int, ...] = (1, 2, 4, 8, 16, 16, 8, 4, 2)
    window: int = 8
    mlp_ratio: int = 4
    down: Literal[4, 2] = 4
    modulators: bool = True
    predictor: Literal["paper", "light", "look"] = "paper"
    drop_path: float = 0.1
    gate_floor: float = 0.1
    look: int = 0
    entry: float = 1.0
    doubt: float = 0.0
    evidence: float = 0.0
    everywhere: float | None = None

    def __post_init__(self) -> None:
        """Takes lists for tuples; refuses stages that do not pair up."""
        for name in ("depths", "heads"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.depths) % 2 == 0 or len(self.heads) != len(self.depths):
            raise ValueError("depths and heads need one number per stage, an odd number of stages")
        for features, heads in zip(self.features, self.heads, strict=True):
            if heads < 1 or features < heads or features % heads:
                raise ValueError(f"{features} channels do not part into {heads} heads")
        if self.down not in {2, 4}:
            raise ValueError(f"down {self.down}: 4 or 2")
        if self.window < 2:
            raise ValueError("an attention window has at least 2 tokens a side")
        if self.predictor not in {"paper", "light", "look"}:
            raise ValueError(f"predictor {self.predictor!r}: paper, light or look")
        if self.predictor == "look" and not self.look:
            raise ValueError('predictor "look" needs a look: give it features')
        if not 0 < self.entry <= 1 or (self.entry < 1 and self.predictor != "look"):
            raise ValueError(f"entry {self.entry}: above 0, at most 1; below 1 for a look only")
        if self.evidence < 0:
            raise ValueError(f"evidence {self.evidence}: 0 or more")

    @property
    def levels(self) -> int:
        """How often the map is halved."""
        return len(self.depths) // 2

    @property
    def features(self) -> tuple[int, ...]:
        """Channels of each stage; those of the decoder include the skip connection's half."""
        down = [self.width << i for i in range(self.levels + 1)]
        return (*down, *down[:0:-1])

    @property
    def multiple(self) -> int:
        """H and W must be multiples of this: a whole attention window at the coarsest level."""
        return self.window << self.levels

    def as_dict(self) -> dict[str, Any]:
        """The configuration as plain values, for checkpoints and cards."""
        return asdict(self)


# The size that ships: what two cores can train and run. 5,309,052 parameters; MACs per pixel:
# 3,047 for the coarse look, 7,216 and 93,112 times the share of attention windows kept.
SHIPPED = LMDViTConfig(
    width=16,
    depths=(0, 1, 2, 2, 2, 2, 2, 1, 0),
    heads=(1, 1, 2, 4, 8, 8, 4, 2, 1),
    down=2,
    predictor="look",
    drop_path=0.0,
    look=24,
    entry=0.6,
    doubt=0.5,
    evidence=1.0,
    everywhere=-0.9,
)


def drop_paths(config: LMDViTConfig) -> list[list[float]]:
    """One rate per block of each stage: rising over the encoder, falling over the decoder."""
    levels, depths, most = config.levels, config.depths, config.drop_path

    def rising(count: int) -> list[float]:
        return [most * i / max(count - 1, 1) for i in range(count)]

    encoder, decoder = rising(sum(depths[:levels])), rising(sum(depths[levels + 1 :]))
    rates = iter([*encoder, *[most] * depths[levels], *decoder[::-1]])
    return [[next(rates) for _ in range(depth)] for depth in depths]
