"""Paths that an object or the camera takes during one exposure, and the poses sampled on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NODES = 129  # odd: one node lies at mid-exposure
STEP_PX = 0.5  # between samples; from 1 px on a thin bright line falls apart into dots


class Poses(NamedTuple):
    """n samples of a path: layer = matrix @ picture + offset, both (y, x) in px.

    Attributes:
        matrix: (n, 2, 2).
        offset: (n, 2).
        weight: (n,) share of the exposure that each stands for; sum 1.
    """

    matrix: Floats
    offset: Floats
    weight: Floats


@dataclass(frozen=True)
class Motion:
    """A layer's motion at NODES equally spaced times from 0 to 1, as seen from mid-exposure.

    Attributes:
        shift: (NODES, 2) y, x in px; 0 in the middle, as are the next two.
        angle: (NODES,) radians, about the pivot; a quarter turn takes +y to -x.
        zoom: (NODES,) natural logarithm of the scale, about the pivot.
        pivot: (2,) y, x in px of the layer.
    """

    shift: Floats
    angle: Floats
    zoom: Floats
    pivot: Floats

    @property
    def is_still(self) -> bool:
        """Whether nothing moves."""
        return not (self.shift.any() or self.angle.any() or self.zoom.any())

    def sample(self, radius_px: float) -> Poses:
        """Poses so dense that no point moves more than about STEP_PX from one to the next.

        They lie evenly along the way, not in time, and weigh as much as the time spent there: the
        fewest samples for a given step, however uneven the speed. Without motion it is one.

        Args:
            radius_px: how far the layer's farthest point is from the pivot.
        """
        moved = np.hypot(*np.diff(self.shift, axis=0).T)
        moved += radius_px * (np.abs(np.diff(self.angle)) + np.abs(np.diff(self.zoom)))
        way = np.concatenate([[0.0], np.cumsum(moved)])
        count = max(1, int(np.ceil(way[-1] / STEP_PX)))
        times = np.linspace(0, 1, NODES)
        borders = np.interp(np.arange(1, count) / count * way[-1], way, times)
        weight = np.diff(np.concatenate([[0.0], borders, [1.0]]))
        at = np.interp((np.arange(count) + 0.5) / count * way[-1], way, times)
        shift = np.stack([np.interp(at, times, part) for part in self.shift.T], 1)
        angle, zoom = (np.interp(at, times, part) for part in (self.angle, self.zoom))
        cos, sin = np.cos(angle) * np.exp(-zoom), np.sin(angle) * np.exp(-zoom)
        matrix = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
        offset = self.pivot - np.einsum("nij,nj->ni", matrix, self.pivot + shift)
        return Poses(matrix, offset, weight)


def stay() -> Motion:
    """No motion."""
    still = np.zeros(NODES)
    return Motion(np.zeros((NODES, 2)), still, still, np.zeros(2))


def move_object(random: np.random.Generator, length_px: float, size: tuple[int, int]) -> Motion:
    """A nearly straight way with uneven speed, and often some rotation and scaling on it.

    Objects move nearly straight during one exposure. Rotation and scale are about a point in the
    object, and move its rim by about as much as the object moves, at most.

    Args:
        random: the source of every choice.
        length_px: of the way.
        size: height and width of the object's layer in px.
    """
    extent = np.array(size, float)
    pivot = extent * random.uniform(0, 1, 2)
    shift, progress = _go_nearly_straight(random, length_px)
    turn = 2 * length_px / extent.max()
    angle = random.uniform(-turn, turn) * (random.random() < 1 / 2)
    zoom = random.uniform(-turn, turn) / 2 * (random.random() < 1 / 3)
    return _seen_from_the_middle(shift, angle * progress, zoom * progress, pivot)


def pan_camera(random: np.random.Generator, length_px: float, directions: int = 0) -> Motion:
    """An object's way taken by the whole picture, without rotation and scaling.

    Args:
        random: the source of every choice.
        length_px: of the way.
        directions: the way is straight, of even speed, and in one of so many directions, level the
            first; 0: an object's.
    """
    shift, progress = _go_nearly_straight(random, length_px)
    if directions:
        heading = np.pi / directions * random.integers(directions)
        progress = np.linspace(0, 1, NODES)
        shift = progress[1:, None] * length_px * np.array([np.sin(heading), np.cos(heading)])
    return _seen_from_the_middle(shift, 0 * progress, 0 * progress, np.zeros(2))


def move_camera(random: np.random.Generator, length_px: float, size: tuple[int, int]) -> Motion:
    """A hand's shake: a wandering way with jerks, or nearly straight as in a pan, and some roll.

    Args:
        random: the source of every choice.
        length_px: of the way; with the roll no point is farther than this from where it is at
            mid-exposure.
        size: height and width of the picture in px.

    Source: velocity with Gaussian steps, a pull back to the start and impulses, of constant speed
    so that equal exposures are equally long: Boracchi & Foi, "Modeling the performance of image
    restoration from motion blur", 2012. The ranges are ours.
    """
    wander = np.exp(random.uniform(np.log(0.01), np.log(0.15)))
    pull, jerk = wander * random.uniform(0, 0.03), wander * random.uniform(0, 0.1)
    place, velocity = np.zeros(2), random.standard_normal(2)
    places = np.empty((NODES - 1, 2))
    for node in range(NODES - 1):
        if random.random() < jerk:
            velocity = velocity * -1 + random.normal(0, 0.5, 2)
        velocity = velocity + random.normal(0, wander, 2) - pull * place
        velocity /= np.hypot(*velocity) + 1e-9
        place = place + velocity
        places[node] = place
    extent = np.array(size, float)
    roll = random.uniform(-0.5, 0.5) * length_px / extent.max()
    times = np.linspace(0, 1, NODES)
    shift = places * (length_px / (NODES - 1))
    return _seen_from_the_middle(shift, roll * times, 0 * times, extent * random.uniform(0, 1, 2))


def _go_nearly_straight(random: np.random.Generator, length_px: float) -> tuple[Floats, Floats]:
    """Shift without the first node, and the share of the way gone at each node."""
    speed = np.interp(np.linspace(0, 1, NODES - 1), [0, 1 / 3, 2 / 3, 1], random.uniform(0.2, 1, 4))
    if random.random() < 1 / 3:
        speed[:] = 1
    progress = np.concatenate([[0.0], np.cumsum(speed / speed.sum())])
    heading = random.uniform(0, 2 * np.pi) + random.normal(0, 0.3) * progress
    steps = np.diff(progress) * length_px
    shift = np.stack([np.sin(heading[1:]) * steps, np.cos(heading[1:]) * steps], 1)
    return np.cumsum(shift, 0), progress


def _seen_from_the_middle(shift: Floats, angle: Floats, zoom: Floats, pivot: Floats) -> Motion:
    """`shift` lacks the first node, which is 0."""
    shift = np.concatenate([np.zeros((1, 2)), shift])
    middle = NODES // 2
    return Motion(shift - shift[middle], angle - angle[middle], zoom - zoom[middle], pivot)
