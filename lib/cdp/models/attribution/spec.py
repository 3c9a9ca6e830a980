"""What a file of conf/attribution says: which events are touches, of which channel and campaign, and how far back."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import SparkSession

from cdp.contracts.silver.events import EVENTS
from cdp.core.errors import ConfigError
from cdp.rules.expressions import Place, check_expression


class AttributionSpec(BaseModel):
    """One file of conf/attribution. ``channel`` and ``campaign`` are SQL over a row of silver.events.

    An event without a channel is no touch; one without a campaign is a touch of its channel alone. Touches and orders
    of the last ``window_days`` count, and a touch for an order of the ``lookback_days`` after it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    channel: str
    campaign: str = "cast(null as string)"
    lookback_days: int = Field(ge=1, le=365)
    window_days: int = Field(default=365, ge=1, le=3660)
    purpose: str
    owner: str


def check_attributions(spark: SparkSession, specs: Mapping[str, AttributionSpec]) -> None:
    """:class:`ConfigError` for the first expression that silver.events cannot give as text, with the nearest column."""
    events = spark.createDataFrame([], EVENTS.schema) if specs else None
    for name, spec in sorted(specs.items()):
        for key, sql in (("channel", spec.channel), ("campaign", spec.campaign)):
            place = Place(f"conf/attribution/{name}.yaml", key, EVENTS.full_name)
            assert events is not None
            found = check_expression(events, sql, place)
            if found.typeName() != "string":
                raise ConfigError(f"{place}: {sql!r} is of type {found.simpleString()}; it must be a name, so a text")
