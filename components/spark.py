"""Courses of a share over time as thin lines, drawn by CSS polygons so that they take the
theme's colours. Pure geometry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from dash import html
from dash.development.base_component import Component

Point = tuple[float, float]


class Box(NamedTuple):
    """The size in px that the line's thickness is meant for; the real box may be wider."""

    width: float
    height: float


SMALL = Box(120.0, 22.0)
LARGE = Box(210.0, 44.0)
HALF = 0.75
EDGE = 1.5
MOST = 48


def spark(course: Sequence[float | None], *, hot: bool = False, box: Box = SMALL) -> Component:
    """The course of a percentage, oldest first, on a scale of 0 to 100; a None is a gap."""
    lines = [
        html.I(className="line", style={"clipPath": polygon(part, box)})
        for part in parts(thinned(course), box)
    ]
    classes = ["spark", *(["is-hot"] if hot else []), *([] if lines else ["is-empty"])]
    return html.Span(lines, className=" ".join(classes), **{"aria-hidden": "true"})


def thinned(course: Sequence[float | None], most: int = MOST) -> list[float | None]:
    """At most ``most`` values: the highest of each bucket, so that no peak is lost."""
    size = max(1, math.ceil(len(course) / most))
    buckets = (course[start : start + size] for start in range(0, len(course), size))
    return [max((v for v in bucket if v is not None), default=None) for bucket in buckets]


def parts(course: Sequence[float | None], box: Box = SMALL) -> list[list[Point]]:
    """The unbroken stretches of a course as points in px of the nominal box."""
    last = max(1, len(course) - 1)
    stretches: list[list[Point]] = [[]]
    for index, value in enumerate(course):
        if value is None:
            stretches.append([])
            continue
        level = min(100.0, max(0.0, value)) / 100
        y = EDGE + (1 - level) * (box.height - 2 * EDGE)
        stretches[-1].append((index / last * box.width, y))
    return [stretch for stretch in stretches if stretch]


def polygon(line: Sequence[Point], box: Box = SMALL) -> str:
    """The outline of a thin line as a CSS polygon in percent of the box."""
    if len(line) == 1:
        ((x, y),) = line
        line = [(x - 1, y), (x + 1, y)]
    offsets = [_offset(line, index) for index in range(len(line))]
    above = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(line, offsets, strict=True)]
    below = [(x - dx, y - dy) for (x, y), (dx, dy) in zip(line, offsets, strict=True)]
    corners = (
        f"{_share(x, box.width)} {_share(y, box.height)}" for x, y in [*above, *reversed(below)]
    )
    return f"polygon({','.join(corners)})"


def _offset(line: Sequence[Point], index: int) -> Point:
    """Half the thickness at right angles to the line, mitred between its two neighbours."""
    around = line[max(0, index - 1) : index + 2]
    normals = [_normal(a, b) for a, b in pairwise(around)]
    nx, ny = (sum(part) / len(normals) for part in zip(*normals, strict=True))
    length = max(math.hypot(nx, ny), 0.5)
    return nx / length**2 * HALF, ny / length**2 * HALF


def _normal(a: Point, b: Point) -> Point:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = math.hypot(dx, dy)
    return dy / length, -dx / length


def _share(value: float, whole: float) -> str:
    return f"{value / whole * 100:.1f}".removesuffix(".0") + "%"
