"""A flame graph: each box is a function, as wide as the share of samples in which it was running.

The idea and the form are Brendan Gregg's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from zlib import crc32

WIDTH = 1200.0
ROW = 17
LEAST = 0.5  # units: a narrower box would not be seen
_CHARACTER = 6.6


@dataclass
class Box:
    """A function below its callers."""

    name: str
    samples: int = 0
    inner: "dict[str, Box]" = field(default_factory=dict)


def tree(stacks: Mapping[str, int]) -> Box:
    """All stacks, joined where they begin with the same functions."""
    root = Box("all")
    for stack, samples in sorted(stacks.items()):
        box = root
        box.samples += samples
        for name in stack.split(";"):
            box = box.inner.setdefault(name, Box(name))
            box.samples += samples
    return root


def svg(stacks: Mapping[str, int], title: str) -> str:
    """The graph; a box shows its whole name and share when one points at it."""
    root = tree(stacks)
    boxes = list(_boxes(root, 0.0, 0, WIDTH / max(1, root.samples)))
    height = (max(depth for *_, depth in boxes) + 1) * ROW + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}"'
        ' font-family="monospace" font-size="11">',
        f'<rect width="{WIDTH:.0f}" height="{height}" fill="#fff" />',
        f'<text x="4" y="18" font-size="13">{escape(title)}</text>',
    ]
    for box, start, width, depth in boxes:
        parts.append(_drawn(box, start, width, height - (depth + 1) * ROW, box.samples / root.samples))
    return "\n".join([*parts, "</svg>\n"])


def _boxes(box: Box, start: float, depth: int, unit: float) -> Iterator[tuple[Box, float, float, int]]:
    width = box.samples * unit
    if width < LEAST:
        return
    yield box, start, width, depth
    for inner in box.inner.values():
        yield from _boxes(inner, start, depth + 1, unit)
        start += inner.samples * unit


def _drawn(box: Box, start: float, width: float, top: float, share: float) -> str:
    letters = int((width - 6) / _CHARACTER)
    short = ".".join(part for part in box.name.split(".")[-2:] if part != "<locals>")
    shown = short if len(short) <= letters else f"{short[: letters - 1]}…" if letters > 3 else ""
    text = f'<text x="{start + 3:.1f}" y="{top + 12:.1f}">{escape(shown)}</text>' if shown else ""
    return (
        f"<g><title>{escape(box.name)}: {share:.1%}</title>"
        f'<rect x="{start:.1f}" y="{top:.1f}" width="{width:.1f}" height="{ROW - 1}" rx="2"'
        f' fill="{_color(box.name)}" />{text}</g>'
    )


def _color(name: str) -> str:
    """Green for this site, yellow for Django, grey for the rest; the shade is that of the module."""
    package = name.partition(".")[0]
    hue, saturation = {"apps": (75, 55), "kwippy": (75, 55), "django": (45, 70)}.get(package, (210, 12))
    return f"hsl({hue} {saturation}% {68 + crc32(name.rpartition('.')[0].encode()) % 14}%)"
