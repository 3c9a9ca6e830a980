"""How well the people are told apart, beside a truth that somebody knows: counted, never by building pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp.core.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class Agreement:
    """How records were told apart: all of them, or those of one source.

    records: how many are judged. right, found, true: pairs of records that are one person in both, in the lake, in
    the truth; of one source's records each pair counts half for each end. cubed_precision and cubed_recall: B-cubed,
    the mean over records of the share of a record's cluster that is its person, and of its person that is in its
    cluster.
    """

    records: int
    right: float
    found: float
    true: float
    cubed_precision: float
    cubed_recall: float

    @property
    def precision(self) -> float:
        """Share of found pairs that are right; 1 where none was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found; 1 where there is none."""
        return self.right / self.true if self.true else 1.0


@dataclass(frozen=True)
class IdentityEvaluation:
    """What a comparison with the truth says.

    false_in_household: pairs of two persons of one household that were made one, None where the truth knows no
    households. mixed_people: people of the lake with records of several persons. not_judged: records of the truth
    that belong to several persons there; not_in_lake: those that no person of the lake has (refused, say).
    """

    total: Agreement
    by_source: dict[str, Agreement]
    largest_person: int
    largest_true_person: int
    mixed_people: int
    false_in_household: float | None
    not_judged: int
    not_in_lake: int


def evaluate_people(owners: DataFrame, truth: DataFrame) -> IdentityEvaluation:
    """Compare people with the truth.

    `owners`: record_id, person_id, one row per record. `truth`: record_id, person (null: nobody knows) and, where it
    is known, household. Records that the truth does not name are not judged. Definitions: pairwise precision and
    recall with closure, and B-cubed (Bagga and Baldwin 1998), from the counts n_ij of records of person j in cluster
    i. One shuffle per kind of count; only sums come to the driver. Raises ConfigError for a truth without the columns
    and for one that has no record in common with the lake.
    """
    missing = [name for name in ("record_id", "person") if name not in truth.columns]
    if missing:
        raise ConfigError(f"the truth has no column {', '.join(missing)}; it has {', '.join(truth.columns)}")
    has_households = "household" in truth.columns
    household = F.col("household") if has_households else F.lit(None).cast("string")
    known = truth.filter("record_id IS NOT NULL AND person IS NOT NULL").select(
        F.col("record_id").cast("string"), F.col("person").cast("string"), household.cast("string").alias("household")
    )
    single = known.groupBy("record_id").agg(
        F.min("person").alias("person"),
        F.min("household").alias("household"),
        (F.count_distinct("person") > 1).alias("is_several"),
    )
    joined = single.join(owners, on="record_id", how="left")
    state = F.when(F.col("is_several"), "several").when(F.col("person_id").isNull(), "gone").otherwise("judged")
    cells = (
        joined.withColumn("state", state)
        .groupBy("state", "person_id", "person", "household", F.substring_index("record_id", ":", 1).alias("source"))
        .agg(F.count(F.lit(1)).alias("n"))
    )
    sums = {(row["state"], row["source"]): row for row in _sums(cells).collect()}
    judged = {source: row for (kind, source), row in sorted(sums.items()) if kind == "judged"}
    not_judged = sum(row["records"] for (kind, _), row in sums.items() if kind == "several")
    not_in_lake = sum(row["records"] for (kind, _), row in sums.items() if kind == "gone")
    if not judged:
        raise ConfigError(
            f"no record of the truth can be judged: {not_judged:,} belong to several persons there, {not_in_lake:,} "
            "are not in the lake: are their record_id values made as silver makes them?"
        )
    total = {name: sum(row[name] for row in judged.values()) for name in _SUMMED}
    return IdentityEvaluation(
        total=_agreement(total),
        by_source={source: _agreement({name: row[name] for name in _SUMMED}) for source, row in judged.items()},
        largest_person=max(row["largest"] for row in judged.values()),
        largest_true_person=max(row["largest_true"] for row in judged.values()),
        mixed_people=round(sum(row["mixed"] for row in judged.values())),
        false_in_household=sum(row["in_household"] for row in judged.values()) if has_households else None,
        not_judged=not_judged,
        not_in_lake=not_in_lake,
    )


_SUMMED = ("records", "right", "found", "true", "cubed_precision", "cubed_recall")


def _sums(cells: DataFrame) -> DataFrame:
    """One row per state and source: what :class:`Agreement` is made of.

    Summed over its records, half of (size - 1) counts every pair of a group once: each pair has two ends.
    """

    def size(*keys: str) -> Column:
        return F.sum("n").over(Window.partitionBy("state", *keys))

    sized = cells.withColumns(
        {
            "shared": size("person_id", "person"),
            "cluster": size("person_id"),
            "whole": size("person"),
            "home": F.when(F.col("household").isNotNull(), size("person_id", "household")),
        }
    )

    def half(of: Column) -> Column:
        return F.sum(F.col("n") * of / 2)

    return sized.groupBy("state", "source").agg(
        F.sum("n").alias("records"),
        half(F.col("shared") - 1).alias("right"),
        half(F.col("cluster") - 1).alias("found"),
        half(F.col("whole") - 1).alias("true"),
        half(F.coalesce(F.col("home"), F.col("shared")) - F.col("shared")).alias("in_household"),
        F.sum(F.col("n") * F.col("shared") / F.col("cluster")).alias("cubed_precision"),
        F.sum(F.col("n") * F.col("shared") / F.col("whole")).alias("cubed_recall"),
        F.max("cluster").alias("largest"),
        F.max("whole").alias("largest_true"),
        # the shares of a mixed person's records add up to 1
        F.sum(F.when(F.col("cluster") > F.col("shared"), F.col("n") / F.col("cluster")).otherwise(0.0)).alias("mixed"),
    )


def _agreement(sums: dict[str, float]) -> Agreement:
    n = int(sums["records"])
    cubed = sums["cubed_precision"] / n, sums["cubed_recall"] / n
    return Agreement(n, sums["right"], sums["found"], sums["true"], *cubed)


def render_evaluation(found: IdentityEvaluation) -> str:
    """The evaluation as text: one line for all records and one for each source."""
    lines = [
        f"{'':<14}{'records':>10}{'precision':>11}{'recall':>9}{'F1':>8}{'B-cubed P':>11}{'R':>8}{'F1':>8}",
        _line("all", found.total),
        *(_line(source, part) for source, part in found.by_source.items()),
        "",
        f"pairs that are one person: {found.total.found:,.0f} found, {found.total.true:,.0f} true, "
        f"{found.total.right:,.0f} in both",
        f"largest person: {found.largest_person:,} records, {found.largest_true_person:,} in the truth; "
        f"people with records of several persons: {found.mixed_people:,}",
    ]
    if found.false_in_household is not None:
        lines.append(f"false pairs within one household: {found.false_in_household:,.0f}")
    if found.not_judged or found.not_in_lake:
        lines.append(
            f"not judged: {found.not_judged:,} records of several persons, {found.not_in_lake:,} that the lake has not"
        )
    return "\n".join(lines)


def _line(name: str, part: Agreement) -> str:
    p, r, bp, br = part.precision, part.recall, part.cubed_precision, part.cubed_recall
    pair, cubed = _f1(p, r), _f1(bp, br)
    return f"{name:<14}{part.records:>10,}{p:>11.4f}{r:>9.4f}{pair:>8.4f}{bp:>11.4f}{br:>8.4f}{cubed:>8.4f}"


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
