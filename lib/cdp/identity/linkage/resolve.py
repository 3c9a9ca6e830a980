"""Who is who in any files: records of text in, people, links and explanations out."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cdp.core.errors import ConfigError, ContractError
from cdp.core.numbers import whole_where_all_are
from cdp.identity.linkage.companies import account_numbers
from cdp.identity.linkage.engine import Linked, link_records
from cdp.identity.linkage.explain import accepted_pairs, evidence_text, explain_people, probability, waterfalls
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.quality import quality_figures
from cdp.identity.linkage.schema import RecordSchema
from cdp.identity.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: Records that one driver resolves: 1.5 GB a million with 20 million candidate pairs.
MOST_RECORDS = 3_000_000
#: The source of records that name none.
ONE_SOURCE = "records"
_SOURCE, _RECORD = "source\x00", "record_id\x00"  # names that no column of a file has


@dataclass(frozen=True)
class Resolution:
    """What resolving gives.

    people: one row per record: source, record_id (text), person_id, household_id, never null; where the schema names an
    organisation_name or an account_id also account_id, null for people without a company. links: one row per
    accepted pair: record_a, record_b, weight (log2 odds), probability, evidence, source_a, source_b. explanations():
    one mapping per person of several records, or with a link that was cut. summary: counts, what was learned, what
    was capped, warnings, figures of quality.
    """

    people: pd.DataFrame
    links: pd.DataFrame
    explanations: Callable[[], Iterator[dict[str, Any]]]
    summary: dict[str, Any]


def resolve_records(
    frame: DataFrame, schema: RecordSchema, *, rules: IdentityRules, secret: bytes,
    progress: Callable[[str], None] = lambda _: None,
) -> Resolution:  # fmt: skip
    """Resolve the records of a Spark frame, for notebooks and jobs; see :func:`resolve_table`."""
    schema.check_columns(frame.columns)
    names = (schema.source, schema.record_id, schema.updated_at, *schema.columns)
    wanted = dict.fromkeys(n for n in names if n is not None)
    return resolve_table(frame.select(*[f"`{n}`" for n in wanted]).toArrow(), schema, rules=rules, secret=secret,
                         progress=progress)  # fmt: skip


def resolve_table(
    table: pa.Table, schema: RecordSchema, *, rules: IdentityRules, secret: bytes,
    progress: Callable[[str], None] = lambda _: None,
) -> Resolution:  # fmt: skip
    """Resolve the records of a table, whatever its columns' types; the order of its rows does not matter.

    Where the schema names no source, all records are of the one source "records". `rules` brings nicknames and the
    forms of filler values, `secret` keys the ids: the id of a person is made of its first record, in the order of
    source and record id. ConfigError for a column that is missing, ContractError for a record without id or with
    another's.
    """
    schema.check_columns(table.column_names)
    if table.num_rows > MOST_RECORDS:
        raise ConfigError(f"{table.num_rows:,} records are more than one machine resolves ({MOST_RECORDS:,}): "
                          "split the files by country or region")  # fmt: skip
    frame = text_frame(table, schema)
    inner = schema.model_copy(update={"record_id": _RECORD, "source": _SOURCE})
    linked = link_records(frame, inner, nicknames=rules.nicknames, patterns=rules.generic_patterns, policy=rules.policy,
                          progress=progress)  # fmt: skip
    account = None
    if inner.of_type("organisation_name", "account_id"):
        account = account_numbers(frame, inner, linked.clusters.label, rules.accounts.public_mail_domains)
    return _resolution(frame, linked, account, secret)


def text_frame(table: pa.Table, schema: RecordSchema) -> pd.DataFrame:
    """All named columns as text, sorted by source and record id; whole numbers that came as fractions stay whole."""
    n = table.num_rows
    sources = _told(table, schema.source) if schema.source else pd.Series([ONE_SOURCE] * n, dtype=object)
    columns = {_SOURCE: sources.fillna(ONE_SOURCE), _RECORD: _told(table, schema.record_id)}
    named = dict.fromkeys([*schema.columns, *([schema.updated_at] if schema.updated_at else [])])
    columns |= {name: _told(table, name) for name in named}
    frame = pd.DataFrame(columns)
    missing = int(frame[_RECORD].isna().sum())
    if missing:
        raise ContractError(f"{missing:,} of {n:,} records have no {schema.record_id}: every record needs an id")
    doubled = int(frame.duplicated([_SOURCE, _RECORD]).sum())
    if doubled:
        raise ContractError(f"{doubled:,} of {n:,} records repeat a {schema.record_id} of their source: name the "
                            "column of the feed as `source` in the schema, or make ids unique")  # fmt: skip
    return frame.sort_values([_SOURCE, _RECORD], kind="stable").reset_index(drop=True)


def _told(table: pa.Table, name: str) -> pd.Series:
    try:
        return as_text(table[name])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        kind = table[name].type
        raise ConfigError(f"column {name!r} is of type {kind}: give it as text, a number or a date") from None


def as_text(column: pa.ChunkedArray) -> pd.Series:
    """A column of any type as text, None for null; a date as yyyy-mm-dd, of a time the day where it was taken.

    ArrowInvalid or ArrowNotImplementedError for lists, structures and bytes that are no text.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        there = pc.local_timestamp(column) if pa.types.is_timestamp(kind) and kind.tz else column
        column = pc.strftime(there.cast(pa.timestamp("us"), safe=False), format="%Y-%m-%d")
    text = whole_where_all_are(column).cast(pa.string()).to_pandas().astype(object)
    return text.where(text.notna(), None)


def _resolution(frame: pd.DataFrame, linked: Linked, account: Rows | None, secret: bytes) -> Resolution:
    names = frame[_SOURCE].to_numpy(), frame[_RECORD].to_numpy()
    label, home = linked.clusters.label, linked.household
    person_id = _ids("p_", secret, *names)(label)
    household_id = _ids("h_", secret, *names)(home)
    people = pd.DataFrame({"source": names[0], "record_id": names[1], "person_id": person_id,
                           "household_id": household_id})  # fmt: skip
    summary = _summary(linked)
    if account is not None:
        is_known = account >= 0
        # an account is named by its first record, as people and households are
        first = pd.Series(np.arange(len(account))).groupby(account).transform("min").to_numpy()
        people["account_id"] = pd.Series(_ids("a_", secret, *names)(first), dtype="string").where(is_known)
        summary["accounts"] = len(np.unique(account[is_known]))
    record = people[["source", "record_id"]].to_dict("records")

    def explanations() -> Iterator[dict[str, Any]]:
        return explain_people(linked, record, person_id, household_id)

    return Resolution(people, _links(linked, *names), explanations, summary)


def _ids(prefix: str, secret: bytes, sources: np.ndarray, records: np.ndarray) -> Callable[[np.ndarray], list[str]]:  # type: ignore[type-arg]
    """The function from the number of a first record to an id: keyed, so that nobody can guess it."""

    def make(first: int) -> str:
        message = f"{sources[first]}\x1f{records[first]}".encode()
        return prefix + base64.b32encode(hmac.new(secret, message, hashlib.sha256).digest()).decode().lower()[:26]

    def of(label: np.ndarray) -> list[str]:  # type: ignore[type-arg]
        made = {first: make(first) for first in np.unique(label).tolist()}
        return [made[first] for first in label.tolist()]

    return of


def _links(linked: Linked, sources: np.ndarray, records: np.ndarray) -> pd.DataFrame:  # type: ignore[type-arg]
    c, at = linked.clusters, accepted_pairs(linked)
    left, right = c.left[at], c.right[at]
    return pd.DataFrame({
        "record_a": records[left], "record_b": records[right], "weight": c.weight[at].astype(float),
        "probability": probability(c.weight[at]),
        "evidence": [evidence_text(steps) for steps in waterfalls(linked.scorer, left, right)],
        "source_a": sources[left], "source_b": sources[right],
    })  # fmt: skip


def _summary(linked: Linked) -> dict[str, Any]:
    model, found = linked.model, linked.weighed
    n = len(linked.clusters.label)
    capped = [(r.name, r.sizes[~r.fits]) for r in found.blocks if not r.fits.all()]
    return {
        "records": n,
        "people": len(np.unique(linked.clusters.label)),
        "households": len(np.unique(linked.household)),
        "pairs_compared": found.n_scored,
        "lambda": model.shares["same"],
        "prior_bits": round(model.prior_bits, 3),
        "threshold_bits": round(linked.threshold, 3),
        "largest_person": int(np.bincount(linked.clusters.label).max(initial=0)),
        "rounds": model.rounds,
        "warnings": list(model.warnings),
        "quality": quality_figures(linked),
        "refused_by_policy": dict(sorted(Counter(linked.refused.values()).items())),
        "blocking": {
            "rules": [{"rule": r.name, "pairs": r.n_pairs} for r in found.blocks],
            "capped_blocks": [{"rule": name, "blocks": len(n), "records": int(n.sum())} for name, n in capped],
            "passed_over": found.passed_over,
        },
        "generic_values": [
            {"type": g.identifier_type, "value": g.value, "records": g.records, "people": g.people, "reason": g.reason}
            for g in linked.generic
        ],
        "split_components": [{"records": size, "weight": weight} for size, weight in linked.clusters.split],
        "model": {
            name: {level: _rates(model, at, number) for number, level in enumerate(model.level_names[at], 1)}
            for at, name in enumerate(model.fields)
        },
        "seconds": linked.seconds,
    }


def _rates(model: Any, at: int, level: int) -> dict[str, float]:
    m, u = float(model.rates["same"][at][level]), float(model.rates["stranger"][at][level])
    return {"m": m, "u": u, "household": float(model.rates["home"][at][level]),
            "nearby": float(model.rates["nearby"][at][level]), "origin": float(model.rates["origin"][at][level]),
            "bits": round(float(np.log2(m / u)), 2)}  # fmt: skip
