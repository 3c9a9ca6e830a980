"""Attribution of the night: journeys by hand, rows as the verb gives them, and definitions refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.gold.channel_credits import CHANNEL_CREDITS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ConfigError
from cdp.models.attribution import nightly
from cdp.models.attribution.attribution import attribute_paths
from cdp.models.attribution.nightly import credit_night, journeys, tell_journeys
from cdp.models.attribution.paths import collect_paths
from cdp.models.attribution.spec import AttributionSpec, check_attributions
from cdp.rules.definitions import load_definitions

AS_OF = date(2026, 1, 31)
CONF = Path(__file__).parents[4] / "conf" / "attribution"
SPEC = load_definitions(CONF, AttributionSpec)["marketing"]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=UTC)


def _event(record: str | None, at: str, source: str | None, campaign: str | None = None, **more: Any) -> dict[str, Any]:
    names = [f'"{key}":"{name}"' for key, name in (("source", source), ("name", campaign)) if name]
    context = f'{{"campaign":{{{",".join(names)}}}}}' if names else None
    said = {"event_type": "page", "context": context, "event_at": _at(at), "received_at": _at(at)}
    return {"record_id": record, **said, **more}


def _click(record: str, at: str, what: str = "clicked") -> dict[str, Any]:
    mail = {"event_type": "email", "event_name": what, "properties": '{"campaign":"welcome"}'}
    return _event(record, at, None) | mail


def _line(record: str, order: str, at: str, amount: int, **more: Any) -> dict[str, Any]:
    said = {"record_id": record, "source": "web", "order_id": order, "amount": Decimal(amount)}
    return {**said, "ordered_at": _at(at), "received_at": _at(at), **more}


def test_journeys_end_in_the_next_order_or_in_nothing(rows: Callable[..., DataFrame], spark: SparkSession) -> None:
    events = rows(EVENTS, [
        _event("r1", "02 10:00", "google", "sale"), _event("r1", "02 10:05", "google", "sale"),  # one visit
        _click("r2", "03 09:00"), _click("r2", "03 08:00", "opened"),
        _event("r1", "04 10:00", "google > ads", None), _event("r1", "04 11:00", None),
        _event("r1", "20 10:00", "google", "sale"),
        _event("r3", "01 10:00", "insta"), _event("r3", "12 10:00", "insta"), _event("r3", "29 10:00", "insta"),
        _event("r3", "13 10:00", "bot", is_bot=True), _event("r9", "13 10:00", "nobody"),
        _event("r3", "30 10:00", "late", received_at=datetime(2026, 2, 1, tzinfo=UTC)),
        _event("r3", "31 00:00", "tomorrow"),
    ])  # fmt: skip
    lines = rows(ORDER_LINES, [
        _line("r1", "o1", "04 10:00", 50), _line("r1", "o1", "04 10:00", 20), _line("r1", "o1", "15 10:00", -30),
        _line("r1", "o2", "05 10:00", 9, is_cancelled=True),
        _line("r1", "o3", "06 10:00", 9), _line("r1", "o3", "07 10:00", -9),
        _line("r3", "o4", "13 10:00", 7),
    ])  # fmt: skip
    owners = spark.createDataFrame([("r1", "ann"), ("r2", "ann"), ("r3", "bob")], "record_id string, person_id string")
    spec = SPEC.model_copy(update={"lookback_days": 10})
    found = journeys(events, lines, owners, spec=spec, as_of=AS_OF).toArrow().sort_by("path").to_pylist()
    told = {row["path"].replace("\x1e", "/"): (row["conversions"], row["value"], row["nulls"]) for row in found}
    assert told == {
        "google/sale > email/welcome > google ads": (1, 40.0, 0),  # o1; what was at its time led to it too
        "google/sale": (0, None, 1),  # ann after her order, eleven days before the as-of day
        "insta": (1, 7.0, 2),  # bob's o4, ten days and more before it, and what may come yet
    }


def _paths() -> pa.Table:
    paths = ["email\x1ewelcome > google\x1esale", "google\x1esale", "insta"]
    return pa.table({"path": paths, "conversions": [3, 2, 1], "value": [30.0, 10.0, None], "nulls": [5, 9, 4]})


def test_rows_are_those_of_the_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    found = credit_night("marketing", _paths(), as_of=AS_OF)
    assert list(found.columns) == CHANNEL_CREDITS.column_names
    verb = attribute_paths(collect_paths(_paths()))
    assert found["conversions"].tolist() == verb.credit["conversions"].tolist()
    assert found["value"].tolist() == verb.credit["value"].tolist()
    best = set(found.loc[found["is_best_memory"], "model"])
    assert best == {f"markov_{verb.markov.chosen}"}
    last = found[found["model"] == "last"].set_index(["channel", "campaign"])["conversions"].to_dict()
    assert last == {("email", "welcome"): 0.0, ("google", "sale"): 5.0, ("insta", ""): 1.0}
    assert tell_journeys("marketing", _paths()) == "marketing: 6 orders behind a touch, 18 journeys without one"
    monkeypatch.setattr(nightly, "MAX_CHANNELS", 2)  # more steps than that are their channels alone
    bare = credit_night("marketing", _paths(), as_of=AS_OF)
    assert {*zip(bare["channel"], bare["campaign"], strict=True)} == {("email", ""), ("google", ""), ("insta", "")}
    assert credit_night("marketing", _paths().slice(0, 0), as_of=AS_OF).empty


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"channel": "chanel"}, r"conf/attribution/x.yaml: channel: silver.events has no column 'chanel'; .*channel"),
        ({"campaign": "is_bot"}, r"conf/attribution/x.yaml: campaign: 'is_bot' is of type boolean"),
    ],
)
def test_what_events_cannot_give_is_refused(spark: SparkSession, change: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        check_attributions(spark, {"x": SPEC.model_copy(update=change)})
