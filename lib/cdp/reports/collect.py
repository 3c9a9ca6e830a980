"""Collect the facts of a night: one small read of the run log, then every aggregate in one Spark action."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.reports import aggregates as agg
from cdp.reports.facts import (
    AudienceFacts,
    ChangeFacts,
    DeliveryFacts,
    GenericFacts,
    IdentityNight,
    ModelFacts,
    NightFacts,
    PeopleFacts,
    ProvedFacts,
    RecordBand,
    RefusalFacts,
    RefusedLinks,
    RunFacts,
    SchemaChangeFacts,
    ScoreCell,
    ScoreFacts,
    SegmentFacts,
    SetAsideFile,
    SourceFacts,
)

Rows = list[dict[str, Any]]


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
    again without new data shows the same. People and traits are as the tables have them now. Three Spark actions
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
        "segments": agg.count_segments(traits),
        "audiences": agg.count_audiences(audience_members, run_date),
        "deliveries": agg.list_deliveries(deliveries, run_date),
        "champions": agg.list_champions(model_runs, run_date),
        "performance": agg.list_performance(model_performance, run_date),
    }
    found = _collect_sections({name: frame for name, frame in sections.items() if frame is not None})
    return NightFacts(
        run_date=run_date,
        run_id=run_id,
        currency=currency,
        sources=_sources(found["files"]),
        set_aside=_sorted(SetAsideFile(r["source"], r["path"], r.get("reason", "")) for r in found["set_aside"]),
        schema_changes=_schema_changes(found["schema_changes"]),
        refusals=_refusals(found["refusals"]),
        people=_people(found["people"]),
        changes=_sorted(
            ChangeFacts(r["kind"], r.get("reason", ""), r["changes"], r.get("people", 0)) for r in found["changes"]
        ),
        generic_values=_generic_values(found["generic_values"]),
        refused_links=_refused_links(found["refused_links"], person_identifiers),
        identity_nights=_identity_nights(found["identity_measures"]),
        scores=_scores(found["scores"]),
        models=_models(found["champions"], _proved(found["performance"])),
        segments=tuple(
            sorted((SegmentFacts(**r) for r in found["segments"]), key=lambda s: (-s.people, s.segment)),
        ),
        audiences=_sorted(AudienceFacts(**r) for r in found["audiences"] if r["size"] or r["left"]),
        deliveries=_deliveries(found["deliveries"]),
        runs=_runs(log, run_date),
    )


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
    """Rows of every frame by its name. As JSON in one union: one action costs less than eleven."""
    packed = [
        frame.select(F.lit(name).alias("section"), F.to_json(F.struct(*frame.columns)).alias("payload"))
        for name, frame in sections.items()
    ]
    found: dict[str, Rows] = defaultdict(list)
    for row in reduce(DataFrame.unionAll, packed).collect():
        found[row.section].append(json.loads(row.payload))
    return found


def _sorted(facts: Iterable[Any]) -> tuple[Any, ...]:
    """In the order of their fields, as the rows come in any."""
    return tuple(sorted(facts, key=lambda fact: list(vars(fact).values())))


def _schema_changes(rows: Rows) -> tuple[SchemaChangeFacts, ...]:
    empty = {"type": "", "type_before": "", "renamed": "", "is_mapped": False}
    return _sorted(SchemaChangeFacts(**{**empty, **row}) for row in rows)


def _sources(rows: Rows) -> tuple[SourceFacts, ...]:
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    name_of_state = {"accepted": "files", "landed": "waiting", "duplicate": "repeated", "quarantined": "quarantined"}
    for row in rows:
        source = counts[row["source"]]
        if row["is_tonight"]:
            source[name_of_state[row["state"]]] += row["files"]
        if row["state"] == "accepted":
            for name in ("read", "accepted", "duplicate", "refused"):
                source[f"all_{name}"] += row[f"rows_{name}"]
                source[name] += row[f"rows_{name}"] if row["is_tonight"] else 0
    return tuple(SourceFacts(source=name, **counts[name]) for name in sorted(counts))


def _refusals(rows: Rows) -> tuple[RefusalFacts, ...]:
    facts = [
        RefusalFacts(
            source=r["source"],
            field=r.get("field", ""),
            code=r.get("code", ""),
            message=r.get("message", ""),
            records=r["records"],
            all_records=r["all_records"],
        )
        for r in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.records, -f.all_records, f.source, f.field, f.code)))


def _people(rows: Rows) -> PeopleFacts:
    bands: dict[int, dict[bool, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        bands[row["band"]][row["is_known"]] += row["people"]
    return PeopleFacts(
        active=sum(r["people"] for r in rows),
        known=sum(r["people"] for r in rows if r["is_known"]),
        new=sum(r["new"] for r in rows),
        records=sum(r.get("records", 0) for r in rows),
        bands=tuple(
            RecordBand(_band_label(low, high), bands[n][True], bands[n][False])
            for n, (low, high) in enumerate(agg.RECORD_BANDS)
        )
        if rows
        else (),
    )


def _band_label(low: int, high: int | None) -> str:
    if high is None:
        return f"> {low - 1}"
    return str(low) if low == high else f"{low}-{high}"


def _generic_values(rows: Rows) -> tuple[GenericFacts, ...]:
    facts = [
        GenericFacts(
            r["identifier_type"], r.get("reason", ""), r["values"], r.get("records", 0), r.get("most_people", 0)
        )
        for r in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.values, f.identifier_type, f.reason)))


def _refused_links(rows: Rows, person_identifiers: DataFrame) -> tuple[RefusedLinks, ...]:
    def ends(row: dict[str, Any]) -> tuple[str, str]:
        return row["first"], row["last"]

    records = sorted({record for row in rows for record in ends(row)})
    owners = agg.list_owners(person_identifiers, records).collect() if records else []
    owner = {row["value"]: row["person_id"] for row in owners}
    facts = [
        RefusedLinks(row.get("reason", ""), row["links"], tuple(sorted({owner[r] for r in ends(row) if r in owner})))
        for row in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.links, f.reason)))


def _identity_nights(rows: Rows) -> tuple[IdentityNight, ...]:
    nights: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in rows:
        nights[row["run_date"]].append((row["measure"], row["value"]))
    return tuple(IdentityNight(day, tuple(sorted(nights[day]))) for day in sorted(nights))


def _scores(rows: Rows) -> ScoreFacts:
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


def _proved(rows: Rows) -> dict[str, ProvedFacts]:
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


def _models(rows: Rows, proved: Mapping[str, ProvedFacts]) -> tuple[ModelFacts, ...]:
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: (r["as_of"], r.get("trained_at", ""), r["model_version"])):
        newest[row["model"]] = row
    return tuple(replace(_read_model(newest[name]), proved=proved.get(name)) for name in sorted(newest))


def _read_model(row: dict[str, Any]) -> ModelFacts:
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


def _deliveries(rows: Rows) -> tuple[DeliveryFacts, ...]:
    texts = ("destination", "audience", "state", "format", "sha256", "path")
    counts = ("members", "added", "removed", "withheld")
    return _sorted(DeliveryFacts(**{t: r.get(t, "") for t in texts}, **{c: r.get(c, 0) for c in counts}) for r in rows)


def _runs(log: Rows, run_date: date) -> tuple[RunFacts, ...]:
    latest: dict[str, dict[str, Any]] = {}
    for row in sorted((r for r in log if r["run_date"] == run_date), key=lambda r: (r["started_at"], r["run_id"])):
        latest[row["job"]] = row
    return tuple(
        RunFacts(
            job=r["job"],
            state=r["state"],
            seconds=r["seconds"] or 0.0,
            rows=sum(json.loads(r["rows"] or "{}").values()),
            message=r["message"] or "",
        )
        for r in sorted(latest.values(), key=lambda r: (r["started_at"], r["job"]))
    )
