"""What may be known on a day: the point-in-time rule that everything made of a person's past keeps."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F

from cdp.core.dates import start_of


def is_known(happened_at: str, as_of: date) -> Column:
    """Whether a row of silver is known on an as-of date D: it happened before D 00:00 UTC, and had arrived by the end
    of D, because the delivery of a day comes with it. Null where either time is.

    `happened_at` names the column that says when; `received_at` says when it arrived.
    """
    arrived_by = F.lit(start_of(as_of + timedelta(days=1)))
    return (F.col(happened_at) < F.lit(start_of(as_of))) & (F.col("received_at") < arrived_by)
