"""Lists of conf/recommendations: which lines are purchases, rows as the verb gives them, and definitions refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from cdp.contracts.gold.recommendations import RECOMMENDATIONS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.core.errors import ConfigError
from cdp.models.recommendation import nightly
from cdp.models.recommendation.nightly import item_purchases, recommend_night, shares_of, tell_list
from cdp.models.recommendation.purchase_log import collect_purchases
from cdp.models.recommendation.recommendations import recommend_purchases
from cdp.models.recommendation.registered import ListVersion
from cdp.models.recommendation.spec import ListSpec
from cdp.models.recommendation.train import train_list
from cdp.rules.definitions import load_definition, load_definitions

AS_OF = date(2026, 1, 5)
CONF = Path(__file__).parents[4] / "conf" / "recommendations"
SPEC = load_definitions(CONF, ListSpec)["products"]


def _line(record: str | None, at: str, item: str | None, amount: int = 9, **more: Any) -> dict[str, Any]:
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)
    said = {"record_id": record, "product_id": item, "amount": Decimal(amount)}
    return {**said, "ordered_at": when, "received_at": when, **more}


def test_a_purchase_is_a_day_with_positive_net_of_the_item_that_is_known_by_then(
    rows: Callable[..., DataFrame], spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, in_time = datetime(2026, 1, 6, tzinfo=UTC), datetime(2026, 1, 5, 23, tzinfo=UTC)
    lines = rows(ORDER_LINES, [
        _line("r1", "2026-01-01T10:00", "A"), _line("r2", "2026-01-01T11:00", "A"),  # one person, one day
        _line("r1", "2026-01-02T10:00", "A", is_cancelled=True),
        _line("r1", "2026-01-03T10:00", "B"), _line("r1", "2026-01-03T12:00", "B", -9, is_return=True),
        _line("r1", "2026-01-04T10:00", "B"), _line("r1", "2026-01-04T12:00", "B", -4, is_return=True),
        _line("r3", "2026-01-04T10:00", "A", received_at=in_time),
        _line("r3", "2026-01-04T10:00", "C", received_at=late),
        _line("r3", "2026-01-05T00:00", "A"),
        _line("r9", "2026-01-04T10:00", "A"), _line(None, "2026-01-04T10:00", "A"), _line("r1", "2026-01-04", None),
    ])  # fmt: skip
    owners = spark.createDataFrame([("r1", "ann"), ("r2", "ann"), ("r3", "bob")], "record_id string, person_id string")
    found = item_purchases(lines, owners, item="product_id", as_of=AS_OF)
    monkeypatch.setattr(nightly, "MAX_LINES", 3)
    shares = [{tuple(row) for row in share.collect()} for share in shares_of(found, order_lines=4)]
    assert set.union(*shares) == {
        ("ann", date(2026, 1, 1), "A"),
        ("ann", date(2026, 1, 4), "B"),
        ("bob", date(2026, 1, 4), "A"),
    }
    assert len(shares) == 2 and not set.intersection(*shares)  # people are dealt, and nobody twice
    assert sum(len({row[0] for row in share}) for share in shares) == 2


def _purchases(days: int) -> pa.Table:
    """Twelve people who buy one of their three items every four days."""
    found = [
        (f"p{n}", AS_OF - timedelta(days=back), f"item {(n + back // 4) % 3 + n % 4}")
        for n in range(12)
        for back in range(1, days, 4)
    ]
    return pa.table(dict(zip(("customer_id", "at", "item_id"), map(list, zip(*found, strict=True)), strict=True)))


def test_rows_are_those_of_the_verb_at_the_end_of_the_day_before() -> None:
    purchases = _purchases(200)
    trained = train_list(collect_purchases(purchases), as_of=AS_OF)
    champion = ListVersion("cdp.recommendations.products", "4", trained.recommender)
    found, summary = recommend_night("products", SPEC, purchases, champion=champion, as_of=AS_OF)
    assert found.column_names == RECOMMENDATIONS.column_names
    verb = recommend_purchases(collect_purchases(purchases), AS_OF - timedelta(days=1), SPEC.k)
    for ours, theirs in (("person_id", "customer_id"), ("item_id", "item_id"), ("score", "score"), ("rank", "rank")):
        assert found[ours].to_pylist() == verb.rows[theirs].to_pylist()
    assert summary == {name: value for name, value in verb.summary.items() if name != "metrics"}
    rows = found.to_pylist()
    assert {(r["list"], r["as_of"], r["score_kind"]) for r in rows} == {("products", AS_OF, "chance")}
    assert {(r["model_name"], r["model_version"]) for r in rows} == {("cdp.recommendations.products", "4")}
    assert all(r["expected_on"] >= AS_OF for r in rows if r["expected_on"])
    told = "products: 12 customers, 6 items, ranked by cdp.recommendations.products version 4"
    assert summary and tell_list("products", summary, champion) == told


def test_no_champion_gives_shares_and_no_purchase_gives_no_row() -> None:
    found, summary = recommend_night("products", SPEC, _purchases(200), champion=None, as_of=AS_OF)
    assert set(found["score_kind"].to_pylist()) == {"share"} and set(found["model_version"].to_pylist()) == {None}
    assert summary and "no model scores yet" in tell_list("products", summary, None)
    empty, nothing = recommend_night("products", SPEC, _purchases(20).slice(0, 0), champion=None, as_of=AS_OF)
    assert (empty.num_rows, empty.column_names, nothing) == (0, RECOMMENDATIONS.column_names, None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("item:", "itme:"), r"x.yaml:2: unknown key 'itme': .*item"),
        (("product_id", "product"), r"x.yaml:2: key 'item': .*'product_id' or 'category'"),
        (("k: 5", "k: 0"), r"x.yaml:3: key 'k': .*greater than or equal to 1"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_line(change: tuple[str, str], told: str) -> None:
    text = (CONF / "products.yaml").read_text().replace(*change)
    with pytest.raises(ConfigError, match=told):
        load_definition(text, "x.yaml", ListSpec)
