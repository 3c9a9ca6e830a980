"""Records of the event specifications: right ones, and wrong ones with each of their defects."""

from __future__ import annotations

import json
from importlib.resources.abc import Traversable
from itertools import count
from pathlib import Path
from typing import Any

from cdp.ingest.spec import SourceSpec
from cdp.rules.definitions import load_definitions

CONF: Traversable = Path(__file__).parents[3] / "conf"  # type: ignore[assignment]
NAMES = ("segment", "cloudevents", "shopify", "snowplow", "ga4")
SOURCES = {n: s for n, s in load_definitions(CONF / "sources", SourceSpec).items() if n in NAMES}
TIME = "2026-01-04T10:00:00.000Z"
FIELDS = list(SOURCES["snowplow"].csv.header)  # type: ignore[union-attr, arg-type]
#: Every record has an id of its own, so that none is a duplicate.
NUMBERS = count(1)
Reasons = set[tuple[str, str]]


def dump(whole: dict[str, Any], changes: dict[str, Any]) -> bytes:
    """JSON of the record with changes; a change to None leaves the field out."""
    return json.dumps({k: v for k, v in {**whole, **changes}.items() if v is not None}).encode()


def segment(**changes: Any) -> bytes:
    whole = {
        "type": "track",
        "event": "Viewed",
        "messageId": f"m{next(NUMBERS)}",
        "anonymousId": "a",
        "timestamp": TIME,
    }
    return dump(whole, changes) + b"\n"


def cloudevent(**changes: Any) -> bytes:
    whole = {"specversion": "1.0", "id": f"c{next(NUMBERS)}", "source": "/shop", "type": "com.example.placed"}
    return dump(whole, changes)


def order(**changes: Any) -> bytes:
    lines = [{"product_id": 1, "sku": "S", "quantity": 1, "price": "5.00", "total_discount": "0.00"}]
    whole = {
        "id": 1000 + next(NUMBERS),
        "created_at": "2026-01-04T05:00:00-05:00",
        "currency": "USD",
        "line_items": lines,
    }
    return dump(whole, changes)


TWO = [{"product_id": n, "quantity": 1, "price": "5.00"} for n in (1, 2)]


def snowplow(**changes: Any) -> bytes:
    row = dict(zip(FIELDS, SOURCES["snowplow"].sample.raw.split("\t"), strict=True))
    row |= {"event_id": f"c6ef3124-b53a-4b13-a233-{next(NUMBERS):012d}", **changes}
    return "\t".join(row.values()).encode() + b"\n"


def ga4(**changes: Any) -> bytes:
    whole = {
        "event_date": "20260104", "event_name": "view", "user_pseudo_id": "1.2",
        "event_timestamp": 1767520800000000 + next(NUMBERS),
    }  # fmt: skip
    return dump(whole, changes)


def products(**item: Any) -> dict[str, Any]:
    return {"order_id": "W-1", "products": [{"product_id": "P", "price": 2.5, **item}]}


GOOD: list[tuple[str, bytes]] = [
    ("segment", b"\xef\xbb\xbf" + segment()),
    ("segment", segment()[:-1] + b"\r\n"),
    ("segment", segment()[:-1]),
    ("segment", segment(type="IDENTIFY", event=None, traits={"email": "ana@example.com"})),
    ("segment", segment(type="page", event=None, name="Home")),
    ("segment", segment(type="Screen", event=None)),
    ("segment", segment(type="group", event=None, groupId=17)),
    ("segment", segment(type="alias", event=None, userId="u", previousId="a")),
    ("segment", segment(messageId=None, timestamp=None)),
    ("segment", segment(userId=12345678901234567890)),
    ("segment", segment(event="12345", properties={})),
    ("segment", segment(event="true")),
    ("segment", segment(properties={"a": "Infinity"})),
    ("segment", segment(properties={"deep": json.loads("[" * 200 + "]" * 200)})),
    ("segment", segment(properties={"x": "y" * 32_000})),
    ("segment", segment()[:-2] + b', "event": "Last one wins"}\n'),
    *(
        ("segment", segment(timestamp=time))
        for time in (
            "2026-01-04T10:00:00Z", "2026-01-04T10:00Z", "2026-01-04t10:00:00z", "2026-01-04 10:00:00",
            "2026-01-04", "2026-01-04T10:00:00.123456789+05:30", "2026-01-04T10:00:00+0530", "2026-01-04T10:00:00,5Z",
            "2016-12-31T23:59:60Z",
        )
    ),
    ("segment", segment(event="order_completed", properties=products())),
    ("segment", segment(event="Order Completed", properties={"total": 5})),
    ("cloudevents", cloudevent(time="2026-01-04T11:00:00+01:00", data={"a": 1}, traceparent="x", sampled=True)),
    ("cloudevents", cloudevent(data="text", datacontenttype="text/plain; charset=utf-8")),
    ("cloudevents", cloudevent(data_base64="aGVsbG8=", subject="s", dataschema="https://example.com/s")),
    ("shopify", order(customer={"id": 7, "email": "ana@example.com"})),
    ("snowplow", snowplow()),
    ("snowplow", snowplow(event="struct", se_action="add", se_value="1.5", contexts='{"schema": "iglu:a"}')),
    ("ga4", ga4()),
    ("ga4", ga4(event_timestamp="1767520800000000", event_params=[{"key": "k", "value": {"double_value": 1.5}}])),
    ("ga4", ga4(event_params=[{"key": "n", "value": {"int_value": "42"}}, {"key": "none", "value": None}])),
    ("segment", segment(event="\U0001f600 \\ud83d")),
    ("segment", segment(timestamp="2017-01-01T05:29:60+05:30")),
    ("segment", segment(properties={"a": "Infinity"}).replace(b"Inf", b"\\u0049nf").replace(b"type", b"t\\u0079pe")),
    ("cloudevents", cloudevent(data="{not json", note="[x]")),
    ("cloudevents", cloudevent(data=5)),
    ("cloudevents", cloudevent(data='{"a":1}')),
    ("cloudevents", cloudevent(source="http://[::1]:80/a%20b?c#d", data_base64="YQ==", whole=-2147483648)),
    ("ga4", ga4(event_params=[{"key": k, "value": {"int_value": n}} for k, n in (("k", "1"), ("x", "3"), ("k", "2"))])),
    ("ga4", ga4(event_params=[{"key": "n", "value": {"int_value": "9223372036854775807"}}])),
    ("segment", segment(event="Product Viewed", properties={"products": {"a": 1}})),
    ("segment", segment(event="Order Completed", properties={"order_id": "W-1", "products": []})),
    ("snowplow", snowplow(dvce_created_tstamp="", dvce_sent_tstamp="", derived_tstamp="")),
    ("segment", segment(type="group", event=None, groupId="g", traits={"email": "info@initech.example"})),
    ("segment", segment(context={"traits": {"email": "Eve@Example.com", "phone": "+447700900124"}})),
    ("segment", segment(type="identify", event=None, traits={"email": "[5]", "phone": 447700900124})),
    ("cloudevents", cloudevent(time="2026-01-04T10:00:00Z", receivedat="2026-01-04T10:00:01Z")),
    ("shopify", order(id=5, updated_at="2026-01-04T05:00:01-05:00")),
    ("shopify", order(id=5, updated_at="2026-01-04T07:00:00-05:00", receivedAt="2026-01-04T12:00:01Z", line_items=TWO)),
    ("shopify", order(id=5, updated_at="2026-01-04T08:00:00-05:00", cancelled_at="2026-01-04T08:00:00-05:00")),
]  # fmt: skip
BAD: list[tuple[str, bytes, Reasons]] = [
    ("segment", b"\n", {("", "bad_json")}),
    ("segment", b"   \r\n", {("", "bad_json")}),
    ("segment", b"null", {("", "bad_json")}),
    ("segment", b'"text"', {("", "bad_json")}),
    ("segment", b"[" + segment().strip() + b"]", {("", "bad_json")}),
    ("segment", segment().strip() + segment(), {("", "bad_json")}),
    ("segment", segment().strip() + b", " + segment(), {("", "bad_json")}),
    ("segment", segment()[:-9], {("", "bad_json")}),
    ("segment", segment().strip() + b" garbage", {("", "bad_json")}),
    *(
        ("segment", segment().strip() + after, {("", "bad_json")})
        for after in (b"}", b"} garbage", b"}}", b', "z": 1', b"]}", b",", b"], {}")
    ),
    ("segment", segment().replace(b'"', b"'"), {("", "bad_json")}),
    ("segment", segment(value=0.5).replace(b"0.5", b"NaN"), {("", "bad_json")}),
    ("segment", segment(value=0.5).replace(b"0.5", b"-Infinity"), {("", "bad_json")}),
    ("segment", segment(value=0.5).replace(b"0.5", b"007"), {("", "bad_json")}),
    ("segment", segment(event="a\tb").replace(b"\\t", b"\t"), {("", "bad_json")}),
    ("segment", segment(event="a b").replace(b"a b", b"a\x00b"), {("", "bad_json")}),
    ("segment", segment()[:-2] + b', "deep": ' + b"[" * 5000 + b"]" * 5000 + b"}", {("", "bad_json")}),
    ("segment", segment(event="caf").replace(b"caf", b"caf\xe9"), {("", "bad_encoding")}),
    ("segment", segment(event="x", anonymousId=None).replace(b'"x"', b'"\xff"'),
     {("", "bad_encoding"), ("userId", "missing")}),
    ("segment", "{}".encode("utf-16"), {("", "bad_encoding")}),
    ("segment", segment(properties={"x": 1}).replace(b": 1}", b": 1e999}"), {("", "out_of_range")}),
    ("segment", segment(properties={"x": "y" * 33_000}), {("", "too_large")}),
    ("segment", segment(properties={"x": "y" * 1_000_000}, type="shout", anonymousId=" "),
     {("", "too_large"), ("type", "unknown_call"), ("userId", "missing")}),
    ("segment", b"{}", {("type", "missing"), ("userId", "missing")}),
    ("segment", segment(type=None), {("type", "missing")}),
    ("segment", segment(type=5), {("type", "wrong_type")}),
    ("segment", segment(event=None), {("event", "missing")}),
    ("segment", segment(event=5, userId=True, properties=[1], traits="x", context=3, messageId={"a": 1}),
     {(f, "wrong_type") for f in ("event", "userId", "properties", "traits", "context", "messageId")}),
    ("segment", segment(properties='{"a": 1}', event=["x"]), {("properties", "wrong_type"), ("event", "wrong_type")}),
    ("segment", segment(traits='{"a": 1}').replace(b'"traits": ', b'"traits"  :\t'), {("traits", "wrong_type")}),
    ("segment", segment(traits='{"a": 1}').replace(b"traits", b"tra\\u0069ts"), {("traits", "wrong_type")}),
    ("segment", segment(event="\t", anonymousId="\n"), {("event", "missing"), ("userId", "missing")}),
    ("segment", segment(type="group"), {("groupId", "missing")}),
    ("segment", segment(type="alias"), {("previousId", "missing"), ("userId", "missing")}),
    *(
        ("segment", segment(timestamp=time), {("timestamp", "bad_time")})
        for time in (
            "yesterday", "2026-02-30T10:00:00Z", "2026-13-01", "2026-01-04T24:00:00Z", "2026-01-04T10:61:00Z",
            1767520800000, "1767520800", True, {"a": 1}, "12:30", "2026-01-04T10:00:00+25:00", "04/01/2026",
            "10000-01-01T00:00:00Z", "2026-01-04T09:59:60Z", "2016-12-31T23:29:60Z",
        )
    ),
    ("segment", segment(sentAt="x", originalTimestamp="y", receivedAt="z"),
     {("sentAt", "bad_time"), ("originalTimestamp", "bad_time"), ("receivedAt", "bad_time")}),
    *(
        ("segment", segment(timestamp=time), {("timestamp", "out_of_range")})
        for time in ("2031-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z")
    ),
    ("segment", segment(receivedAt="9999-01-01T00:00:00Z"), {("receivedAt", "out_of_range")}),
    ("segment", segment(event="Order Completed", properties=products(price="dear", quantity=-1)),
     {("properties.products.price", "wrong_type"), ("properties.products.quantity", "out_of_range")}),
    *(
        ("segment", segment(event="Order Completed", properties={"order_id": "W-1", "products": products}),
         {("properties.products", "wrong_type")})
        for products in ({"price": 1}, "x", '[{"price": 1}]', 5, [None], [{"price": 1}, None], ["x"], [[]])
    ),
    ("segment", segment(timestamp=None, originalTimestamp="1970-01-01"), {("originalTimestamp", "out_of_range")}),
    ("segment", segment(sentAt=TIME, receivedAt="9999-01-01"), {("receivedAt", "out_of_range")}),
    ("segment", segment(type="identify", event=None, traits={"email": ["a@example.com"], "phone": {"home": "5"}}),
     {("traits.email", "wrong_type"), ("traits.phone", "wrong_type")}),
    ("segment", segment(type="identify", event=None, traits={"email": 5}), {("traits.email", "wrong_type")}),
    ("segment", segment(event="Order Completed",
                        properties={**products(product_id={"id": 1}), "order_id": {}, "currency": 978}),
     {(f"properties.{f}", "wrong_type") for f in ("order_id", "currency", "products.product_id")}),
    ("segment", segment(timestamp="9999-01-01", sentAt="9999-01-01", receivedAt="9999-01-01"),
     {("timestamp", "out_of_range"), ("receivedAt", "out_of_range")}),
    ("cloudevents", cloudevent(specversion="0.3", id=None, type=""),
     {("specversion", "unknown_value"), ("id", "missing"), ("type", "missing")}),
    ("cloudevents", cloudevent(specversion=1.0, id=5, time=7),
     {("specversion", "wrong_type"), ("id", "wrong_type"), ("time", "bad_time")}),
    ("cloudevents", cloudevent(time="2026-01-04T10:00:00"), {("time", "bad_time")}),
    ("cloudevents", cloudevent(source="a b", subject="", dataschema="relative", datacontenttype="json"),
     {("source", "wrong_type"), ("subject", "missing"), ("dataschema", "wrong_type"),
      ("datacontenttype", "wrong_type")}),
    ("cloudevents", cloudevent(data_base64="?", data=1),
     {("data_base64", "wrong_type"), ("data", "unknown_value")}),
    *(
        ("cloudevents", cloudevent(source=source), {("source", "wrong_type")})
        for source in ("a\\b", "a\u00e9", "%zz", "a[1]", "a#b#c")
    ),
    *(
        ("cloudevents", cloudevent(data_base64=data), {("data_base64", "wrong_type")})
        for data in ("aGVsbG8", "aG V", "YQ\n=")
    ),
    ("cloudevents", cloudevent(time="", id="a\u0001", type="a\u0000", subject="\u009f"),
     {("time", "bad_time"), ("id", "wrong_type"), ("type", "wrong_type"), ("subject", "wrong_type")}),
    ("cloudevents", cloudevent(whole=2147483648, text="a\nb"),
     {("extension", "out_of_range"), ("extension", "wrong_type")}),
    ("cloudevents", cloudevent(whole=10**40), {("extension", "out_of_range")}),
    ("cloudevents", cloudevent(myExtension=1, other={"a": 1}),
     {("extension", "bad_name"), ("extension", "wrong_type")}),
    ("cloudevents", cloudevent(data=0.5).replace(b"0.5", b"1e999"), {("", "out_of_range")}),
    ("cloudevents", cloudevent(receivedat="soon"), {("receivedat", "bad_time")}),
    ("shopify", order(total_price="", subtotal_price=True, total_discounts=[1], total_tax=1.5),
     {("subtotal_price", "wrong_type"), ("total_discounts", "wrong_type")}),
    ("shopify", order(total_tax="dear", cancelled_at="soon", refunds={"a": 1}, line_items=[5]),
     {("total_tax", "wrong_type"), ("cancelled_at", "bad_time"), ("refunds", "wrong_type"),
      ("line_items", "wrong_type")}),
    ("shopify", order(customer={"id": {"n": 7}, "email": ["ana@example.com"]}, receivedAt="soon"),
     {("customer.id", "wrong_type"), ("customer.email", "wrong_type"), ("receivedAt", "bad_time")}),
    ("shopify", order(line_items=[{**TWO[0], "product_id": {}, "discount_allocations": [{"amount": "x"}]},
                                  {**TWO[1], "total_discount": "ten", "discount_allocations": [{"amount": "1"}]}]),
     {("line_items.product_id", "wrong_type"), ("line_items.discount_allocations", "wrong_type"),
      ("line_items.total_discount", "wrong_type")}),
    *(
        ("shopify", order(line_items=[{**TWO[0], "discount_allocations": wrong}]),
         {("line_items.discount_allocations", "wrong_type")})
        for wrong in ("x", {"amount": "1"}, ["x"], [{}])
    ),
    ("shopify", order(created_at="1985-01-04T10:00:00Z", updated_at=TIME), {("created_at", "out_of_range")}),
    ("shopify", order(updated_at="2999-01-01T00:00:00Z"), {("updated_at", "out_of_range")}),
    ("shopify", order(id=None, line_items=None), {("id", "missing"), ("line_items", "missing")}),
    ("shopify", order(created_at="soon", line_items=[{"quantity": "x", "price": -1}], currency="dollar"),
     {("created_at", "bad_time"), ("line_items.quantity", "wrong_type"), ("line_items.price", "out_of_range"),
      ("currency", "unknown_value")}),
    ("shopify", order(customer="Ana", line_items=[]), {("customer", "wrong_type"), ("line_items", "missing")}),
    ("shopify", order(line_items={"sku": "S"}), {("line_items", "wrong_type")}),
    ("shopify", order(line_items=[*TWO, None]), {("line_items", "wrong_type")}),
    ("shopify", order(line_items=[None, {"quantity": -1, "price": "1"}]),
     {("line_items", "wrong_type"), ("line_items.quantity", "out_of_range")}),
    ("snowplow", snowplow(collector_tstamp="", dvce_created_tstamp="", dvce_sent_tstamp="", derived_tstamp=""),
     {("collector_tstamp", "missing")}),
    ("snowplow", snowplow(unstruct_event='{"a": 1e999}', contexts='{"a": "1e999"}'),
     {("unstruct_event", "out_of_range")}),
    ("snowplow", snowplow(txn_id="2147483648", doc_width="-2147483648"), {("txn_id", "out_of_range")}),
    ("snowplow", snowplow(collector_tstamp="9999-01-01 00:00:00.000"), {("collector_tstamp", "out_of_range")}),
    ("snowplow", snowplow()[:-1].rsplit(b"\t", 1)[0], {("", "wrong_columns")}),
    ("snowplow", snowplow()[:-1] + b"\tmore", {("", "wrong_columns")}),
    ("snowplow", b"\n", {("", "wrong_columns")}),
    ("snowplow", snowplow(page_title="QQ").replace(b"QQ", b"\xff"), {("", "bad_encoding")}),
    ("snowplow", snowplow(event="dance", event_id="7", se_value="much", br_cookies="yes", contexts="{",
                          geo_latitude="91", collector_tstamp="", dvce_created_tstamp="x"),
     {("event", "unknown_call"), ("event_id", "wrong_type"), ("se_value", "wrong_type"), ("br_cookies", "wrong_type"),
      ("contexts", "wrong_type"), ("geo_latitude", "out_of_range"), ("collector_tstamp", "missing"),
      ("dvce_created_tstamp", "bad_time")}),
    ("snowplow", snowplow(se_value="-Infinity", br_viewwidth="9" * 20, etl_tstamp="12:30", contexts='{"a": 1}}'),
     {("se_value", "wrong_type"), ("br_viewwidth", "out_of_range"), ("etl_tstamp", "bad_time"),
      ("contexts", "wrong_type")}),
    ("ga4", ga4(user_pseudo_id={"a": 1}, event_params=[{"key": "k", "value": {"int_value": "abc"}}]),
     {("user_pseudo_id", "wrong_type"), ("event_params", "wrong_type")}),
    *(
        ("ga4", ga4(event_params=[{"key": "k", "value": value}]), {("event_params", "out_of_range")})
        for value in ({"int_value": "9223372036854775808"}, {"int_value": "-9" + "0" * 40}, {"double_value": "1e999"})
    ),
    ("ga4", ga4(event_name=None, event_timestamp="now", event_date="2026", user_pseudo_id=None),
     {("event_name", "missing"), ("event_timestamp", "bad_time"), ("event_date", "bad_time"),
      ("user_pseudo_id", "missing")}),
]  # fmt: skip
