"""Small plots as SVG text: lines over a few points, with axes in percent. No script, no style sheet, no font."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH, HEIGHT = 620, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 250, 34, 40
COLOURS: Final = ("#1f5fa8", "#c2571a", "#3b7d3b", "#7a4fa0", "#8a6d3b", "#888888", "#b03a5b")
TICKS: Final = 5


class Line(NamedTuple):
    """A named line; points are (x, y) between 0 and the axis' end."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(
    title: str, x: str, y: str, lines: Sequence[Line], *, x_end: float = 1.0, y_end: float = 1.0
) -> str:
    """One plot. `x`, `y`: what the axes show, in percent."""
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across, up = min(point[0] / x_end, 1.0), min(point[1] / y_end, 1.0)
        return LEFT + across * wide, TOP + (1.0 - up) * high

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' font-family="sans-serif" font-size="11" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in range(TICKS + 1):
        share = tick / TICKS
        across, up = LEFT + share * wide, TOP + (1.0 - share) * high
        parts += [
            f'<line x1="{LEFT}" y1="{up:.1f}" x2="{LEFT + wide}" y2="{up:.1f}" stroke="#e4e4e4"/>',
            f'<text x="{LEFT - 6}" y="{up + 4:.1f}" text-anchor="end">{100 * share * y_end:g}</text>',
            f'<text x="{across:.1f}" y="{TOP + high + 15}" text-anchor="middle">{100 * share * x_end:g}</text>',
        ]
    parts += [
        f'<text x="{LEFT + wide / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x)}</text>',
        f'<text x="14" y="{TOP + high / 2:.1f}" text-anchor="middle" '
        f'transform="rotate(-90 14 {TOP + high / 2:.1f})">{escape(y)}</text>',
    ]
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(point) for point in line.points]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{u:.1f}" r="2.5" fill="{colour}"/>' for a, u in places]
        height = TOP + 12 + 18 * number
        parts += [
            f'<rect x="{LEFT + wide + 12}" y="{height - 8}" width="10" height="10" fill="{colour}"/>',
            f'<text x="{LEFT + wide + 27}" y="{height + 1}">{escape(line.name)}</text>',
        ]
    return "\n".join([*parts, "</svg>"])
