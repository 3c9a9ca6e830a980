"""The past cuts that a declared model learns from: one row per customer and cut, with features and label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from cdp.core.errors import ModelError
from cdp.models.training_data import measure_history
from cdp.rules.measures import Measure, measure_people

TESTS = 3  # the newest cuts, on which a model must prove itself
MOST_CUTS = 6
MAX_ROWS = 300_000  # on the driver: of more customers a fixed part by hash
LABEL, BEFORE, BOUGHT = "_label", "_before", "_bought"  # as measures and columns; no trait may begin like this
_SLICES = 1_000_000


@dataclass(frozen=True)
class CutPlan:
    """`cuts`: as-of dates whose horizon is over on `as_of`, oldest first, a horizon apart."""

    cuts: tuple[date, ...]
    as_of: date
    horizon_weeks: int

    @property
    def dates(self) -> list[date]:
        """The days on which features and label are measured: the label of a cut is that of the day a horizon later."""
        return [*self.cuts, self.as_of]


def plan_cuts(first_purchase: date | None, as_of: date, horizon_weeks: int) -> CutPlan:
    """The newest cuts with a horizon of history before them, `MOST_CUTS` at most.

    They are a horizon apart, so that no label's window overlaps another's and a cut may learn from all older ones.
    Raises ModelError where there are no more than `TESTS`: nothing would be left to learn from.
    """
    step = timedelta(weeks=horizon_weeks)
    if first_purchase is None:
        raise ModelError(f"no purchase is known at the start of {as_of}: there are no customers to learn from")
    first = first_purchase + step
    cuts = [day for k in range(MOST_CUTS, 0, -1) if (day := as_of - k * step) >= first]
    if len(cuts) <= TESTS:
        raise ModelError(
            f"cannot train as of {as_of}: {len(cuts)} past days have {horizon_weeks} weeks before and behind them, "
            f"{TESTS + 1} are needed. Load a longer history."
        )
    return CutPlan(tuple(cuts), as_of, horizon_weeks)


def customers_of(snapshots: DataFrame, *, plan: CutPlan, people: int) -> DataFrame:
    """(person_id) of today's customers; of very many a fixed part.

    `people`: how many customers there are.
    """
    today = snapshots.where(F.col("as_of") == F.lit(plan.as_of))
    customers = today.select("person_id")
    share = MAX_ROWS / max(people * len(plan.dates), 1)
    if share >= 1:
        return customers
    return customers.where(F.pmod(F.xxhash64("person_id", F.lit("part")), F.lit(_SLICES)) < int(share * _SLICES))


def cut_measures(features: Mapping[str, Measure], outcome: Measure) -> dict[str, Measure]:
    """What is measured on the days of a plan. LABEL is a truth: what is known of it today counts, not what was then."""
    bought = Measure(
        table="silver.order_lines",
        filter="amount > 0 AND NOT coalesce(is_cancelled, false)",
        aggregate="count(*) > 0",
        default=False,
        type="boolean",
    )
    return {**features, LABEL: outcome, BEFORE: outcome, BOUGHT: bought}


def collect_history(
    snapshots: DataFrame,
    records: DataFrame,
    tables: Mapping[str, DataFrame],
    *,
    features: Mapping[str, Measure],
    outcome: Measure,
    horizon_weeks: int,
    as_of: date,
) -> pd.DataFrame:
    """`collect_cuts` of all that is known at the start of `as_of`; `records`, `tables`: see `measure_people`.

    Raises ModelError where the history is too short, before it is read.
    """
    size = measure_history(snapshots, as_of=as_of)
    plan = plan_cuts(size.first_purchase, as_of, horizon_weeks)
    customers = customers_of(snapshots, plan=plan, people=size.people)
    of_customers = records.join(customers, on="person_id", how="left_semi")
    measures = cut_measures(features, outcome)
    measured = measure_people(of_customers, tables, measures=measures, as_of_dates=plan.dates, truths=(LABEL,))
    return collect_cuts(measured, plan=plan, features=sorted(features))


def collect_cuts(measured: DataFrame, *, plan: CutPlan, features: Sequence[str]) -> pd.DataFrame:
    """Bring the :func:`cut_measures` of customers on `plan.dates` to the driver as rows of the cuts. One action.

    Columns: `person_id`, `as_of`, the features (numbers as doubles), `label` (0 or 1: what came within the horizon),
    `before` (likewise, within the horizon before), by cut and person. A customer of a cut is who had bought before it,
    as was known then.
    """
    inputs = [feature_input(measured, name) for name in features]
    told = [F.col(measure).cast("double").alias(name) for measure, name in ((BEFORE, "before"), (LABEL, "behind"))]
    rows = measured.where(BOUGHT).select("person_id", "as_of", *told, *inputs).toArrow().to_pandas()
    behind = rows[["person_id", "as_of", "behind"]].rename(columns={"behind": "label"})
    behind["as_of"] -= timedelta(weeks=plan.horizon_weeks)
    found = rows.drop(columns="behind").merge(behind, on=["person_id", "as_of"], how="inner")
    return found.sort_values(["as_of", "person_id"], ignore_index=True)


def feature_input(frame: DataFrame, name: str) -> Column:
    """A feature as models take it: every number a double, the rest as it is."""
    kind = frame.schema[name].dataType.simpleString()
    column = F.col(name)
    return column if kind in ("string", "boolean", "date", "timestamp") else column.cast("double").alias(name)
