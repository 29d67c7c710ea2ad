"""The last guard: it lets every sound enlargement pass and stops what is wrong."""

import numpy as np
import pytest
from hypothesis import given

from foveate.errors import ModelError
from foveate.media.resample import RowResampler
from foveate.pipelines.alpha import bleeding
from foveate.pipelines.brightness import BrightnessGuard
from foveate.pipelines.resize import PictureResampler
from strategies import sizes

Y, X = np.mgrid[:96, :128]
RNG = np.random.default_rng(3)
HARD = {
    "noise": RNG.integers(0, 256, Y.shape),
    "black and white noise": RNG.integers(0, 2, Y.shape) * 255,
    "one in ten": (RNG.random(Y.shape) < 0.1) * 255,
    "checkerboard": (X + Y) % 2 * 255,
    "thin lines": (X % 8 == 0) * 255,
    "ruled": (Y % 9 == 0) * 255,
    "halftone": ((X / 128) > ((X % 4) * 4 + Y % 4) / 16) * 255,
    "white": np.full(Y.shape, 255),
}


def enlarged(pixels, height, width):
    """A sound enlargement: bicubic, cut off at black and white."""
    resampler = RowResampler(pixels.shape[:2], (height, width), pixels.shape[2], pixels.dtype)
    return np.concatenate([resampler.feed(pixels), resampler.flush()])


def check(pixels, out, white=255, rows=7, **options):
    guard = BrightnessGuard(pixels.shape[:2], out.shape[:2], white, **options)
    for top in range(0, len(pixels), rows):
        guard.read(pixels[top : top + rows])
    for top in range(0, len(out), rows):
        guard.write(out[top : top + rows])
    guard.check("it.png", "the model")


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("bands", [1, 3])
def test_sound_enlargements_of_hard_pictures_pass(name, bands):
    pixels = HARD[name].astype(np.uint8)[..., None].repeat(bands, axis=2)
    check(pixels, enlarged(pixels, 2 * len(pixels), 2 * pixels.shape[1]))
    check(pixels, enlarged(pixels, 3 * len(pixels) - 5, 2 * pixels.shape[1] + 3))


@given(sizes(40), sizes(40))
def test_sound_enlargements_of_any_size_pass(height, width):
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8)
    check(pixels, enlarged(pixels, 2 * height, 2 * width))


@pytest.mark.parametrize(
    "fault",
    [
        lambda out: out + 4,
        lambda out: out * 0.95,
        lambda out: out * 0,
        lambda out: 255 - out,
        lambda out: np.where(np.arange(len(out))[:, None, None] < len(out) * 0.9, out, 0),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_wrong_brightness_is_refused(fault, dtype):
    white = np.iinfo(dtype).max
    scene = 100 + 60 * np.sin(X / 9) * np.cos(Y / 7)
    pixels = (scene[..., None].repeat(3, axis=2) * (white / 255)).astype(dtype)
    out = enlarged(pixels, 192, 256)
    check(pixels, out, white)
    wrong = fault(out / (white / 255)) * (white / 255)
    with pytest.raises(ModelError, match=r"refused the result for it\.png: the model changed"):
        check(pixels, wrong.astype(dtype), white)


UNEVEN = {
    **{name: np.asarray(plane) for name, plane in HARD.items()},
    "nearly hidden between": np.where(HARD["checkerboard"] > 0, 1, 255),
    "other noise": 255 - HARD["noise"],
    "disc": (np.hypot(X - 64, Y - 48) < 30) * 255,
    "soft": np.clip(300 - 6 * np.hypot(X - 64, Y - 48), 0, 255),
    "half": np.full(Y.shape, 128),
}


@pytest.mark.parametrize("alpha", UNEVEN)
@pytest.mark.parametrize("colour", UNEVEN)
def test_sound_enlargements_with_alpha_pass(colour, alpha):
    """As the network does it: colours, filled where they are hidden, and alpha on its own."""
    pixels = np.stack([UNEVEN[colour], UNEVEN[alpha]], axis=2).astype(np.uint8)
    check(pixels, enlarged(bleeding(2).apply(pixels.copy()), 2 * 96, 2 * 128))
    plain = PictureResampler((96, 128), (283, 259), 2, pixels.dtype)
    check(pixels, plain.feed(pixels))


@pytest.mark.parametrize("alpha", ["disc", "soft", "half", "white"])
@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (lambda colours, alpha: (colours + 24, alpha), "brightness"),
        (lambda colours, alpha: (255 - colours, alpha), "brightness"),
        (lambda colours, alpha: (colours * 0, alpha), "brightness"),
        (lambda colours, alpha: (colours, alpha * 0.8), ""),
        (lambda colours, alpha: (colours * 0, np.maximum(alpha, 40)), ""),
    ],
)
def test_wrong_brightness_is_refused_where_it_is_seen(fault, what, alpha):
    scene = 60 + 40 * np.sin(X / 9) * np.cos(Y / 7)
    pixels = np.stack([scene, scene, scene, UNEVEN[alpha]], axis=2).astype(np.uint8)
    out = enlarged(pixels, 192, 256)
    check(pixels, out)
    colours, seen = fault(out[..., :3].astype(float), out[..., 3:].astype(float))
    with pytest.raises(ModelError, match=f"the model changed the mean {what}"):
        check(pixels, np.concatenate([colours, seen], axis=2).astype(np.uint8))


def test_transparency_that_changes_is_refused_whatever_colour_it_shows():
    pixels = np.zeros((20, 20, 4), np.uint8)
    out = np.zeros((40, 40, 4), np.uint8)
    check(pixels, out)
    pixels[..., 3] = 200
    with pytest.raises(ModelError, match=r"changed the mean transparency by 200\.0 of 255"):
        check(pixels, out)


def test_colours_may_change_where_alpha_hides_them():
    pixels = np.full((20, 20, 4), 200, np.uint8)
    pixels[..., 3] = 0
    out = np.zeros((40, 40, 4), np.uint8)
    check(pixels, out)
    pixels[..., 3] = out[..., 3] = 255
    with pytest.raises(ModelError, match=r"by 200\.0 of 255"):
        check(pixels, out)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_what_motion_mixed_may_get_darker_again_if_its_light_stays(dtype):
    white = np.iinfo(dtype).max
    sharp = (np.where(X % 32 < 16, 0.9, 0.2)[..., None].repeat(3, 2) * white).astype(dtype)
    light = sum(np.roll((sharp / white) ** 2.2, shift, axis=1) for shift in range(8)) / 8
    blurry = np.rint(light ** (1 / 2.2) * white).astype(dtype)
    check(blurry, sharp, white, light=True)
    check(blurry, (sharp * 0.97).astype(dtype), white, light=True)  # 6.5 of 255 in light
    with pytest.raises(ModelError, match="brightness"):
        check(blurry, sharp, white)
    for wrong in (sharp * 0.9, sharp * 0.5, sharp + 0.05 * white):
        with pytest.raises(ModelError, match="brightness"):
            check(blurry, wrong.astype(dtype), white, light=True)
