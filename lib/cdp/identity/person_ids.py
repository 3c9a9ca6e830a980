"""Person ids: keyed, so that nobody can guess them from a record id, and never given twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MakePersonIds = Callable[["Column", "Column"], "Column"]
"""(anchor record id, salt) -> person id, as Spark columns; null for a null anchor."""

_MAX_SALT = 64


def person_id_maker(secret: bytes) -> MakePersonIds:
    """Give the function that makes person ids under this secret.

    The secret stays inside a Python UDF: as a literal of a Spark expression it would stand in query plans and logs.
    """

    @F.pandas_udf("string")  # type: ignore[call-overload]
    def make(anchor: pd.Series, salt: pd.Series) -> pd.Series:
        ids = [None if a is None else person_id(secret, a, int(s)) for a, s in zip(anchor, salt, strict=True)]
        return pd.Series(ids, dtype=object)

    return lambda anchor, salt: make(anchor, salt)


def person_id(secret: bytes, anchor_record_id: str, salt: int = 0) -> str:
    """`p_` and 130 bits of HMAC-SHA256 of the anchor record's id (and of the salt, if it is not 0) in base 32."""
    message = anchor_record_id if salt == 0 else f"{anchor_record_id}\x1f{salt}"
    digest = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return "p_" + base64.b32encode(digest).decode("ascii").lower()[:26]


def salted_person_ids(anchors: DataFrame, taken: DataFrame, *, make_person_ids: MakePersonIds) -> DataFrame:
    """Give an id that nobody ever had to clusters whose anchor's own id was given before.

    Grain: one row (cluster, person_id) per row of `anchors` (cluster, anchor_record_id). `taken` holds every
    person_id so far, merged and retired ones too; the smallest salt whose id is free is used.
    """
    return (
        anchors.select("cluster", "anchor_record_id", F.explode(F.sequence(F.lit(1), F.lit(_MAX_SALT))).alias("salt"))
        .withColumn("person_id", make_person_ids(F.col("anchor_record_id"), F.col("salt")))
        .join(taken.select("person_id"), on="person_id", how="left_anti")
        .groupBy("cluster")
        .agg(F.min_by("person_id", "salt").alias("person_id"))
    )
