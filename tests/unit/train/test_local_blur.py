"""Made blur against naive formulas: light, occlusion, masks, paths, noise, estimated masks."""

import numpy as np
import pytest

from foveate.train.blur.estimate_mask import estimate_mask
from foveate.train.blur.exposure import BORDER_PX, Layer, Response, average, expose
from foveate.train.blur.local_blur import COVERED, DIFFERS, make_pair, photograph
from foveate.train.blur.scenes import BlurSettings, Scenes, as_light
from foveate.train.blur.trajectory import NODES, Motion, move_camera, move_object, pan_camera, stay
from foveate.train.folders import PictureCache, find_pictures
from pictures import photo, write_picture

TIMES = np.linspace(0, 1, NODES)


def motion(along_x, angle=0.0, zoom=0.0, pivot=(0.0, 0.0)):
    """A path with the given x at each node; angle and zoom go evenly, as seen from the middle."""
    shift = np.stack([0 * TIMES, along_x - np.asarray(along_x)[NODES // 2]], 1)
    even = TIMES - 0.5
    return Motion(shift, angle * even, zoom * even, np.array(pivot, float))


def box(height, width, top, left, colour=(1.0, 1.0, 1.0)):
    """An opaque rectangle of linear light whose first pixel lies at (top, left)."""
    light = np.zeros((height + 2 * BORDER_PX, width + 2 * BORDER_PX, 4), np.float32)
    light[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = [*colour, 1]
    return Layer(light, top - BORDER_PX, left - BORDER_PX)


def textured(size=48, top=20, left=30):
    """A cut-out with texture and soft alpha."""
    pixels = photo(size, size, 4, seed=3)
    pixels[..., 3] = np.clip(300 - 12 * np.hypot(*(np.mgrid[:size, :size] - size / 2)), 0, 255)
    return Layer(as_light(pixels, Response(), 1.0), top, left)


def background(size=96):
    return Response().decode(photo(size, size))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Paths of photos (one smaller than a scene) and of cut-outs, which are photos as well."""
    folder = tmp_path_factory.mktemp("sources")
    for index, side in enumerate((70, 150, 300)):
        write_picture(folder / f"photo{index}.png", photo(side, side + 20, seed=index))
    for index in range(3):
        pixels = photo(90, 70, 4, seed=9 + index)
        pixels[..., 3] = 0
        pixels[15:80, 10:50, 3] = 255
        write_picture(folder / f"cut{index}.png", pixels)
    return find_pictures([folder], 64), find_pictures([folder], alpha=True)


def scenes(sources, **settings):
    return Scenes(*sources, 96, BlurSettings(**settings), PictureCache())


def test_without_motion_blurry_is_sharp_and_the_mask_is_empty():
    seen = expose(background(), textured(left=-9), stay())
    assert np.array_equal(seen.blurry, seen.sharp)
    for noise in (None, np.random.default_rng(0)):
        pair = make_pair(seen, Response(), noise)
        assert np.array_equal(pair.blurry, pair.sharp)
        assert not pair.mask.any()


def test_the_mean_of_a_layer_that_stays_is_the_layer():
    layer = textured(top=3, left=5)
    mean = average(layer, stay(), (80, 80))
    height, width = layer.light.shape[:2]
    assert np.array_equal(mean[3 : 3 + height, 5 : 5 + width], layer.light)
    assert mean.sum() == pytest.approx(layer.light.sum())


def test_motion_keeps_the_light_of_the_whole_picture():
    back = np.full((128, 128, 3), 0.25, np.float32)
    moved = motion(30 * TIMES**2, angle=0.5, pivot=(24, 24))
    seen = expose(back, textured(top=40, left=40), moved)
    changed = np.abs(seen.sharp.astype(float) - back).sum()
    assert abs((seen.blurry.astype(float) - seen.sharp).sum()) < 2e-3 * changed


@pytest.mark.parametrize("length", [5, 12, 24.4])
def test_an_even_motion_makes_of_a_hard_edge_a_ramp_of_its_length(length):
    seen = expose(np.zeros((9, 96, 3), np.float32), box(9, 60, 0, 36), motion(length * TIMES))
    edge = 36 - 0.5  # between pixels 35 and 36 at mid-exposure
    x = np.arange(96)[:70]
    ramp = np.clip((x - edge) / length + 0.5, 0, 1)
    seen = seen.blurry[4, :70, 1]
    # Places are off by at most 1/6 px, samples lie 1/2 px apart, cubic interpolation overshoots.
    assert np.abs(seen - ramp).max() < 0.6 / length
    assert np.count_nonzero((seen > 0.02) & (seen < 0.98)) == pytest.approx(length, abs=1.5)


def test_a_bright_background_is_hidden_for_the_share_of_time():
    back = np.full((12, 80, 3), 0.9, np.float32)
    places = 30 * TIMES**2  # ever faster
    seen = expose(back, box(12, 10, 0, 35, (0.0, 0.0, 0.0)), motion(places))
    times = np.linspace(0, 1, 20001)
    left = 35 + np.interp(times, TIMES, places) - places[NODES // 2]
    x = np.arange(80)[:, None]
    covered = np.clip(np.minimum(x + 1, left + 10) - np.maximum(x, left), 0, 1).mean(1)
    assert covered.max() > 0.4
    assert np.abs(seen.blurry[6, :, 0] - 0.9 * (1 - covered)).max() < 0.03
    assert np.allclose(seen.blurry, back * (1 - seen.cover[..., None]), atol=1e-6)


def test_rotation_and_scale_agree_with_a_dense_integral():
    y, x = np.mgrid[:41, :51].astype(float)

    def pattern(y, x):
        return np.exp(-((y - 14) ** 2 + (x - 33) ** 2) / 18)

    light = np.repeat(pattern(y, x)[..., None], 4, 2).astype(np.float32)
    turning = motion(6 * TIMES, angle=0.9, zoom=0.3, pivot=(20.0, 25.0))
    got = average(Layer(light, 10, 5), turning, (64, 64))[..., 0]
    y, x = np.mgrid[:64, :64]
    total = np.zeros((64, 64))
    for t in np.linspace(-0.5, 0.5, 400):
        # Complex numbers y + ix, from the picture to the layer.
        place = (y - 10 - 20) + 1j * (x - 5 - 25 - 6 * t)
        place = place * np.exp(-0.3 * t + 0.9j * t) + (20 + 25j)
        total += pattern(place.real, place.imag) / 400
    assert np.abs(got - total).max() < 0.01


@pytest.mark.parametrize("seed", range(12))
def test_samples_are_dense_and_weigh_the_time_they_stand_for(seed):
    random = np.random.default_rng(seed)
    move = move_object if seed % 2 else move_camera
    path = move(random, 25.0, (120, 80))
    corners = np.array([[0, 0], [0, 80], [120, 0], [120, 80]], float)
    poses = path.sample(np.hypot(*(corners - path.pivot).T).max())
    back = np.linalg.inv(poses.matrix)
    seen = np.einsum("nij,nkj->nki", back, corners - poses.offset[:, None])
    assert np.linalg.norm(np.diff(seen, axis=0), axis=2).max() < 1
    assert len(seen) < 8 * 25
    assert poses.weight.sum() == pytest.approx(1)
    # Where the pivot was seen on average: in time, whatever the speed.
    pivots = np.einsum("nij,nj->ni", back, path.pivot - poses.offset) - path.pivot
    assert np.abs(poses.weight @ pivots - np.trapezoid(path.shift, TIMES, axis=0)).max() < 0.2
    assert not path.shift[NODES // 2].any()


def test_a_shaken_picture_never_shows_what_lies_beyond_its_margin():
    corners = np.array([[0, 0], [0, 100], [100, 0], [100, 100]], float)
    farthest = []
    for seed in range(60):
        path = move_camera(np.random.default_rng(seed), 20.0, (100, 100))
        poses = path.sample(150)
        back = np.linalg.inv(poses.matrix)
        seen = np.einsum("nij,nkj->nki", back, corners - poses.offset[:, None])
        farthest.append(np.linalg.norm(seen - corners, axis=2).max())
    assert max(farthest) <= 20
    assert max(farthest) > 10


def test_a_pan_takes_the_whole_picture_one_nearly_straight_way():
    for seed in range(20):
        path = pan_camera(np.random.default_rng(seed), 20.0)
        assert np.hypot(*np.diff(path.shift, axis=0).T).sum() == pytest.approx(20)
        assert np.hypot(*(path.shift[-1] - path.shift[0])) > 18
        assert not path.angle.any()
        assert not path.zoom.any()


def test_pans_are_straight_and_in_so_many_directions_where_asked():
    seen = set()
    for seed in range(40):
        path = pan_camera(np.random.default_rng(seed), 20.0, directions=4)
        steps = np.diff(path.shift, axis=0)
        assert np.allclose(steps, steps[0])
        assert np.hypot(*(path.shift[-1] - path.shift[0])) == pytest.approx(20)
        seen.add(round(float(np.degrees(np.arctan2(*steps[0])))))
    assert seen == {0, 45, 90, 135}


def test_the_camera_pans_as_often_as_asked(sources, monkeypatch):
    lengths = []
    monkeypatch.setattr(
        "foveate.train.blur.scenes.pan_camera",
        lambda random, length_px, directions: (
            lengths.append(length_px) or pan_camera(random, length_px, directions)
        ),
    )
    for pans, least, most in ((0, 0, 0), (0.5, 2, 10), (1, 12, 12)):
        lengths.clear()
        for seed in range(12):
            made = scenes(sources, shares=(0, 1, 0), pans=pans)
            made.draw(np.random.default_rng(seed))
        assert least <= len(lengths) <= most


def test_the_mask_is_where_the_layer_was_its_flat_inside_too():
    seen = expose(background(), textured(), motion(12 * TIMES))
    response = Response()
    pair = make_pair(seen, response)
    raw = response.encode(seen.blurry).astype(int)
    differs = np.abs(raw - response.encode(seen.sharp)).max(2) >= DIFFERS
    assert np.array_equal(pair.mask, seen.cover > COVERED)
    assert 0.2 < differs[pair.mask].mean() < 1
    assert np.array_equal(pair.blurry[pair.mask], raw[pair.mask])
    assert 0.1 < pair.mask.mean() < 0.5


def test_what_moved_and_is_nowhere_seen_to_has_no_mask():
    flat = background() * 0 + 0.25
    layer = textured()
    layer.light[..., :3] = 0.25 * layer.light[..., 3:]
    pair = make_pair(expose(flat, layer, motion(12 * TIMES)), Response())
    assert not pair.mask.any()
    assert np.array_equal(pair.blurry, pair.sharp)


def test_outside_the_mask_blurry_is_sharp_to_the_bit():
    pair = make_pair(expose(background(), textured(), motion(12 * TIMES)), Response())
    assert np.array_equal(pair.blurry[~pair.mask], pair.sharp[~pair.mask])
    far = np.ones((96, 96), bool)
    far[20:72, 20:90] = False
    assert np.array_equal(pair.sharp[far], photo(96, 96)[far])


def test_noise_falls_on_blurry_alone_and_still_places_stay_equal():
    seen = expose(background(), textured(), motion(12 * TIMES))
    clean = make_pair(seen, Response())
    moving = seen.cover > COVERED
    pair = make_pair(seen, Response(), np.random.default_rng(1))
    assert np.array_equal(pair.mask, clean.mask)
    assert np.array_equal(pair.blurry[~moving], pair.sharp[~moving])
    assert np.array_equal(pair.sharp[moving], clean.sharp[moving])
    assert not np.array_equal(pair.blurry[~moving], clean.blurry[~moving])


def test_what_stays_in_front_is_never_in_the_mask():
    front = box(96, 20, 0, 50, (0.2, 0.3, 0.4))
    seen = expose(background(), textured(), motion(12 * TIMES), front)
    pair = make_pair(seen, Response())
    assert not pair.mask[:, 50:70].any()
    assert (pair.sharp[:, 50:70] == Response().encode(np.float32([0.2, 0.3, 0.4]))).all()
    assert pair.mask[:, 40:50].any()
    noisy = make_pair(seen, Response(), np.random.default_rng(1))
    assert np.array_equal(noisy.sharp[:, 50:70], noisy.blurry[:, 50:70])


@pytest.mark.parametrize(("power", "highlight"), [(1.0, 1.0), (0.9, 1.0), (1.1, 6.0)])
def test_every_sample_comes_back_from_linear_light(power, highlight):
    response, samples = Response(power, highlight), np.arange(256, dtype=np.uint8)
    assert np.array_equal(response.encode(response.decode(samples)), samples)


def test_the_response_is_srgb():
    light = Response().decode(np.array([0, 10, 118, 188, 255], np.uint8))
    # 10 / 255 / 12.92 on the straight part; ((c + 0.055) / 1.055)^2.4 above.
    assert light == pytest.approx([0, 0.0030353, 0.1811642, 0.5028865, 1], abs=1e-6)


def test_a_cutout_becomes_light_times_alpha_inside_an_empty_border():
    pixels = np.full((20, 32, 4), 188, np.uint8)
    pixels[..., 3] = 51
    light = as_light(pixels, Response(), 0.5)
    assert light.shape == (10 + 2 * BORDER_PX, 16 + 2 * BORDER_PX, 4)
    inner = light[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
    assert np.allclose(inner, [0.5028865 / 5] * 3 + [1 / 5], atol=1e-6)
    assert light.sum() == pytest.approx(inner.sum())


def test_shot_noise_grows_with_light_and_clipped_pixels_have_none(monkeypatch):
    monkeypatch.setattr(
        "foveate.train.blur.local_blur.decode_jpeg_round_trip", lambda p, *_, **__: p
    )
    levels = np.array([0.05, 0.6, 1.0], np.float32)
    light = np.repeat(levels, 4000).reshape(3, 4000, 1).repeat(3, 2)
    response = Response()
    got = response.decode(photograph(light, response, np.random.default_rng(2)))
    sigma = got[..., 1].std(1)
    assert sigma[2] == 0
    assert 1.5 < sigma[1] / sigma[0] < 12**0.5 + 0.5


def test_a_draw_is_a_function_of_its_random_numbers(sources):
    one, other = scenes(sources), scenes(sources)
    other.draw(np.random.default_rng(0))  # what was drawn before does not matter
    for seed in range(6):
        ours, theirs = (s.draw(np.random.default_rng(seed)) for s in (one, other))
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
        assert ours.blurry.shape == ours.sharp.shape == (96, 96, 3)
        assert ours.mask.shape == (96, 96)
    assert not np.array_equal(one.draw(np.random.default_rng(7)).sharp, ours.sharp)


@pytest.mark.parametrize(
    ("shares", "least", "most"), [((1, 0, 0), 0, 0.6), ((0, 1, 0), 0.5, 1), ((0, 0, 1), 0, 0)]
)
def test_each_kind_blurs_its_share_of_the_picture(sources, shares, least, most):
    drawn = [
        scenes(sources, shares=shares, object_size=(0.2, 0.5)).draw(np.random.default_rng(seed))
        for seed in range(8)
    ]
    blurred = [pair.mask.mean() for pair in drawn]
    assert least <= np.mean(blurred) <= most
    assert (max(blurred) > 0) == (most > 0)
    if not most:
        assert all(np.array_equal(pair.blurry, pair.sharp) for pair in drawn)


def test_a_cache_keeps_the_latest_pictures_as_far_as_its_bytes_go(sources, monkeypatch):
    read = []
    monkeypatch.setattr(
        "foveate.train.folders.read_pixels", lambda path: read.append(path) or photo(10, 10)
    )
    cache, (first, second, third) = PictureCache(kept_bytes=2 * 300), sources[1]
    for path in (first, second, first, third, first, second):
        assert cache.read(path, 3).shape == (10, 10, 3)
    assert read == [first, second, third, second]


def test_an_estimated_mask_finds_the_blur_of_a_pair_that_lies_off_by_a_pixel(sources):
    hit = wrong = missed = 0
    for seed in range(8):
        random = np.random.default_rng(seed)
        pair = scenes(sources, shares=(1, 0, 0), clean=1.0).draw(random)
        noise = random.normal(0, 1, pair.sharp.shape)
        sharp = np.clip(
            np.rint(np.pad(pair.sharp, [(1, 0), (0, 1), (0, 0)], "edge")[:-1, 1:] + noise), 0, 255
        )
        mask = estimate_mask(pair.blurry, sharp.astype(np.uint8))
        hit += (mask & pair.mask).sum()
        wrong += (mask & ~pair.mask).sum()
        missed += (~mask & pair.mask).sum()
    assert hit / (hit + missed) > 0.8
    assert hit / (hit + wrong) > 0.7


def test_a_picture_against_itself_has_an_empty_estimated_mask():
    assert not estimate_mask(photo(60, 70), photo(60, 70)).any()
