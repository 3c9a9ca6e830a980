"""What changed in the shape of a source: new, missing, renamed and mistyped fields, each once."""

from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace
from typing import Any

from cdp.ingest.accounts import look_at_files
from cdp.ingest.land import LANDED_DDL
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.schema_changes import Delivery, compare_shapes, find_schema_changes, known_shapes
from cdp.ingest.shapes import FieldShape, shape_of_header, shape_of_schema, unite_shapes

NIGHT = date(2026, 1, 5)
MAPPING = MappingSpec.model_validate(
    {
        "name": "shop",
        "description": "d",
        "key": ["id"],
        "outputs": [{"table": "events", "columns": {"message_id": {"field": "id"}}}],
    }
)


def kinds(known: Any, seen: Any) -> dict[str, tuple[str, str | None]]:
    return {change.field: (change.kind, change.renamed) for change in compare_shapes(known, seen)}


def always(**types: str) -> dict[str, FieldShape]:
    return {name: FieldShape(kind, True) for name, kind in types.items()}


def test_the_shape_of_json_records_is_read_in_one_pass(spark) -> None:
    records: list[Any] = [
        {"id": 1, "price": 2, "items": [{"sku": "a", "n": 1}], "customer": {"name": "x"}, "note": None},
        {"id": 2, "price": 2.5, "items": [], "customer": {"name": "x", "vip`s": True}, "extra": "e"},
    ]
    texts = [*(json.dumps(r).encode() for r in records), b"no json", b"\xff", b"[1]"]
    rows = [(f"f:{n}", "shop", "f", n, text, NIGHT) for n, text in enumerate(texts, 1)]
    rows += [("g:1", "crm", "g", 1, b"1,2", NIGHT)]
    files = look_at_files(spark.createDataFrame(rows, LANDED_DDL), ["shop"])
    assert {name: file.n_records for name, file in files.items()} == {"f": 5, "g": 1}
    assert files["g"].shape == {}
    assert files["f"].shape == {
        "id": FieldShape("integer", True),
        "price": FieldShape("number", True),
        "items": FieldShape("list", True),
        "items[].sku": FieldShape("string"),
        "items[].n": FieldShape("integer"),
        "customer": FieldShape("object", True),
        "customer.name": FieldShape("string"),
        "note": FieldShape("null", False),
        "extra": FieldShape("string", False),
    }


def test_names_that_are_data_are_no_fields() -> None:
    many = ", ".join(f"s{n}: BIGINT" for n in range(101))
    shape = shape_of_schema(f"OBJECT<`ana@x.com`: OBJECT<a: BIGINT>, `2026-01-01`: BIGINT, stock: OBJECT<{many}>>", [])
    assert shape.keys() == {"stock"}


def test_what_is_nested_deep_is_not_listed_to_its_bottom() -> None:
    shape = shape_of_schema("OBJECT<a: " + "OBJECT<`>x`: ARRAY<" * 400 + "BIGINT" + ">>" * 400 + ", b: BIGINT>", [])
    assert len(shape) < 60 and shape["b"].type == "integer"


def test_names_are_not_paired_where_thousands_came_and_went() -> None:
    known, seen = ({f"{word}{n}": FieldShape("string", True) for n in range(3_000)} for word in ("old", "new"))
    changes = compare_shapes(known, seen)
    assert len(changes) == 6_000 and not any(change.renamed for change in changes)


def test_each_change_is_seen_once() -> None:
    known = always(id="integer", e_mail="string", price="integer", gone="boolean", empty="null")
    seen = {**always(id="integer", email="string", price="string", empty="boolean"), "x.y": FieldShape("string")}
    assert kinds(known, seen) == {
        "e_mail": ("missing", "email"),
        "email": ("new", "e_mail"),
        "gone": ("missing", None),
        "price": ("type_changed", None),
        "x.y": ("new", None),
    }
    assert kinds(always(a="string"), always(b="string")) == {"a": ("missing", "b"), "b": ("new", "a")}
    assert kinds(always(a="number"), {"a": FieldShape("integer", False)}) == {"a": ("sometimes_missing", None)}
    assert kinds({"a": FieldShape("string", False)}, always(b="string")) == {"b": ("new", None)}
    assert kinds({}, always(a="string")) == {"a": ("first", None)}
    assert kinds(seen, seen) == {}


def test_rows_of_the_table_are_the_shape_that_the_next_night_knows() -> None:
    deliveries = [
        Delivery("crm", NIGHT, shape_of_header(["id", "name", "phone"])),
        Delivery("crm", date(2026, 1, 6), shape_of_header(["id", "name", "tel"])),
        Delivery("web", NIGHT, {}),
    ]
    rows: list[Any] = []
    for number, expected in enumerate(([("id", "first"), ("name", "first"), ("phone", "first")],
                                       [("phone", "missing"), ("tel", "new")], [])):  # fmt: skip
        found = find_schema_changes(deliveries[min(number, 1) :][:1], known_shapes(rows), {"crm": MAPPING})
        assert [(r["field"], r["kind"]) for r in found] == expected
        assert all(r["is_mapped"] == (r["field"] == "id") for r in found)
        rows += [SimpleNamespace(**row) for row in found]
    both = unite_shapes([d.shape for d in deliveries[:2]])
    assert {p for p, field in both.items() if not field.is_always} == {"phone", "tel"}
