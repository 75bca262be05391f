"""Bar charts as SVG, light and dark by the reader's preference, without a library."""

from collections.abc import Mapping
from html import escape

ROW, LABEL, BARS, NUMBER, TOP = 26, 210, 420, 90, 44
_STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-weight: 600; font-size: 15px }
    .bar { fill: #57606a } .ours { fill: #2d7d32 }
    .ground { fill: #ffffff }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .bar { fill: #8b949e } .ours { fill: #bbd26c } .ground { fill: #0d1117 }
    }
""".strip()


def bars(title: str, values: Mapping[str, float], *, ours: str) -> str:
    """One bar a value, from 0, with its number; the bar named ``ours`` has the accent."""
    width, height = LABEL + BARS + NUMBER, TOP + ROW * len(values) + 10
    most = max(values.values(), default=1) or 1
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="{escape(title)}">',
        f"  <style>{_STYLE}</style>",
        f'  <rect class="ground" width="{width}" height="{height}" rx="6"/>',
        f'  <text class="title" x="12" y="26">{escape(title)}</text>',
    ]
    for place, (name, value) in enumerate(values.items()):
        y = TOP + ROW * place
        length = max(1, round(BARS * value / most))
        kind = "ours" if name == ours else "bar"
        lines += [
            f'  <text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
            f'  <rect class="{kind}" x="{LABEL}" y="{y + 2}" width="{length}" height="{ROW - 8}" rx="2"/>',
            f'  <text x="{LABEL + length + 6}" y="{y + 15}">{shown(value)}</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


def shown(value: float) -> str:
    """Three digits that count, with thousands separated."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
