"""The marks that charts are made of: bars with a name before and a number behind, a count axis, a legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cdp.reports.svg import CARD, MUTED
from cdp.reports.words import compact

BAR = 0.62


def draw_bars(
    axes: Axes, values: Sequence[float], *, colour: str | list[str], left: Sequence[float] | float = 0
) -> None:
    """One horizontal bar a row, beginning at ``left``; a hairline of the card's colour parts stacked bars."""
    axes.barh(range(len(values)), values, left=left, height=BAR, color=colour, edgecolor=CARD, linewidth=0.8)


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """First row on top; no axis of numbers, as each bar carries its own."""
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)


def label_ends(axes: Axes, ends: Sequence[float], labels: Sequence[str]) -> None:
    """A number behind each bar; makes room for it. Call it when all bars are drawn."""
    low, high = min(axes.get_xlim()[0], 0), max(max(ends), 1e-9)
    axes.set_xlim(low, high * 1.16)
    for row, (end, label) in enumerate(zip(ends, labels, strict=True)):
        axes.annotate(label, (end, row), xytext=(5, 0), textcoords="offset points", va="center", color=MUTED)


def draw_columns(axes: Axes, labels: Sequence[str], parts: Sequence[tuple[str, str, Sequence[int]]]) -> None:
    """Upright bars of parts (words, colour, counts) one upon the other, with the counts' axis and the words above."""
    places, below = range(len(labels)), [0] * len(labels)
    for _, colour, counts in parts:
        axes.bar(places, counts, width=0.72, bottom=below, color=colour, edgecolor=CARD, linewidth=0.8)
        below = [low + high for low, high in zip(below, counts, strict=True)]
    axes.set_xticks(places, labels)
    count_axis(axes)
    add_legend(axes, [(words, colour) for words, colour, _ in parts])


def count_axis(axes: Axes) -> None:
    """Whole numbers up the left side, with faint lines."""
    axes.yaxis.set_major_formatter(lambda value, _: compact(value))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.tick_params(axis="y", labelcolor=MUTED)
    axes.grid(axis="y")


def add_legend(axes: Axes, parts: Sequence[tuple[str, str]]) -> None:
    """Names and colours in one row above the chart."""
    handles = [Patch(color=colour, label=label) for label, colour in parts]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(parts),
        borderaxespad=0.2,
        handlelength=0.9,
        handleheight=0.9,
        columnspacing=1.4,
        borderpad=0.2,
    )


def chart_height(rows: int, *, legend: bool = False) -> float:
    """Inches for so many rows, so that bars are equally thick in every chart."""
    return 0.2 + 0.33 * rows + (0.34 if legend else 0.0)
