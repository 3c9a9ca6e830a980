"""Bring the rows of a frame to the driver in their order, a bounded number at a time, through Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema


def arrow_schema(rows: DataFrame) -> pa.Schema:
    """The frame's schema as Arrow, times in UTC."""
    return to_arrow_schema(rows.schema, timezone="UTC")


def arrow_batches(rows: DataFrame) -> Iterator[pa.RecordBatch]:
    """The frame's rows in order. The driver holds one partition at a time, packed; never the whole frame."""
    schema = arrow_schema(rows)
    for packed in rows.mapInArrow(_pack, "packed BINARY").toLocalIterator():
        with pa.ipc.open_stream(packed["packed"]) as reader:
            yield from (batch.cast(schema) for batch in reader)


def _pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch as one row that holds it in Arrow's stream format."""
    for batch in batches:
        if batch.num_rows:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            yield pa.RecordBatch.from_arrays([pa.array([sink.getvalue().to_pybytes()], pa.binary())], ["packed"])
