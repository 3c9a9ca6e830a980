"""Who is who among the profile records, as links of the identity graph."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from cdp.contracts.model import TableContract
from cdp.contracts.silver.link_model import LINK_MODEL
from cdp.contracts.silver.scored_records import SCORED_RECORDS
from cdp.identity.linkage.candidates import Past
from cdp.identity.linkage.clusters import component_labels, cross_pairs, members_of
from cdp.identity.linkage.engine import Linked, link_records
from cdp.identity.linkage.explain import holding_links, probability, waterfalls
from cdp.identity.linkage.levels import Rows
from cdp.identity.linkage.policy import refused_pairs
from cdp.identity.linkage.resolve import MOST_RECORDS
from cdp.identity.memory import Memory, model_table, model_version, recall, record_table
from cdp.identity.profile_records import Profiles, build_profiles, select_profiles
from cdp.identity.rules import IdentityRules

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp.identity.decisions import StewardDecisions

#: The rule of links that the engine made.
MATCHED = "matched:profile"
#: What agreement is worth is learned from the records; from a handful nothing can be, and identifiers alone count.
FEWEST_RECORDS = 10
#: To score so many anew costs as much as to keep and read back what was found.
FEWEST_REMEMBERED = 10_000


@dataclass(frozen=True)
class Matches:
    """What the engine says of the profile records; records are numbered in the order of the profiles."""

    profiles: Profiles
    linked: Linked

    @property
    def person(self) -> Rows:
        """The first record of each record's person."""
        return self.linked.clusters.label

    def rows_of(self, record_ids: Collection[str]) -> Rows:
        """The numbers of those records that are profile records."""
        return np.flatnonzero(self.profiles.frame["record_id"].isin(list(record_ids)).to_numpy())

    def weigh_people(self, first: Rows, second: Rows, extra: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Log2 odds that two of the engine's people, named by their first records, are one.

        The mean evidence of the pairs of their records (see cross_pairs), and `extra` bits that speak for one person or
        one household against strangers: what a chain of records without names tells.
        """
        if not len(first):
            return np.empty(0)
        members = members_of(self.person, np.concatenate([first, second]))
        left, right, starts = cross_pairs(members, first, second)
        n_pairs = np.diff([*starts, len(left)])
        mean = np.add.reduceat(self.linked.totals_of(left, right), starts, axis=1) / n_pairs
        mean[:2] += extra
        return self.linked.weigh(mean.astype(np.float32)).astype(float)

    def forbids(self, first: Rows, second: Rows) -> list[str | None]:
        """The rule of policy that keeps two of the engine's people apart, None where none does."""
        return refused_pairs(self.linked.refusals, self.person, first, second)


def beyond_the_driver(customer_records: DataFrame, identifiers: DataFrame, *, link_limit: int) -> str | None:
    """What a person must know where there is too much for one machine to match records; None where there is not."""
    sizes = (
        (customer_records, "versions of customer records", MOST_RECORDS),
        (identifiers, "identifiers of records (identity_driver_edge_limit)", link_limit),
    )
    for frame, what, limit in sizes:
        n = frame.count()  # a Delta table answers from its log
        if n > limit:
            return _ONLY_DECLARED.format(n=n, what=what, limit=limit)
    return None


_ONLY_DECLARED = (
    "identity: {n:,} {what} are more than one machine matches ({limit:,}): tonight records are one person only by the "
    "identifiers that they declare, not by names, birth dates and addresses"
)


def match_records(
    customer_records: DataFrame, *, rules: IdentityRules, decisions: StewardDecisions, memory: Memory | None = None
) -> Matches | None:
    """Run the engine over the customer records that name somebody; None where there are too few to learn from.

    With the memory of the last night only new and changed records are scored, where there are FEWEST_REMEMBERED. One
    Spark job brings the records to the driver, two the memory; the rest needs no Spark.
    """
    profiles = build_profiles(select_profiles(customer_records).toArrow(), rules)
    if profiles is None or len(profiles.frame) < FEWEST_RECORDS:
        return None
    if memory is None or len(profiles.frame) < FEWEST_REMEMBERED:
        return match_profiles(profiles, rules=rules, decisions=decisions)
    past = recall(memory, profiles.frame["record_id"])
    return match_profiles(profiles, rules=rules, decisions=decisions, past=past, secret=memory.secret)


def remember(found: Matches | None, made_of: str) -> dict[TableContract, pa.Table]:
    """What the next night is to be left: rows of silver.scored_records, and of silver.link_model where it changed.

    No rows of both where matching was left out, or the records are so few that it is cheaper to score them all each
    night: what an earlier night left would outlive the records that it tells of.
    """
    if found is None or len(found.profiles.frame) < FEWEST_REMEMBERED:
        return {table: to_arrow_schema(table.schema).empty_table() for table in (LINK_MODEL, SCORED_RECORDS)}
    record_ids, weighed = found.profiles.frame["record_id"], found.linked.weighed
    model = model_table(weighed.learned, made_of)
    # the model first: records without theirs are scored anew
    kept = {LINK_MODEL: model} if weighed.is_anew else {}
    return {**kept, SCORED_RECORDS: record_table(weighed, record_ids, model_version(model))}


def match_profiles(
    profiles: Profiles, *, rules: IdentityRules, decisions: StewardDecisions, past: Past | None = None,
    secret: bytes = b"",
) -> Matches:  # fmt: skip
    """Tell who is who among the profile records.

    Two records are one person when that is as likely as with the least sure identifier type that joins records: in a
    lake a false merge carries the events of one person to another.
    """
    number = pd.Series(np.arange(len(profiles.frame)), index=profiles.frame["record_id"])
    left, right = (number.reindex(side).to_numpy() for side in decisions.apart_pairs())
    both = ~(np.isnan(left) | np.isnan(right)) if len(left) else np.zeros(0, bool)
    linked = link_records(
        profiles.frame,
        profiles.schema,
        nicknames=rules.nicknames,
        patterns=rules.generic_patterns,
        least_bits=min(rule.weight for rule in rules.links.values()),
        apart=(left[both].astype(np.int64), right[both].astype(np.int64)),
        policy=rules.policy,
        past=past,
        secret=secret,
    )
    return Matches(profiles, linked)


def matched_links(found: Matches) -> pd.DataFrame:
    """The links that hold each person together, in the shape of silver.identity_links (value: the other record).

    Most are the strongest pairs of a person (its maximum spanning tree). Records that are equal in all that they tell,
    and groups that only agree as wholes, are tied to the person's first record by a link without weight. The strongest
    pair of two people whom policy keeps apart stays with is_active false and the rule in its evidence.
    """
    clusters = found.linked.clusters
    held, refused = holding_links(found.linked), _strongest_refused(found)
    at = np.concatenate([held, refused])
    a, b, w = clusters.left[at], clusters.right[at], clusters.weight[at]
    steps = waterfalls(found.linked.scorer, a, b)
    told: list[dict[str, object]] = [{"steps": s} for s in steps[: len(held)]]
    told += [{"steps": s, "refused": found.linked.refused[k]}
             for s, k in zip(steps[len(held) :], refused.tolist(), strict=True)]  # fmt: skip
    loose_a, loose_b = _loose_ties(found.person, a[: len(held)], b[: len(held)])
    none = np.full(len(loose_a), np.nan)
    whole: dict[str, object] = {"steps": [{"step": "records agree as groups"}]}
    a, b = np.concatenate([a, loose_a]), np.concatenate([b, loose_b])
    told += [whole] * len(loose_a)
    record, known = found.profiles.frame["record_id"].to_numpy(), found.profiles.frame["known_from"].to_numpy()
    return pd.DataFrame(
        {
            "record_id": record[b],
            "identifier_type": "record",
            "value": record[a],
            "rule": MATCHED,
            "weight": np.concatenate([w.astype(float), none]),
            "probability": np.concatenate([probability(w), none]),
            "evidence": [json.dumps(evidence, sort_keys=True) for evidence in told],
            "is_active": ["refused" not in evidence for evidence in told],
            "known_from": np.maximum(known[a], known[b]),
        }
    )


def _strongest_refused(found: Matches) -> Rows:
    """The place of the strongest refused pair of each two people, among the scored pairs."""
    clusters = found.linked.clusters
    at = np.array(sorted(found.linked.refused), np.int64)
    at = at[np.argsort(-clusters.weight[at], kind="stable")]
    ends = np.sort(np.stack([found.person[clusters.left[at]], found.person[clusters.right[at]]]), axis=0)
    return at[np.sort(np.unique(ends, axis=1, return_index=True)[1])]


def _loose_ties(person: Rows, left: Rows, right: Rows) -> tuple[Rows, Rows]:
    """(first record of the person, first record of each part of it that no link ties to that)."""
    part = component_labels(len(person), left, right)
    loose = np.flatnonzero((part == np.arange(len(part))) & (person != part))
    return person[loose], loose
