"""Collect the facts of a night: a small read of the run log, then all aggregates in two Spark actions side by side."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import reduce
from itertools import chain

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.reports import aggregates as agg
from cdp.reports.facts.identity import ends_of
from cdp.reports.facts.night import NightFacts, night_facts
from cdp.reports.facts.rows import Rows

#: It is planning, in one thread, that such a union of small tables waits for.
_AT_ONCE = 2


def collect_night(
    *,
    files: DataFrame,
    schema_changes: DataFrame,
    refused_records: DataFrame,
    people: DataFrame,
    identity_history: DataFrame,
    generic_values: DataFrame,
    identity_links: DataFrame,
    person_identifiers: DataFrame,
    identity_measures: DataFrame,
    traits: DataFrame,
    predictions: DataFrame,
    recommendations: DataFrame,
    channel_credits: DataFrame,
    audience_members: DataFrame,
    deliveries: DataFrame,
    runs: DataFrame,
    model_runs: DataFrame,
    model_performance: DataFrame,
    run_date: date,
    run_id: str = "",
    currency: str = "",
) -> NightFacts:
    """Counts and sums of one night over the tables of these names; any of them may be empty.

    "Tonight" is what a run of this run date wrote, or what was delivered since the night before; a night that runs
    again without new data shows the same. People and traits are as the tables have them now. Four Spark actions
    whatever the size; of single people only the ids of a few whose links were refused reach the driver. ``currency``
    is only passed on.
    """
    log = [r.asDict() for r in _select_runs(runs, run_date).collect()]
    tonight = _find_tonight(log, run_date, run_id)
    sections = {
        "files": agg.count_files(files, tonight),
        "set_aside": agg.list_set_aside(files, tonight),
        "schema_changes": agg.list_schema_changes(schema_changes, tonight),
        "refusals": agg.count_refusals(refused_records, tonight),
        "people": agg.count_people(people, tonight),
        "changes": agg.count_changes(identity_history, run_date),
        "generic_values": agg.count_generic_values(generic_values),
        "refused_links": agg.count_refused_links(identity_links),
        "identity_measures": agg.list_identity_measures(identity_measures, run_date),
        "scores": agg.count_scores(predictions, run_date),
        "recommendations": agg.count_recommendations(recommendations),
        "credits": agg.list_credits(channel_credits),
        "segments": agg.count_segments(traits),
        "audiences": agg.count_audiences(audience_members, run_date),
        "deliveries": agg.list_deliveries(deliveries, run_date),
        "champions": agg.list_champions(model_runs, run_date),
        "performance": agg.list_performance(model_performance, run_date),
    }
    found = _collect_sections({name: frame for name, frame in sections.items() if frame is not None})
    owner = _owners(found["refused_links"], person_identifiers)
    return night_facts(found, log, owner=owner, run_date=run_date, run_id=run_id, currency=currency)


def _select_runs(runs: DataFrame, run_date: date) -> DataFrame:
    """The run log up to this night, without what is large in it: some fifteen rows a night."""
    of_tonight = F.col("run_date") == F.lit(run_date)
    return runs.where(F.col("run_date") <= F.lit(run_date)).select(
        "run_id",
        "job",
        "run_date",
        "state",
        "started_at",
        "seconds",
        F.when(of_tonight, F.col("rows")).alias("rows"),
        F.when(of_tonight, F.col("message")).alias("message"),
    )


def _find_tonight(log: Rows, run_date: date, run_id: str) -> agg.Tonight:
    run_ids = sorted({r["run_id"] for r in log if r["run_date"] == run_date} | ({run_id} - {""}))
    since = max((r["run_date"] for r in log if r["run_date"] < run_date), default=None)
    return agg.Tonight(run_date, run_ids, since)


def _collect_sections(sections: Mapping[str, DataFrame]) -> dict[str, Rows]:
    """Rows of every frame by its name. As JSON in two unions, side by side: an action of each would cost far more."""
    packed = [
        frame.select(F.lit(name).alias("section"), F.to_json(F.struct(*frame.columns)).alias("payload"))
        for name, frame in sections.items()
    ]
    found: dict[str, Rows] = defaultdict(list)
    unions = [reduce(DataFrame.unionAll, packed[n::_AT_ONCE]) for n in range(min(_AT_ONCE, len(packed)))]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        for row in chain.from_iterable(pool.map(DataFrame.collect, unions)):
            found[row.section].append(json.loads(row.payload))
    return found


def _owners(refused_links: Rows, person_identifiers: DataFrame) -> dict[str, str]:
    """Whose the records are that stand for the refused links; a Spark action only where there are any."""
    records = sorted({record for row in refused_links for record in ends_of(row)})
    owners = agg.list_owners(person_identifiers, records).collect() if records else []
    return {row["value"]: row["person_id"] for row in owners}
