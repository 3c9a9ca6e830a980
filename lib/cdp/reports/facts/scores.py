"""The scores of a night, and the models that made them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

from cdp.reports.facts.rows import Row, Rows

#: Equal steps of churn from 0 to 1.
CHURN_BINS = 20


@dataclass(frozen=True)
class ScoreCell:
    """People by churn and value, as of tonight.

    ``churn_bin`` b: churn in [b/20, (b+1)/20), the last one closed. ``value_bin`` b: expected value in
    [10^(b/10), 10^((b+1)/10)), None below 0.01. ``value`` is the sum over the people, ``least`` the least of them; None
    bins: not scored. ``segment`` and ``value_band`` are those of gold.predictions.
    """

    churn_bin: int | None
    value_bin: int | None
    people: int
    churn: float
    value: float
    segment: str = ""
    value_band: int | None = None
    least: float = 0.0


@dataclass(frozen=True)
class ScoreFacts:
    """The scores of tonight: cells of the two models taken together, and which version scored."""

    cells: tuple[ScoreCell, ...] = ()
    horizon_weeks: int | None = None
    churn_version: str = ""
    value_version: str = ""
    method: str = ""

    @property
    def people(self) -> int:
        """People with a score."""
        return sum(c.people for c in self.cells)

    @property
    def value(self) -> float:
        """Expected net spend of all of them within the horizon."""
        return sum(c.value for c in self.cells)

    @property
    def mean_churn(self) -> float | None:
        """Mean probability of no purchase within the horizon; None where nobody has one."""
        scored = sum(c.people for c in self.cells if c.churn_bin is not None)
        return sum(c.churn for c in self.cells) / scored if scored else None


@dataclass(frozen=True)
class ProvedFacts:
    """The newest scoring of a model whose horizon is over: its day, and its figures by the names of the ledger."""

    scored_as_of: str
    horizon_weeks: int
    people: int
    figures: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class ModelFacts:
    """The champion of one model: numbers on a later period, and groups of people from least to most predicted.

    A group is (people, mean predicted, mean actual): of the share who buy for churn, of spend for value.
    """

    model: str
    version: str
    as_of: str
    decided: str
    metrics: tuple[tuple[str, float], ...] = ()
    groups: tuple[tuple[int, float, float], ...] = ()
    proved: ProvedFacts | None = None

    @property
    def is_churn(self) -> bool:
        """Whether it tells who will not buy, and not how much."""
        return "churn" in self.model

    @property
    def is_list(self) -> bool:
        """Whether it ranks items, and not people."""
        return "ndcg_at_10_all" in dict(self.metrics)


def read_scores(rows: Rows) -> ScoreFacts:
    """The cells in a fixed order, and which versions made them."""
    cells = [
        ScoreCell(
            r.get("churn_bin"),
            r.get("value_bin"),
            r["people"],
            r.get("churn", 0.0),
            r.get("value", 0.0),
            r.get("segment", ""),
            r.get("value_band"),
            r.get("least", 0.0),
        )
        for r in rows
    ]

    def greatest(name: str) -> Any:
        return max((r[name] for r in rows if name in r), default=None)

    return ScoreFacts(
        cells=tuple(sorted(cells, key=lambda c: tuple(map(str, vars(c).values())))),
        horizon_weeks=greatest("horizon_weeks"),
        churn_version=greatest("churn_version") or "",
        value_version=greatest("value_version") or "",
        method=greatest("method") or "",
    )


def read_models(rows: Rows, performance: Rows) -> tuple[ModelFacts, ...]:
    """The newest champion of each model, with its newest proof of ``performance``."""
    proved = _read_proved(performance)
    newest: dict[str, Row] = {}
    for row in sorted(rows, key=lambda r: (r["as_of"], r.get("trained_at", ""), r["model_version"])):
        newest[row["model"]] = row
    return tuple(replace(_read_model(newest[name]), proved=proved.get(name)) for name in sorted(newest))


def _read_proved(rows: Rows) -> dict[str, ProvedFacts]:
    """The newest scoring of each model."""
    newest: dict[str, Rows] = {}
    for row in sorted(rows, key=lambda r: (r["scored_as_of"], r["measure"])):
        kept = newest.get(row["model"], [])
        newest[row["model"]] = [*(r for r in kept if r["scored_as_of"] == row["scored_as_of"]), row]
    return {
        name: ProvedFacts(
            r[0]["scored_as_of"], r[0]["horizon_weeks"], r[0]["people"], tuple((m["measure"], m["value"]) for m in r)
        )
        for name, r in newest.items()
    }


def _read_model(row: Row) -> ModelFacts:
    """The plain numbers of the metrics JSON, and its list ``churn_groups`` or ``spend_groups`` where it has one."""
    metrics = json.loads(row.get("metrics") or "{}")
    numbers = {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
    groups = metrics.get("churn_groups" if "churn" in row["model"] else "spend_groups") or ()
    return ModelFacts(
        model=row["model"],
        version=row["model_version"],
        as_of=row["as_of"],
        decided=row.get("decided", ""),
        metrics=tuple(sorted(numbers.items())),
        groups=tuple((int(people), float(predicted), float(actual)) for people, predicted, actual in groups),
    )
