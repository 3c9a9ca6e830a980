"""On few rows Spark interprets its expressions: Java that is written and compiled for each query pays on many only."""

from __future__ import annotations

from pyspark.sql import SparkSession

#: Records of a lake, and new ones of a night, up to which a night is interpreted.
FEW_RECORDS, FEW_NEW = 1_000_000, 50_000
_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def is_few(*, held: int, new: int) -> bool:
    """Whether a night is one of few records: ``held`` came before it (0: none, or nobody knows), ``new`` in it."""
    return 0 < held + new <= FEW_RECORDS and new <= FEW_NEW


def interpret_few(spark: SparkSession, *, held: int, new: int = 0) -> None:
    """Let the session's next queries be interpreted in a night of few records, else run as its settings say."""
    settings = spark.sparkContext.getConf()
    for key, interpreted in _INTERPRETED.items():
        value = interpreted if is_few(held=held, new=new) else settings.get(key)
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)
