"""The page of a night as one self-contained HTML text: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

import cdp
from cdp.reports import words
from cdp.reports.charts import draw_charts
from cdp.reports.facts.night import NightFacts
from cdp.reports.measures import list_identity, list_measures, list_proved
from cdp.reports.scores import found_segments, value_grid


@dataclass(frozen=True)
class Tile:
    """One number at the head of the page, and the words below it."""

    number: str
    name: str
    note: str


def render_page(facts: NightFacts) -> str:
    """The HTML of the night. The same facts give the same text; every part without facts says "nothing yet"."""
    return _template().render(
        facts=facts,
        tiles=head_tiles(facts),
        problems=find_problems(facts),
        charts={name: Markup(svg) for name, svg in draw_charts(facts).items()},
        models=[(model, list_measures(model)) for model in facts.models],
        proved={model.model: list_proved(model) for model in facts.models},
        identity=list_identity(facts.identity_nights),
        grid=value_grid(facts.scores),
        found_segments=found_segments(facts.scores),
        css=Markup(_resource("page.css")),
        version=cdp.__version__,
    )


def head_tiles(facts: NightFacts) -> list[Tile]:
    """The six numbers to look at first."""
    people, scores = facts.people, facts.scores
    read = sum(s.read for s in facts.sources)
    refused = sum(s.refused for s in facts.sources)
    exported = {d.audience for d in facts.deliveries if d.state == "delivered"}
    members = sum(d.members for d in facts.deliveries if d.state == "delivered")
    weeks = f"{scores.horizon_weeks} weeks" if scores.horizon_weeks else "the horizon"
    value = words.money(scores.value) if scores.cells else "–"
    return [
        Tile(words.count(people.active), "people", f"{words.count(people.new)} new tonight"),
        Tile(words.share(people.known, people.active), "known", "by more than a device"),
        Tile(words.count(read), "records in tonight", f"from {sum(1 for s in facts.sources if s.read)} sources"),
        Tile(words.share(refused, read), "refused", f"{words.count(refused)} records"),
        Tile(value, f"{facts.currency} expected in {weeks}".strip(), f"from {words.count(scores.people)} customers"),
        Tile(words.count(len(exported)), "audiences exported", f"{words.count(members)} members handed over"),
    ]


def find_problems(facts: NightFacts) -> list[str]:
    """What somebody must look at, in sentences; empty on a good night."""
    problems = [
        f"{s.source}: {words.count(abs(s.unaccounted))} of {words.count(s.all_read)} records are neither accepted "
        "nor seen before nor refused. Run accept again; if the number stays, it is a fault of the pipeline."
        for s in facts.sources
        if s.unaccounted
    ]
    problems += [
        f"{s.source}: {words.count(s.waiting)} files are landed, but not decided on yet."
        for s in facts.sources
        if s.waiting
    ]
    if facts.set_aside:
        problems.append(f"{words.count(len(facts.set_aside))} files were set aside whole: see Refused.")
    if facts.schema_changes:
        names = ", ".join(sorted({change.source for change in facts.schema_changes}))
        n_changed = words.count(len(facts.schema_changes))
        problems.append(f"Fields that came, went or changed: {n_changed} ({names}). See Fields.")
    problems += [f"{r.job} failed: {r.message or 'see the log'}" for r in facts.runs if r.state == "failed"]
    problems += [
        f"The delivery of {words.plain(d.audience)} to {words.plain(d.destination)} was {d.state}."
        for d in facts.deliveries
        if d.state != "delivered"
    ]
    return problems


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    for filter_ in (words.count, words.money, words.share, words.seconds, words.plain):
        environment.filters[filter_.__name__] = filter_
    return environment.from_string(_resource("page.html.j2"))


def _resource(name: str) -> str:
    """A file beside this one, also where the package is a zip."""
    return (files("cdp.reports") / name).read_text(encoding="utf-8")
