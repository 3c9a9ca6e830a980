"""XML records: namespaces, attributes and repeated elements, and files that are no XML or end in the midst."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cdp.ingest.accept import map_sources
from cdp.ingest.decide import decide
from cdp.ingest.fields import FieldTree
from cdp.ingest.land import read_records
from cdp.ingest.new_files import plan_landing
from cdp.ingest.spec import SourceSpec
from cdp.ingest.xml_elements import find_xml_fault, split_xml_elements, take_fields

DELIVERED = date(2026, 1, 5)
# Orders as UBL 2.1 writes them; its prefixes are declared at the root, which no record holds.
ORDERS = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="urn:shop:feed" xmlns:cac="urn:ubl:aggregate" xmlns:cbc="urn:ubl:basic" xmlns:o="urn:ubl:order">
  <o:Order status="paid">
    <cbc:ID>O-1</cbc:ID><cbc:IssueDate>2026-01-04</cbc:IssueDate>
    <cbc:Note>gift</cbc:Note><cbc:Note>ring twice</cbc:Note>
    <cac:Buyer><cbc:ID scheme="crm">U000123</cbc:ID></cac:Buyer>
    <cac:OrderLine><cac:LineItem><cbc:ID>P-7</cbc:ID><cbc:Quantity unit="EA">2</cbc:Quantity>
      <cbc:Price currency="EUR">19.90</cbc:Price></cac:LineItem></cac:OrderLine>
    <cac:OrderLine><cac:LineItem><cbc:ID>P-8</cbc:ID><cbc:Quantity unit="EA">1</cbc:Quantity>
      <cbc:Price currency="EUR">5</cbc:Price></cac:LineItem></cac:OrderLine>
  </o:Order>
  <o:Order status="a > b"><cbc:ID>O-2</cbc:ID><cbc:IssueDate>2026-01-04</cbc:IssueDate>
    <cac:OrderLine><cac:LineItem><cbc:ID>P-9</cbc:ID><cbc:Quantity>1</cbc:Quantity><cbc:Price>7</cbc:Price></cac:LineItem>
    </cac:OrderLine></o:Order>
  <o:Order><cbc:ID>O-3</cbc:ID><cbc:IssueDate>2026-01-04</cbc:Issue></o:Order>
  <o:Order><cbc:ID>O-4</cbc:ID><cbc:IssueDate>2026-01-04</cbc:IssueDate><cac:Buyer/><cac:Buyer/>
    <cac:OrderLine><cac:LineItem><cbc:ID>P</cbc:ID><cbc:Price>1</cbc:Price></cac:LineItem></cac:OrderLine></o:Order>
</feed>
"""
SOURCE = SourceSpec.model_validate(
    {
        "name": "orders",
        "owner": "o",
        "description": "d",
        "party": "first",
        "format": "xml",
        "xml": {"row_tag": "Order"},
        "location": "orders",
        "sample": {"raw": "<Order/>", "expect": {}},
        "mapping": {
            "name": "orders",
            "description": "An order is an event, and has lines.",
            "key": ["ID"],
            "outputs": [
                {
                    "table": "events",
                    "columns": {
                        "message_id": {"field": "ID"},
                        "event_type": {"value": "track"},
                        "event_at": {"field": "IssueDate", "required": True},
                        "channel": {"field": "@status"},
                        "event_name": {"field": "Note"},
                    },
                },
                {
                    "table": "order_lines",
                    "explode": "OrderLine",
                    "columns": {
                        "order_id": {"main": "message_id"},
                        "product_id": {"field": "item.LineItem.ID", "required": True},
                        "quantity": {"field": "item.LineItem.Quantity", "default": 1},
                        "unit_price": {"field": "item.LineItem.Price.#text"},
                        "currency": {"field": "item.LineItem.Price.@currency"},
                        "ordered_at": {"main": "event_at"},
                    },
                },
            ],
            "identifiers": [{"type": "user_id", "field": "Buyer.ID"}],
        },
    }
)


def _cut(data: bytes, row_tag: str, block: int) -> list[bytes]:
    parts = split_xml_elements(io.BytesIO(data), row_tag=row_tag, block_bytes=block)
    return [element for array in parts for element in array.to_pylist()]


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_elements_are_cut_out_whole(block: int) -> None:
    data = b'<?xml version="1.0"?><ts><t id="1"><a/></t>\n<table/><t id="2"/> <t><b>\n<t>ok</t ></ts>'
    assert _cut(data, "t", block) == [b'<t id="1"><a/></t>', b'<t id="2"/>', b"<t><b>\n", b"<t>ok</t >"]
    data = b"<r:ts xmlns:r='u'><r:t note='a/>b'>x</r:t><at/><r:at>y</r:at><t/></r:ts>"
    assert _cut(data, "t", block) == [b"<r:t note='a/>b'>x</r:t>", b"<t/>"]


@pytest.mark.parametrize("block", [1, 2, 7, 1000])
def test_what_looks_like_a_tag_in_a_comment_or_cdata_is_text(block: int) -> None:
    first, second = b"<t><a><![CDATA[</t> & <t>]]>]</a></t>", b"<t><!-- </t> --><a>2</a></t>"
    data = b"<?xml version='1.0'?><?x <t/> ?><ts><!-- <t>0</t> < -->" + first + b"<![CDATA[<t>]]>" + second + b"</ts>"
    assert _cut(data, "t", block) == [first, second]
    assert _take(first.decode(), _tree("a")) == ([], {"a": "</t> & <t>]"})
    assert _take(second.decode(), _tree("a")) == ([], {"a": "2"})
    # One that never ends hides nothing.
    assert _cut(b"<ts><t>1</t><!-- <t>2</t><!-- <t>3</t></ts>", "t", block) == [b"<t>1</t>", b"<t>2</t>", b"<t>3</t>"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<ts><t/></ts>\n", None),
        (b"<?x <t> ?><ts><t>1</t>", "truncated"),
        (b"<!-- <old> --><r:ts><t/></r:ts> <!-- end -->\n", None),
        (b"<ts/>", None),
        (b"<t>1</t><t>2</t>", None),
        (b"<ts><t/>" + b" " * 10_000 + b"</ts>", None),
        (b"<ts><t/></ts><ts><t>", "truncated"),
        (b"<ts><t/><t>", "truncated"),
        (b"id;name\n1;Ana\n", "no XML element"),
        ("<ts><t/></ts>".encode("utf-16"), "no XML element"),
    ],
)
def test_a_file_that_is_no_whole_document_is_told(data: bytes, says: str | None) -> None:
    fault = find_xml_fault(io.BytesIO(data), "t")
    assert fault is None if says is None else says in str(fault)


def _tree(*paths: str, lists: tuple[str, ...] = ()) -> FieldTree:
    root = FieldTree()
    for path in paths:
        root.add(path).is_whole = True
    for path in lists:
        root.add(path).is_list = True
    return root


def _take(text: str, tree: FieldTree) -> tuple[list[str], object]:
    faults, found = take_fields(text.encode(), "utf-8", tree)
    return faults, json.loads(found) if found else found


def test_fields_are_children_attributes_and_texts() -> None:
    tree = _tree("id", "@kind", "p", "price.@currency", "price.#text", "more", "none")
    given = '<p>a &amp; b</p><price currency="EUR">9.5</price><more x="1"><y/></more>'
    text = f'<n:t id="1" kind="k" xmlns:n="u">{given}</n:t>'
    price = {"@currency": "EUR", "#text": "9.5"}
    assert _take(text, tree) == (
        [],
        {"id": "1", "@kind": "k", "p": "a & b", "price": price, "more": {"x": "1", "y": None}},
    )


def test_repeated_elements_are_lists_and_no_parent_is_lost_silently() -> None:
    tree = _tree("tags.tag", "buyer.id", "lines.line.sku", lists=("lines.line",))
    once = "<t><tags><tag>a</tag></tags><lines><line><sku>P</sku></line></lines></t>"
    assert _take(once, tree) == ([], {"tags": {"tag": "a"}, "lines": {"line": [{"sku": "P"}]}})
    many = "<t><tags><tag>a</tag><tag>b</tag></tags><buyer><id>1</id></buyer><buyer><id>2</id></buyer></t>"
    assert _take(many, tree) == (["repeated buyer"], {"tags": {"tag": ["a", "b"]}, "buyer": {"id": "1"}})


@pytest.mark.parametrize(
    "text",
    [
        "<t><a></t>",
        "<t>&nbsp;</t>",
        "<t/><t/>",
        "<t a=1/>",
        "",
        "<t>\x00</t>",
        "<t>" + "<a>" * 2000 + "</a>" * 2000 + "</t>",
    ],
)
def test_what_is_not_well_formed_is_refused_by_name(text: str) -> None:
    assert take_fields(text.encode(), "utf-8", _tree("a")) == (["bad_xml"], None)
    assert take_fields(b"<t>\xff</t>", "utf-8", _tree("a")) == (["bad_encoding"], None)


def test_orders_with_namespaces_and_lines_are_taken_in(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "orders" / str(DELIVERED)
    folder.mkdir(parents=True)
    (folder / "a.xml").write_text(ORDERS, encoding="utf-8")
    (folder / "cut.xml").write_text(ORDERS[: ORDERS.index("O-3")], encoding="utf-8")
    plan = plan_landing({"orders": SOURCE}, root=str(tmp_path), run_date=DELIVERED, known=[])
    assert [file.file.path.endswith("cut.xml") for file in plan.set_aside] == [True]
    landed = read_records(spark, plan.to_read, {"orders": SOURCE})
    mapped = map_sources(landed, sources={"orders": SOURCE}, mappings={}, headers={})
    rows = {row.record_no: row for row in decide(mapped, {}).rows.orderBy("record_no").collect()}
    assert [(n, row.status, [(r.field, r.code) for r in row.reasons]) for n, row in rows.items()] == [
        (1, "accepted", []),
        (2, "accepted", []),
        (3, "refused", [("", "bad_xml")]),
        (4, "refused", [("Buyer", "wrong_type")]),
    ]
    event = rows[1].events[0]
    assert (event.message_id, event.channel, event.event_name) == ("O-1", "paid", '["gift","ring twice"]')
    assert [(i.type, i.value) for i in event.identifiers] == [("user_id", "U000123")]
    assert rows[2].events[0].channel == "a > b"
    lines = [(x.product_id, str(x.quantity), str(x.unit_price), x.currency) for x in rows[1].order_lines]
    assert lines == [("P-7", "2.0000", "19.9000", "EUR"), ("P-8", "1.0000", "5.0000", "EUR")]
    assert [x.currency for x in rows[2].order_lines] == [None]
    assert rows[1].order_lines[0].ordered_at == event.event_at
