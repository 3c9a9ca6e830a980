"""What a training takes from Spark: the purchases of everybody, or of a fixed part of very many, on the driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.core.errors import ModelError
from cdp.models.arrays import Ints
from cdp.models.forecast.ledger import UNITS, Ledger, Pieces
from cdp.models.gain import GROUPS
from cdp.models.value import ValueParameters

#: of a training on the driver: with 5,000,000 purchase days it takes 1.5 GB at most, and 60,000 people fix each
#: parameter to about a percent
MAX_PEOPLE, MAX_PURCHASE_DAYS = 60_000, 5_000_000
_SLICES = 1_000_000


@dataclass(frozen=True)
class HistorySize:
    """First purchase day of anybody (None without people), people and their purchase days."""

    first_purchase: date | None
    people: int
    purchase_days: int

    @property
    def share(self) -> float:
        """The share of the people that a training takes."""
        limits = MAX_PEOPLE / max(self.people, 1), MAX_PURCHASE_DAYS / max(self.purchase_days, 1)
        return min(1.0, *limits)


@dataclass(frozen=True)
class TrainingData:
    """The ledger of the people taken, each one's group (gain.py) by the ledger's customer, and of how many they are."""

    ledger: Ledger
    group: Ints
    people: int

    def describe(self, params: ValueParameters) -> ValueParameters:
        """The parameters with a warning where a part of the people was learned from."""
        if len(self.group) >= self.people:
            return params
        note = f"learned from a fixed part of the people: {len(self.group):,} of {self.people:,}"
        return replace(params, warnings=(*params.warnings, note))


def measure_history(snapshots: DataFrame, *, as_of: date) -> HistorySize:
    """How much there is, from the snapshots of one as-of date. One action."""
    found = (
        snapshots.where(F.col("as_of") == F.lit(as_of))
        .agg(F.max("age_weeks").alias("weeks"), F.count(F.lit(1)).alias("people"), F.sum("purchase_days").alias("days"))
        .first()
    )
    if not found or found["weeks"] is None:
        return HistorySize(None, 0, 0)
    first = as_of - timedelta(days=round(found["weeks"] * 7))
    return HistorySize(first, int(found["people"]), int(found["days"]))


def collect_training_data(pieces: DataFrame, *, as_of: date, size: HistorySize) -> TrainingData:
    """Bring the rows of `purchase_pieces` that were known at the start of `as_of` to the driver. One action.

    Above the bounds a part of the people by hash of the person id is taken, the same in every run. Raises ModelError
    without a purchase.
    """
    known = pieces.where(F.col("visible_from") <= F.lit(as_of))
    if size.share < 1:
        known = known.where(F.pmod(F.xxhash64("person_id", F.lit("part")), F.lit(_SLICES)) < int(size.share * _SLICES))
    piece = F.struct(
        F.unix_date("day").cast("bigint").alias("day"),
        (F.unix_date("visible_from") - 1).cast("bigint").alias("known_on"),
        (F.col("amount") * UNITS).cast("bigint").alias("units"),
    )
    people = known.groupBy("person_id").agg(F.sort_array(F.collect_list(piece)).alias("pieces"))
    found = people.withColumn("group", F.pmod(F.xxhash64("person_id"), F.lit(GROUPS))).toArrow().sort_by("person_id")
    if not len(found):
        raise ModelError(f"no purchase is known at the start of {as_of}: load a longer history")
    lists = pa.concat_arrays(found["pieces"].chunks)
    flat = lists.flatten()
    columns = (flat.field(name).to_numpy(zero_copy_only=False) for name in ("day", "known_on", "units"))
    counts = lists.value_lengths().to_numpy(zero_copy_only=False)
    ledger = Ledger.of_pieces(Pieces(np.repeat(np.arange(len(found)), counts), *columns))
    return TrainingData(ledger, found["group"].to_numpy(), size.people)
