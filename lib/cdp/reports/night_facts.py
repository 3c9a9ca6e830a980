"""The facts of a night out of the rows that its tables gave: plain data in, plain data out."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from cdp.reports.aggregates import RECORD_BANDS
from cdp.reports.facts import (
    AudienceFacts,
    ChangeFacts,
    CreditFacts,
    DeliveryFacts,
    GenericFacts,
    IdentityNight,
    ModelFacts,
    NightFacts,
    PeopleFacts,
    ProvedFacts,
    RecommendationFacts,
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

Row = dict[str, Any]
Rows = list[Row]


def night_facts(
    found: Mapping[str, Rows], log: Rows, *, owner: Mapping[str, str], run_date: date, run_id: str, currency: str
) -> NightFacts:
    """Put a night together.

    ``found``: the rows of each section of :func:`cdp.reports.collect.collect_night`, in any order, nulls left out,
    an empty list for one without rows. ``log``: rows of the run log. ``owner``: record id -> person id for the
    records of refused links that have a person.
    """
    return NightFacts(
        run_date=run_date,
        run_id=run_id,
        currency=currency,
        sources=_sources(found["files"]),
        set_aside=_sorted(SetAsideFile(r["source"], r["path"], r.get("reason", "")) for r in found["set_aside"]),
        schema_changes=_schema_changes(found["schema_changes"]),
        refusals=_refusals(found["refusals"]),
        people=_people(found["people"]),
        changes=_changes(found["changes"]),
        generic_values=_generic_values(found["generic_values"]),
        refused_links=_refused_links(found["refused_links"], owner),
        identity_nights=_identity_nights(found["identity_measures"]),
        scores=_scores(found["scores"]),
        models=_models(found["champions"], _proved(found["performance"])),
        recommendations=_recommendations(found["recommendations"]),
        credits=_credits(found["credits"]),
        segments=_segments(found["segments"]),
        audiences=_sorted(AudienceFacts(**r) for r in found["audiences"] if r["size"] or r["left"]),
        deliveries=_deliveries(found["deliveries"]),
        runs=_runs(log, run_date),
    )


def _sorted(facts: Iterable[Any]) -> tuple[Any, ...]:
    """In the order of their fields, as the rows come in any."""
    return tuple(sorted(facts, key=lambda fact: list(vars(fact).values())))


def _schema_changes(rows: Rows) -> tuple[SchemaChangeFacts, ...]:
    empty = {"type": "", "type_before": "", "renamed": "", "is_mapped": False}
    return _sorted(SchemaChangeFacts(**{**empty, **row}) for row in rows)


def _changes(rows: Rows) -> tuple[ChangeFacts, ...]:
    return _sorted(ChangeFacts(r["kind"], r.get("reason", ""), r["changes"], r.get("people", 0)) for r in rows)


def _recommendations(rows: Rows) -> tuple[RecommendationFacts, ...]:
    return tuple(sorted((RecommendationFacts(**r) for r in rows), key=lambda f: (f.list, f.part != "repeat")))


def _credits(rows: Rows) -> tuple[CreditFacts, ...]:
    """By what the Markov chain credits, the most first; the value is what it credits too."""
    steps: dict[tuple[str, str, str, str], Rows] = defaultdict(list)
    for row in rows:
        steps[row["attribution"], row["as_of"], row["channel"], row["campaign"]].append(row)
    facts = [
        CreditFacts(
            *step,
            orders=tuple(sorted((r["model"], r["conversions"]) for r in of_models)),
            value=next((r.get("value", 0.0) for r in of_models if r["model"] == "markov"), 0.0),
        )
        for step, of_models in steps.items()
    ]
    return tuple(sorted(facts, key=lambda f: (f.attribution, -f.credited("markov"), f.channel, f.campaign)))


def _segments(rows: Rows) -> tuple[SegmentFacts, ...]:
    return tuple(sorted((SegmentFacts(**r) for r in rows), key=lambda s: (-s.people, s.segment)))


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
            for n, (low, high) in enumerate(RECORD_BANDS)
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


def _refused_links(rows: Rows, owner: Mapping[str, str]) -> tuple[RefusedLinks, ...]:
    facts = [
        RefusedLinks(row.get("reason", ""), row["links"], tuple(sorted({owner[r] for r in ends_of(row) if r in owner})))
        for row in rows
    ]
    return tuple(sorted(facts, key=lambda f: (-f.links, f.reason)))


def ends_of(refused_link: Mapping[str, Any]) -> tuple[str, str]:
    """The records that stand for the links refused for one reason."""
    return refused_link["first"], refused_link["last"]


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
    newest: dict[str, Row] = {}
    for row in sorted(rows, key=lambda r: (r["as_of"], r.get("trained_at", ""), r["model_version"])):
        newest[row["model"]] = row
    return tuple(replace(_read_model(newest[name]), proved=proved.get(name)) for name in sorted(newest))


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


def _deliveries(rows: Rows) -> tuple[DeliveryFacts, ...]:
    texts = ("destination", "audience", "state", "format", "sha256", "path")
    counts = ("members", "added", "removed", "withheld")
    return _sorted(DeliveryFacts(**{t: r.get(t, "") for t in texts}, **{c: r.get(c, 0) for c in counts}) for r in rows)


def _runs(log: Rows, run_date: date) -> tuple[RunFacts, ...]:
    latest: dict[str, Row] = {}
    ended = (r for r in log if r["run_date"] == run_date and r["state"] != "begun")
    for row in sorted(ended, key=lambda r: (r["started_at"], r["run_id"])):
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
