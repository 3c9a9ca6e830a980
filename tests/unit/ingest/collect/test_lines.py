"""A message becomes a line, and its own bytes can be had back from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.ingest.collect.lines import as_time, lay_over, make_line, original_message
from cdp.ingest.collect.messages import UnreadableError, is_json, read_batch, read_message, read_messages
from cdp.ingest.collect.segment import batch_lines, call_line, pixel_message

NOW = as_time(datetime(2026, 1, 4, 10, 0, 0, 7999, UTC))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=6).filter(lambda k: k not in ("receivedAt", "collector")), values)


def dumped(value: Any, indent: int | None, ascii_only: bool) -> bytes:
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")


@given(objects, st.sampled_from([None, 0, 2]), st.booleans(), st.sampled_from([b"", b"\n", b" \r\n", b"\t"]))
def test_the_message_comes_back_from_its_line_byte_for_byte(
    message: dict[str, Any], indent: int | None, ascii_only: bool, around: bytes
) -> None:
    raw = around + dumped(message, indent, ascii_only) + around
    content = read_message(raw).content
    line = make_line(raw, content, received_at=NOW, added={"type": b'"track"'}, about={"path": "/é"})
    assert line.endswith(b"\n")
    assert b"\n" not in line[:-1]
    assert original_message(line) == raw
    read = json.loads(line)
    about = read.pop("collector")
    assert read == {**json.loads(raw), "type": "track", "receivedAt": "2026-01-04T10:00:00.007Z"}
    assert about["path"] == "/é"


@given(st.lists(values, max_size=5), st.sampled_from([None, 1]))
def test_a_batch_falls_apart_into_its_own_bytes(messages: list[Any], indent: int | None) -> None:
    body = dumped({"writeKey": "key-0001", "batch": messages, "sentAt": "2026-01-01"}, indent, True)
    batch = read_batch(body)
    assert [json.loads(m.raw) for m in batch.messages] == messages
    assert all(m.raw in body for m in batch.messages)
    assert (batch.write_key, batch.shared) == ("key-0001", {"sentAt": b'"2026-01-01"'})
    lines = batch_lines(batch, received_at=NOW, about={}).splitlines(keepends=True)
    assert [original_message(line) for line in lines] == [m.raw for m in batch.messages]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":"half an emoji \\ud83d"}',
        b'{"a":"\xff no UTF-8"}',
        b'{"a":NaN,"b":-Infinity}',
        b'{"a":"line\nbreak and tab\t"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1,"a":2,"receivedAt":"2001","collector":{"raw":"AAAA"}}',
        b"{}",
        b"{ }",
    ],
)
def test_what_a_strict_reader_would_refuse_is_kept(raw: bytes) -> None:
    line = call_line(read_message(raw), "page", received_at=NOW, about={})
    assert original_message(line) == raw
    assert line.count(b"\n") == 1
    batch = read_batch(b'{"batch":[' + raw.removeprefix(b"\xef\xbb\xbf") + b"]}")
    assert batch.messages[0].raw == raw.removeprefix(b"\xef\xbb\xbf")


def test_what_the_collector_adds_wins_over_what_a_message_claims() -> None:
    raw = b'{"type":"identify","receivedAt":"2001-01-01T00:00:00Z","collector":5}'
    read = json.loads(call_line(read_message(raw), "track", received_at=NOW, about={}))
    assert (read["type"], read["receivedAt"]) == ("track", "2026-01-04T10:00:00.007Z")
    assert read["collector"] == {"bytes": len(raw)}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[1", b"[]", b'{"batch":{}}', b'{"batch":5}', b'{"batchs":[]}', b'{"batch":[1 2]}'),
        *(b'{"batch":[]} x', b'{"batch":[1,]}', b'{1:2,"batch":[]}', b'{"batch" []}'),
        *(b'{"batch":' + b"[" * 50_000, "{'batch':[]}".encode("utf-16")),
    ],
)
def test_an_unreadable_batch_is_told_so(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        read_batch(body)


def test_single_messages_are_objects_and_arrays_are_arrays() -> None:
    for body in (b"5", b"[]", b'{"a":1}{', b"null", b'"x"'):
        with pytest.raises(UnreadableError):
            read_message(body)
    assert [m.raw for m in read_messages(b' [ {"a": 1} , 2 ] ')] == [b'{"a": 1}', b"2"]
    assert is_json(b" [1] ")
    assert not is_json(b"[1] 2")


def test_two_arrays_named_batch_are_both_kept() -> None:
    assert [m.raw for m in read_batch(b'{"batch":[1],"batch":[2]}').messages] == [b"1", b"2"]


def test_what_a_batch_says_is_laid_under_each_message() -> None:
    body = b"""{"sentAt": "S", "context": {"app": 1, "ip": "batch"}, "integrations": {"All": false}, "batch": [
        {"context": {"ip": "own", "x": 1.50}}, {"sentAt": "mine", "context": null}, {"context": {}}, 5]}"""
    lines = batch_lines(read_batch(body), received_at=NOW, about={}).splitlines()
    first, second, third, fourth = (json.loads(line) for line in lines)
    assert first["context"] == {"app": 1, "ip": "own", "x": 1.50}
    assert b"1.50" in lines[0].split(b'"sentAt"')[1], "numbers keep their digits"
    assert first["integrations"] == {"All": False}
    assert (first["sentAt"], second["sentAt"]) == ("S", "mine")
    assert second["context"] == third["context"] == {"app": 1, "ip": "batch"}
    assert set(fourth) == {"receivedAt", "collector"}


small = st.dictionaries(st.text(max_size=3), values, max_size=3)


@given(small, small)
def test_laying_over_is_the_union_with_the_inner_one_on_top(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    laid = lay_over(dumped(outer, 1, True), dumped(inner, None, True))
    assert json.loads(laid) == {**outer, **inner}


@given(small, st.lists(small | st.fixed_dictionaries({"context": small}), min_size=1, max_size=3))
def test_every_message_of_a_spread_out_batch_is_one_line(context: dict[str, Any], messages: list[Any]) -> None:
    batch = read_batch(dumped({"batch": messages, "context": context}, 2, True))
    lines = batch_lines(batch, received_at=NOW, about={}).splitlines(keepends=True)
    assert [original_message(line) for line in lines] == [m.raw for m in batch.messages]
    for line, message in zip(lines, messages, strict=True):
        own = message.get("context")
        expected = own if own is not None and not isinstance(own, dict) else {**context, **(own or {})}
        assert json.loads(line)["context"] == expected


@pytest.mark.parametrize("data", ["eyJhIjoifn5-In0", "eyJhIjoifn5+In0=", "eyJhIjoifn5 In0="])
def test_a_pixel_takes_base64_as_mail_programs_mangle_it(data: str) -> None:
    assert pixel_message(data) == b'{"a":"~~~"}'
    with pytest.raises(UnreadableError, match="base64"):
        pixel_message("e")
    with pytest.raises(UnreadableError, match="base64"):
        pixel_message("größe")
