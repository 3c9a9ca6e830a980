"""The charts of the page, each from plain facts to one inline SVG; empty text where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cdp.reports.facts.night import NightFacts
from cdp.reports.facts.scores import ModelFacts
from cdp.reports.identity_charts import draw_identity_history, draw_weights
from cdp.reports.marks import add_legend, chart_height, count_axis, draw_bars, draw_columns, label_ends, name_rows
from cdp.reports.scores import churn_histogram, value_grid, value_histogram
from cdp.reports.svg import C1, C2, C3, C4, CARD, INK, MUTED, ON_C1, draw_svg, shade
from cdp.reports.words import compact, count, decimal_edge, seconds


def draw_charts(facts: NightFacts) -> dict[str, str]:
    """Chart name -> SVG, for the places of the page."""
    charts: dict[str, Callable[[NightFacts], str]] = {
        "sources": draw_sources,
        "refusals": draw_refusals,
        "records": draw_records_per_person,
        "identity-history": draw_identity_history,
        "weights": draw_weights,
        "churn": draw_churn,
        "value": draw_value,
        "grid": draw_grid,
        "segments": draw_segments,
        "audiences": draw_audiences,
        "runs": draw_runs,
    }
    drawn = {name: draw(facts) for name, draw in charts.items()}
    return drawn | {f"groups-{n}": draw_groups(model, name=f"groups-{n}") for n, model in enumerate(facts.models)}


def draw_sources(facts: NightFacts) -> str:
    """Records of tonight by source: accepted, duplicate, refused."""
    sources = [s for s in facts.sources if s.read]
    if not sources:
        return ""
    parts = (
        ("accepted", C1, [s.accepted for s in sources]),
        ("seen before", C3, [s.duplicate for s in sources]),
        ("refused", C4, [s.refused for s in sources]),
    )

    def paint(axes: Axes) -> None:
        left = [0] * len(sources)
        for _, colour, values in parts:
            draw_bars(axes, values, left=left, colour=colour)
            left = [a + b for a, b in zip(left, values, strict=True)]
        name_rows(axes, [s.source for s in sources])
        label_ends(axes, left, [compact(s.read) for s in sources])
        add_legend(axes, [(name, colour) for name, colour, _ in parts])

    return draw_svg(
        paint,
        name="sources",
        title="Records of tonight by source",
        description="; ".join(f"{s.source}: {s.accepted} accepted, {s.refused} refused" for s in sources),
        height=chart_height(len(sources), legend=True),
    )


def draw_refusals(facts: NightFacts) -> str:
    """Defects of tonight by code, over all sources and fields."""
    codes: dict[str, int] = {}
    for refusal in facts.refusals:
        codes[refusal.code] = codes.get(refusal.code, 0) + refusal.records
    found = sorted(((n, c) for c, n in codes.items() if n), key=lambda pair: (-pair[0], pair[1]))[:10]
    return _draw_simple_bars(
        [code.replace("_", " ") for _, code in found],
        [n for n, _ in found],
        name="refusals",
        title="Reasons for refusal tonight",
        colour=C4,
    )


def draw_records_per_person(facts: NightFacts) -> str:
    """How many people have how many records, known and anonymous."""
    bands = facts.people.bands
    if not bands:
        return ""

    def paint(axes: Axes) -> None:
        known, anonymous = [b.known for b in bands], [b.anonymous for b in bands]
        draw_columns(axes, [b.label for b in bands], [("known", C1, known), ("anonymous", C3, anonymous)])
        axes.set_xlabel("records of a person")

    return draw_svg(
        paint,
        name="records",
        title="People by number of records",
        description="; ".join(f"{b.label} records: {b.known + b.anonymous} people" for b in bands),
    )


def draw_churn(facts: NightFacts) -> str:
    """People by their probability of no purchase within the horizon."""
    people = churn_histogram(facts.scores)
    if not sum(people):
        return ""

    def paint(axes: Axes) -> None:
        width = 100 / len(people)
        axes.bar([(n + 0.5) * width for n in range(len(people))], people, width=width, color=C1, edgecolor=CARD)
        axes.set_xlim(0, 100)
        axes.set_xticks(range(0, 101, 20), [f"{n} %" for n in range(0, 101, 20)])
        axes.set_xlabel("probability of no purchase within the horizon")
        count_axis(axes)

    return draw_svg(
        paint,
        name="churn",
        title="People by churn risk",
        description="From 0 to 100 % in steps of 5: " + ", ".join(map(str, people)),
    )


def draw_value(facts: NightFacts) -> str:
    """People by expected value, on a logarithmic axis."""
    bins = value_histogram(facts.scores)
    if not bins:
        return ""
    low, high = min(bins), max(bins)

    def paint(axes: Axes) -> None:
        axes.bar([n + 0.5 for n in bins], list(bins.values()), width=1.0, color=C2, edgecolor=CARD)
        step = 10 if high - low > 15 else 5
        ticks = range(-(-low // step) * step, high + 2, step)
        axes.set_xticks(ticks, [decimal_edge(n) for n in ticks])
        axes.set_xlabel(f"expected spend within the horizon{_in_currency(facts)}, logarithmic")
        count_axis(axes)

    return draw_svg(
        paint,
        name="value",
        title="People by expected value",
        description="; ".join(f"from {decimal_edge(n)}: {people} people" for n, people in sorted(bins.items())),
    )


def draw_grid(facts: NightFacts) -> str:
    """People by value (fifths of those whom the version was trained on) and risk (steps of 20 %)."""
    grid = value_grid(facts.scores)
    total = sum(sum(row.people) for row in grid)
    if not total:
        return ""
    most = max(max(row.people) for row in grid)

    def paint(axes: Axes) -> None:
        for y, row in enumerate(grid):
            for x, people in enumerate(row.people):
                strength = round(90 * people / most)
                axes.add_patch(Rectangle((x + 0.02, y + 0.03), 0.96, 0.94, color=shade(max(strength, 4)), linewidth=0))
                colour = ON_C1 if strength > 72 else INK
                axes.text(x + 0.5, y + 0.5, compact(people), ha="center", va="center", color=colour)
        axes.set_xlim(0, 5)
        axes.set_ylim(0, len(grid))
        axes.set_xticks([n + 0.5 for n in range(5)], [f"{n}-{n + 20} %" for n in range(0, 100, 20)])
        axes.set_yticks([n + 0.5 for n in range(len(grid))], [row.label for row in grid])
        axes.set_xlabel("churn risk")
        axes.set_ylabel(f"expected value{_in_currency(facts)}")
        axes.spines["bottom"].set_visible(False)

    return draw_svg(
        paint,
        name="grid",
        title="People by value and risk",
        description="; ".join(f"value {row.label}: {', '.join(map(str, row.people))}" for row in grid),
        height=3.2,
    )


def draw_groups(model: ModelFacts, *, name: str) -> str:
    """Predicted beside actual on a later period, by equally large groups of people from least to most predicted."""
    groups = model.groups
    if not groups:
        return ""

    def paint(axes: Axes) -> None:
        places = range(1, len(groups) + 1)
        axes.bar(places, [actual for _, _, actual in groups], width=0.72, color=C3, edgecolor=CARD, linewidth=0.8)
        predicted = [p for _, p, _ in groups]
        axes.plot(places, predicted, color=C1, linewidth=1.6, marker="o", markersize=5, markeredgecolor=CARD)
        axes.set_xticks(places)
        axes.set_xlabel("people in equal groups, from least to most predicted")
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.grid(axis="y")
        if model.is_churn:
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        add_legend(axes, [("predicted", C1), ("actual", C3)])

    what = "share who bought" if model.is_churn else "mean spend"
    return draw_svg(
        paint,
        name=name,
        title=f"Predicted and actual {what}",
        description="; ".join(f"predicted {p:.3g}, actual {a:.3g}" for _, p, a in groups),
    )


def draw_segments(facts: NightFacts) -> str:
    """People by RFM segment."""
    return _draw_simple_bars(
        [s.segment.replace("_", " ") for s in facts.segments],
        [s.people for s in facts.segments],
        name="segments",
        title="People by RFM segment",
        colour=C2,
    )


def draw_audiences(facts: NightFacts) -> str:
    """Audiences: who stayed, who entered tonight, and to the left of zero who left."""
    audiences = sorted(facts.audiences, key=lambda a: (-a.size, a.audience))[:12]
    if not audiences:
        return ""

    def paint(axes: Axes) -> None:
        stayed = [a.size - a.entered for a in audiences]
        draw_bars(axes, stayed, colour=C1)
        draw_bars(axes, [a.entered for a in audiences], left=stayed, colour=C2)
        draw_bars(axes, [-a.left for a in audiences], colour=C4)
        name_rows(axes, [a.audience.replace("_", " ") for a in audiences])
        label_ends(axes, [a.size for a in audiences], [count(a.size) for a in audiences])
        add_legend(axes, [("stayed", C1), ("entered", C2), ("left", C4)])

    return draw_svg(
        paint,
        name="audiences",
        title="Audiences and their change tonight",
        description="; ".join(f"{a.audience}: {a.size}, +{a.entered}, -{a.left}" for a in audiences),
        height=chart_height(len(audiences), legend=True),
    )


def draw_runs(facts: NightFacts) -> str:
    """Seconds of each job, in the order in which they began."""
    runs = facts.runs
    if not runs:
        return ""

    def paint(axes: Axes) -> None:
        draw_bars(axes, [r.seconds for r in runs], colour=[C1 if r.state == "done" else C4 for r in runs])
        name_rows(axes, [r.job for r in runs])
        label_ends(axes, [r.seconds for r in runs], [seconds(r.seconds) for r in runs])

    return draw_svg(
        paint,
        name="runs",
        title="Run times",
        description="; ".join(f"{r.job}: {seconds(r.seconds)}" for r in runs),
        height=chart_height(len(runs)),
    )


def _draw_simple_bars(labels: Sequence[str], values: Sequence[int], *, name: str, title: str, colour: str) -> str:
    if not values:
        return ""

    def paint(axes: Axes) -> None:
        draw_bars(axes, values, colour=colour)
        name_rows(axes, labels)
        label_ends(axes, values, [count(v) for v in values])

    description = "; ".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
    return draw_svg(paint, name=name, title=title, description=description, height=chart_height(len(values)))


def _in_currency(facts: NightFacts) -> str:
    return f" in {facts.currency}" if facts.currency else ""
