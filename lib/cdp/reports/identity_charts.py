"""The charts of how good the people look without knowing the truth: over the nights, and tonight's pairs by weight."""

from __future__ import annotations

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cdp.reports.facts.identity import IdentityNight
from cdp.reports.facts.night import NightFacts
from cdp.reports.marks import add_legend, draw_columns
from cdp.reports.svg import C1, C2, C3, C4, CARD, MUTED, draw_svg

#: Shares that are drawn over the nights: measure, words, colour.
_SHARES = (
    ("impossible_share", "impossible facts", C4),
    ("one_link_share", "hang by one link", C1),
    ("doubted_share", "pairs in doubt", C2),
)
_MOST_MARKED = 20  # nights with a dot each


def draw_identity_history(facts: NightFacts) -> str:
    """Shares of people with impossible facts and of those who hang by one link, and of pairs in doubt, by night."""
    nights = facts.identity_nights
    if not nights:
        return ""
    drawn = [(words, colour, [_share(night, name) for night in nights]) for name, words, colour in _SHARES]

    def paint(axes: Axes) -> None:
        places = range(len(nights))
        marker = "o" if len(nights) <= _MOST_MARKED else ""
        for _, colour, shares in drawn:
            axes.plot(places, [100 * share for share in shares], color=colour, linewidth=1.6, marker=marker,
                      markersize=5, markeredgecolor=CARD)  # fmt: skip
        step = max(1, len(nights) // 5)
        axes.set_xticks(places[::-step][::-1], [nights[n].run_date[5:] for n in places[::-step][::-1]])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.grid(axis="y")
        add_legend(axes, [(words, colour) for words, colour, _ in drawn])

    return draw_svg(
        paint,
        name="identity-history",
        title="How good the people look, by night",
        description="; ".join(f"{words}: {100 * shares[-1]:.2f} % tonight" for words, _, shares in drawn),
        height=2.4,
    )


def draw_weights(facts: NightFacts) -> str:
    """Pairs of records that speak for one person, by weight: those within people and those that were cut."""
    bins = facts.identity_nights[-1].weights if facts.identity_nights else ()
    if not bins:
        return ""
    edges = [low for low, _, _ in bins]

    def paint(axes: Axes) -> None:
        held, cut = [n for _, n, _ in bins], [n for _, _, n in bins]
        names = [f"{low}-{high}" for low, high in pairwise(edges)]
        draw_columns(axes, [*names, f"> {edges[-1]}"], [("within people", C1, held), ("cut", C3, cut)])
        axes.set_xlabel("bits: each one doubles the odds of one person")

    return draw_svg(
        paint,
        name="weights",
        title="Pairs of records by the weight of their evidence",
        description="; ".join(f"from {low} bits: {held} within people, {cut} cut" for low, held, cut in bins),
        height=2.4,
    )


def _share(night: IdentityNight, name: str) -> float:
    return 1 - night.measure("expected_precision", 1.0) if name == "doubted_share" else night.measure(name, 0.0)
