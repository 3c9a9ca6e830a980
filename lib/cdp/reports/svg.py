"""Turn a matplotlib figure into an SVG that lives inside a page: its own ids, the page's colours, no outside names."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Colours are drawn as stand-ins and become CSS variables, so that the page decides on light, dark and print.
COLOURS = {
    "#000001": "ink",
    "#000002": "muted",
    "#000003": "grid",
    "#000004": "card",
    "#000005": "c1",
    "#000006": "c2",
    "#000007": "c3",
    "#000008": "c4",
    "#000009": "on-c1",
}
INK, MUTED, GRID, CARD, C1, C2, C3, C4, ON_C1 = COLOURS

WIDTH = 6.4
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cdp",
    "font.size": 12.5,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "axes.labelsize": 12,
    "legend.fontsize": 12,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "xtick.major.size": 0,
    "xtick.major.pad": 7,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "figure.facecolor": "none",
}


def shade(percent: int) -> str:
    """Stand-in for the first colour mixed into the card's, 0 to 100 per cent."""
    return f"#0001{percent:02x}"


def draw_svg(paint: Callable[[Axes], None], *, name: str, title: str, description: str, height: float = 3.0) -> str:
    """What ``paint`` draws, as one ``<svg>`` element; the same drawing gives the same text.

    ``name`` makes its ids unique within a page. ``title`` and ``description`` are what a screen reader says.
    ``height`` in inches of 72 units; the width is always the same, so that letters are equally large everywhere.
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure.add_subplot())
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue().decode("utf-8")
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="([^"]+)"', text)
    head = (
        f'<svg class="chart" viewBox="{box.group(1) if box else ""}" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(description)}</desc>'
    )
    return head + _colours(_fonts(_ids(body, name))).strip()


def _ids(body: str, name: str) -> str:
    """Keep only the ids that something refers to, with the name before them."""
    body = body.replace("xlink:href", "href")
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m.group(1)}"' if m.group(1) in used else "", body)
    return re.sub(r'(url\(#|href="#)', lambda m: f"{m.group(1)}{name}-", body)


def _fonts(body: str) -> str:
    """Sizes stay, families are the page's."""
    body = re.sub(r"font: (?:(\d+) )?([\d.]+px) [^;\"]+", r"font-size: \2", body)
    return re.sub(r"font-family: [^;\"]+;?", "", body)


def _colours(body: str) -> str:
    for stand_in, variable in COLOURS.items():
        body = body.replace(stand_in, f"var(--{variable})")
    return re.sub(
        r"#0001([0-9a-f]{2})",
        lambda m: f"color-mix(in srgb, var(--c1) {int(m.group(1), 16)}%, var(--card))",
        body,
    )
