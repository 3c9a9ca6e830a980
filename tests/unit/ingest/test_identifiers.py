"""The identifiers of a record as Spark SQL: sorted, each once, one id whatever fields they stood in."""

from __future__ import annotations

import hashlib
from itertools import product

from pyspark.sql import functions as F

from cdp.ingest.identifiers import identifiers_sql, record_id_sql

KINDS = {"a": "user_id", "b": "email", "c": "user_id", "d": "phone", "e": "phone", "f": "phone"}


def test_identifiers_are_sorted_and_come_once(spark) -> None:
    texts = [*product((None, "u1"), (None, "m"), (None, "u1", "u0"), (None, "p"), (None, "p", "o"), (None, "o", "q"))]
    ddl = ", ".join(f"{name} STRING" for name in KINDS)
    typed = [(kind, name) for name, kind in KINDS.items()]
    got = (
        spark.createDataFrame(texts, ddl)
        .withColumn("__source", F.lit("s"))
        .select(*KINDS, F.expr(identifiers_sql(typed)).alias("all"), F.expr(record_id_sql(typed)).alias("id"))
        .collect()
    )
    assert len(got) == len(texts)
    for row in got:
        given = sorted({(kind, row[name]) for name, kind in KINDS.items() if row[name] is not None})
        assert [(i.type, i.value) for i in row["all"]] == given
        told = "|".join(f"{kind}={value}" for kind, value in given)
        assert row["id"] == (f"s:{hashlib.sha256(told.encode()).hexdigest()[:24]}" if given else None)


def test_a_record_without_fields_for_identifiers_has_none(spark) -> None:
    row = spark.sql(f"SELECT {identifiers_sql([])} AS all, {record_id_sql([])} AS id").collect()[0]
    assert (row["all"], row["id"]) == ([], None)
