"""Bars: one for a terminal, and a chart of all categories and modes as an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from agent_memory_server.evaluation.figures import Interval

_CELLS = 30
_EIGHTHS = " ▏▎▍▌▋▊▉"

_COLOURS = ("#8da0b6", "#e0a458", "#2f6f8f")
_PLOT_HEIGHT, _TOP, _LEFT, _BOTTOM = 260, 56, 48, 96
_BAR, _APART = 18, 22


def bar(share: float) -> str:
    """A bar of a share from 0 to 1, of a fixed width."""
    eighths = round(min(max(share, 0.0), 1.0) * _CELLS * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_CELLS)


@dataclass(frozen=True, slots=True)
class Bar:
    """A share from 0 to 1 with its 95 % interval, None where there is none."""

    share: float
    interval: Interval | None


def svg(title: str, groups: Sequence[str], series: Mapping[str, Sequence[Bar]]) -> str:
    """A bar chart as an SVG document. groups: labels below; series: name → one bar for each group."""
    wide = len(series) * _BAR + _APART
    width = _LEFT + len(groups) * wide + _APART
    height = _TOP + _PLOT_HEIGHT + _BOTTOM
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">'
    )
    parts = [
        opening,
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
        *_legend(list(series)),
        *_scale(width),
    ]
    for number, group in enumerate(groups):
        left = _LEFT + _APART // 2 + number * wide
        for place, bars in enumerate(series.values()):
            parts += _drawn(bars[number], left + place * _BAR, _COLOURS[place % len(_COLOURS)])
        middle, below = left + len(series) * _BAR // 2, _TOP + _PLOT_HEIGHT + 14
        turned = f'text-anchor="end" transform="rotate(-35 {middle} {below})"'
        parts.append(f'<text x="{middle}" y="{below}" {turned}>{escape(group)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _height_of(share: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - share)


def _legend(names: Sequence[str]) -> list[str]:
    parts = []
    for place, name in enumerate(names):
        left = _LEFT + place * 110
        parts.append(f'<rect x="{left}" y="32" width="10" height="10" fill="{_COLOURS[place % len(_COLOURS)]}"/>')
        parts.append(f'<text x="{left + 15}" y="41">{escape(name)}</text>')
    return parts


def _scale(width: int) -> list[str]:
    parts = []
    for tenths in range(0, 11, 2):
        y = _height_of(tenths / 10)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{width}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tenths / 10:.1f}</text>')
    return parts


def _drawn(value: Bar, left: int, colour: str) -> list[str]:
    y = _height_of(value.share)
    bottom = _TOP + _PLOT_HEIGHT
    rectangle = (
        f'<rect class="bar" x="{left}" y="{y:.1f}" width="{_BAR - 3}" height="{bottom - y:.1f}" fill="{colour}">'
    )
    parts = [f"{rectangle}<title>{value.share:.3f}</title></rect>"]
    if value.interval is not None:
        low, high = (_height_of(end) for end in value.interval)
        middle = left + (_BAR - 3) / 2
        parts.append(f'<line x1="{middle}" y1="{low:.1f}" x2="{middle}" y2="{high:.1f}" stroke="#333333"/>')
    return parts
