"""Scenes of photos and cut-outs, exposed: an object moves, the camera moves, or nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from foveate.errors import InputError
from foveate.media.resample import RowResampler, imresize
from foveate.train.blur.defocus import defocus
from foveate.train.blur.exposure import BORDER_PX, Layer, Light, Pixels, Response, expose, lay_over
from foveate.train.blur.local_blur import Pair, draw_log_uniform, make_pair
from foveate.train.blur.trajectory import move_camera, move_object, pan_camera, stay
from foveate.train.folders import PictureCache

LEAST_PHOTO_PX = 64
LEAST_OBJECT_PX = 24
HELD_OUT_CUTOUTS = 8  # one in so many
SHRUNK = 2  # photos are shrunk at most so much: their own blur and noise go with it
# Shares of scenes. Still objects teach that an edge of a cut-out is not yet blur.
STILL_BEHIND, STILL_BEFORE, OF_A_PHOTO = 0.5, 0.15, 1 / 3
POWER, HIGHLIGHT = (0.9, 1.1), (1, 3)  # of the response; both mild


class BlurSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What pairs are like.

    Attributes:
        shares: of the kinds: an object moves, the camera moves, nothing moves.
        length_px: least and greatest length of a way; drawn log-uniformly.
        object_size: least and greatest longer side of an object, as a share of the picture's;
            log-uniform too. Cut-outs are not enlarged.
        clean: share of pictures without noise and JPEG.
        pans: share of camera motions that are nearly straight, as objects' are; the others shake.
        directions: of pans, which are then straight and of even speed; 0: any.
        defocus: share of photos that are put out of focus, in parts or all over.
    """

    shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
    length_px: tuple[float, float] = (3.0, 40.0)
    object_size: tuple[float, float] = (0.15, 1.2)
    clean: float = 0.25
    pans: float = 0.5
    directions: int = 0
    defocus: float = 0.0


class Sources(NamedTuple):
    """Paths of photos, and of pictures with alpha."""

    photos: Sequence[Path]
    cutouts: Sequence[Path]


def hold_out(sources: Sources, count: int) -> tuple[Sources, Sources]:
    """What a run trains on, and what it lays aside: the first `count` photos, every eighth cut-out.

    Args:
        sources: all there are.
        count: photos laid aside; 0: nothing is.

    Raises:
        InputError: nothing would be left.
    """
    if not count:
        return sources, Sources((), ())
    if len(sources.photos) <= count or len(sources.cutouts) < 2:
        raise InputError(
            "too few pictures to hold some out",
            f"{len(sources.photos)} photos and {len(sources.cutouts)} cut-outs",
            f"have more than {count} photos and 2 cut-outs, or hold out none (validation = 0)",
        )
    aside = Sources(sources.photos[:count], sources.cutouts[::HELD_OUT_CUTOUTS])
    left = [path for path in sources.cutouts if path not in aside.cutouts]
    return Sources(sources.photos[count:], left), aside


class Scenes:
    """Draws pairs; each is a function of the random numbers it is drawn with.

    Args:
        photos: paths, by find_pictures(). Those smaller than a scene are continued mirrored.
        cutouts: paths of pictures with alpha.
        size: of the square pairs in px.
        settings: what they are like.
        cache: where pictures are kept.
    """

    def __init__(
        self,
        photos: Sequence[Path],
        cutouts: Sequence[Path],
        size: int,
        settings: BlurSettings,
        cache: PictureCache,
    ) -> None:
        """Reads nothing yet."""
        self._photos, self._cutouts, self._cache = photos, cutouts, cache
        self._size, self._settings = size, settings

    def draw(self, random: np.random.Generator) -> Pair:
        """The next pair: (size, size) pictures and mask.

        Raises:
            InputError: a picture is damaged.
        """
        settings, size = self._settings, self._size
        shares = np.array(settings.shares) / sum(settings.shares)
        kind = random.choice(["object", "camera", "nothing"], p=shares)
        response = draw_response(random)
        length = draw_log_uniform(random, *settings.length_px)
        # No point of the picture is farther from its place at mid-exposure: see move_camera().
        margin = int(np.ceil(length)) + BORDER_PX if kind == "camera" else 0
        back = response.decode(self._draw_photo(random, size + 2 * margin))
        if random.random() < STILL_BEHIND:
            back = lay_over(back, self._draw_object(random, response, margin))
        if settings.defocus and random.random() < settings.defocus:
            back = defocus(back, random)
        front = None
        if random.random() < STILL_BEFORE:
            front = self._draw_object(random, response)
        if kind == "camera":
            opaque = np.ones_like(back[..., :1])
            layer = Layer(np.concatenate([back, opaque], 2), -margin, -margin)
            motion = (
                pan_camera(random, length, settings.directions)
                if random.random() < settings.pans
                else move_camera(random, length, layer.light.shape[:2])
            )
            back = np.zeros((size, size, 3), np.float32)
        else:
            layer = self._draw_object(random, response)
            shape = layer.light.shape[:2]
            motion = move_object(random, length, shape) if kind == "object" else stay()
        is_clean = random.random() < settings.clean
        exposure = expose(back, layer, motion, front)
        return make_pair(exposure, response, None if is_clean else random)

    def _draw_photo(self, random: np.random.Generator, size: int) -> Pixels:
        """A square piece of a photo, shrunk a little where the photo is large enough."""
        pixels = self._cache.read(self._photos[int(random.integers(len(self._photos)))], 3)
        largest = np.clip(min(pixels.shape[:2]) / size, 1, SHRUNK)
        side = round(size * random.uniform(1, largest))
        missing = [max(0, side - length) for length in pixels.shape[:2]]
        if any(missing):
            around = [(lack // 2, lack - lack // 2) for lack in missing]
            pixels = np.pad(pixels, [*around, (0, 0)], "symmetric")
        top = random.integers(pixels.shape[0] - side + 1)
        left = random.integers(pixels.shape[1] - side + 1)
        piece = pixels[top : top + side, left : left + side]
        return piece if side == size else imresize(piece, size, size)

    def _draw_object(
        self, random: np.random.Generator, response: Response, margin: int = 0
    ) -> Layer:
        """A cut-out, or a round piece of a photo, its middle somewhere in the picture."""
        longest = max(
            LEAST_OBJECT_PX, self._size * draw_log_uniform(random, *self._settings.object_size)
        )
        if random.random() < OF_A_PHOTO:
            photo = self._draw_photo(random, round(longest))
            pixels = np.dstack([photo, draw_outline(random, len(photo))])
        else:
            path = self._cutouts[int(random.integers(len(self._cutouts)))]
            pixels = _cropped(self._cache.read(path, 4))
        if random.random() < 1 / 2:
            pixels = pixels[:, ::-1]
        light = as_light(pixels, response, min(1.0, longest / max(pixels.shape[:2])))
        top, left = (
            margin + int(random.uniform(-length / 2, self._size - length / 2))
            for length in light.shape[:2]
        )
        return Layer(light, top, left)


def draw_response(random: np.random.Generator) -> Response:
    """A camera's curve, mildly unlike sRGB's."""
    return Response(random.uniform(*POWER), draw_log_uniform(random, *HIGHLIGHT))


def as_light(pixels: Pixels, response: Response, scale: float) -> Light:
    """A cut-out as what a layer holds, resized in linear light, with the border it needs.

    Args:
        pixels: (H, W, 4) uint8 RGB and straight alpha.
        response: the camera's curve.
        scale: at most 1.

    Returns:
        (h, w, 4) float32 linear RGB times alpha, and alpha.
    """
    alpha = pixels[..., 3:].astype(np.float32) / 255
    light = np.concatenate([response.decode(pixels[..., :3]) * alpha, alpha], 2)
    height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
    if scale < 1:
        light = RowResampler(pixels.shape[:2], (height, width), 4, np.float32).feed(light)
        light = np.clip(light, 0, [np.inf, np.inf, np.inf, 1], dtype=np.float32)
    return np.pad(light, [(BORDER_PX, BORDER_PX)] * 2 + [(0, 0)])


def draw_outline(random: np.random.Generator, size: int) -> Pixels:
    """(size, size) uint8 alpha of a random smooth shape with an edge of one px."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    turned = random.uniform(0, np.pi)
    across = x * np.cos(turned) + y * np.sin(turned)
    along = (y * np.cos(turned) - x * np.sin(turned)) * random.uniform(1, 2.5)
    angle, reach = np.arctan2(along, across), np.ones((size, size))
    for wave in range(2, 7):
        reach += random.normal(0, 0.4 / wave) * np.cos(wave * angle + random.uniform(0, 2 * np.pi))
    radius = 0.35 * size * np.clip(reach, 0.2, 1.4)
    alpha = np.clip(radius - np.hypot(along, across) + 0.5, 0, 1)
    return np.rint(alpha * 255).astype(np.uint8)


def _cropped(pixels: Pixels) -> Pixels:
    """Without the empty rows and columns around what is seen."""
    seen = pixels[..., 3] > 0
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not len(rows):
        return pixels
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
