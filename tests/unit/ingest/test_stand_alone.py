"""Files of every kind are judged without a lake: nothing lost, nothing twice, in the order of files and lines."""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from cdp.core.errors import ConfigError
from cdp.verbs.ingest import check_verb, codes_verb, find_source

SOURCE = """
name: till
owner: o
description: d
party: first
format: {format}
{options}
location: till
sample: {{raw: x, expect: {{}}}}
mapping:
  name: till
  description: d
  key: [id]
  required: [id]
  outputs:
    - table: events
      columns:
        message_id: {{field: id}}
        event_type: {{value: track}}
        event_name: {{field: what, required: true}}
        event_at: {{field: at, required: true}}
"""


def message(number: int, **changes: object) -> bytes:
    whole = {"type": "track", "event": "E", "messageId": f"m{number}", "anonymousId": "a", **changes}
    return json.dumps({**whole, "timestamp": "2026-01-04T10:00:00Z"}).encode()


def check(spec: str, files: dict[str, bytes], folder: Path) -> tuple[int, dict, list[dict], list[dict]]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    out = folder / "out of it"
    options = argparse.Namespace(spec=spec, files=[str(folder / name) for name in files], out=str(out))
    code = check_verb(options, Console(quiet=True))
    accepted, refused = (
        [json.loads(line) for line in (out / f"{kind}.jsonl").read_bytes().splitlines()]
        for kind in ("accepted", "refused")
    )
    summary = json.loads((out / "summary.json").read_text())
    assert summary["read"] == summary["accepted"] + summary["duplicates"] + summary["refused"]
    assert (summary["accepted"], summary["refused"]) == (len(accepted), len(refused))
    assert {path.name for path in out.iterdir()} == {"accepted.jsonl", "refused.jsonl", "summary.json"}
    return code, summary, accepted, refused


def test_files_of_messages(spark, tmp_path) -> None:
    lines = [message(1) + b"\r\n", b"\n", message(2) + b"\n", message(1) + b"\n", b"caf\xe9 \x00\n", message(3)[:-5]]
    whole = b"\xef\xbb\xbf" + b"".join(lines)
    files = {
        "a.jsonl": whole,
        "old_mac.jsonl": message(10) + b"\r" + message(11) + b"\r\r" + message(12),
        "b.jsonl.gz": gzip.compress(message(2) + b"\n" + message(20) + b"\n"),
        "c.jsonl.zst": pa.Codec("zstd").compress(message(30) + b"\n", asbytes=True),
        "plain.gz": message(31) + b"\n",
        "cut.jsonl.gz": gzip.compress(whole)[:-9],
        "cut.jsonl.zst": pa.Codec("zstd").compress(whole, asbytes=True)[:-3],
        "document.json": b"[\n " + message(40) + b",\n 5 , " + message(1) + b"\n]\n",
        "pretty.json": json.dumps(json.loads(message(50)), indent=2).encode(),
        "empty.jsonl": b"",
    }
    code, summary, accepted, refused = check("segment", files, tmp_path)
    assert code == 6
    got = [(Path(a["file"]).name, a["line"], a["record"]["message_id"]) for a in accepted]
    assert got == [
        ("a.jsonl", 1, "m1"), ("a.jsonl", 3, "m2"),
        ("old_mac.jsonl", 1, "m10"), ("old_mac.jsonl", 2, "m11"), ("old_mac.jsonl", 4, "m12"),
        ("b.jsonl.gz", 2, "m20"), ("c.jsonl.zst", 1, "m30"),
        ("document.json", 1, "m40"), ("pretty.json", 1, "m50"),
    ]  # fmt: skip
    why = [(Path(r["file"]).name, r["line"], [reason["code"] for reason in r["reasons"]]) for r in refused]
    assert why == [
        ("a.jsonl", 2, ["bad_json"]), ("a.jsonl", 5, ["bad_encoding"]), ("a.jsonl", 6, ["bad_json"]),
        ("old_mac.jsonl", 3, ["bad_json"]),
        ("plain.gz", 0, ["bad_file"]), ("cut.jsonl.gz", 0, ["bad_file"]), ("cut.jsonl.zst", 0, ["bad_file"]),
        ("document.json", 2, ["bad_json"]),
    ]  # fmt: skip
    assert refused[1]["raw"].encode("utf-8", "surrogateescape") == lines[4]
    assert [file["duplicates"] for file in summary["files"]] == [1, 0, 1, 0, 0, 0, 0, 1, 0, 0]
    assert summary["codes"] == {"bad_file": 3, "bad_json": 4, "bad_encoding": 1}
    assert accepted[0]["record"]["event_at"] == "2026-01-04T10:00:00.000000Z"


def test_one_file_for_a_source_and_its_mapping(spark, tmp_path) -> None:
    spec = tmp_path / "till.yaml"
    options = 'csv: {delimiter: ";", encoding: iso-8859-1}\nmax_record_bytes: 100'
    spec.write_text(SOURCE.format(format="csv", options=options))
    rows = [
        "id;what;at", '1;"caf\xe9; two\r\nlines";2026-01-04T10:00:00Z', "2;b", "3;;2026-01-04", "", '1;x;2026-01-04',
        '4;"open;2026-01-04', "5;" + "x" * 100, "6;" + "x" * 100 + ";soon",
    ]  # fmt: skip
    code, summary, accepted, refused = check(str(spec), {"t.csv": "\r\n".join(rows).encode("latin-1")}, tmp_path)
    assert code == 0 and summary["duplicates"] == 1
    assert [(a["line"], a["record"]["event_name"]) for a in accepted] == [(1, "caf\xe9; two\r\nlines")]
    assert [(r["line"], [(x["field"], x["code"]) for x in r["reasons"]]) for r in refused] == [
        (2, [("", "wrong_columns")]),
        (3, [("what", "missing")]),
        (4, [("", "wrong_columns")]),
        (6, [("", "wrong_columns")]),
        (7, [("", "too_large"), ("", "wrong_columns")]),
        (8, [("", "too_large"), ("at", "bad_time")]),
    ]


def test_batches_of_cloudevents_keep_their_line(spark, tmp_path) -> None:
    def event(number: int) -> str:
        return json.dumps({"specversion": "1.0", "id": str(number), "source": "/s", "type": "t"})

    lines = [f"[{event(1)}, {event(2)}]", event(3), f"[{event(1)}]", "[]", f"[{event(4)}", "y" * 20_000_000]
    data = "\n".join([*lines, ""]).encode()
    _, summary, accepted, refused = check("cloudevents", {"events.jsonl": data}, tmp_path)
    assert [(a["line"], a["record"]["message_id"]) for a in accepted] == [(1, "1"), (1, "2"), (2, "3")]
    assert summary["duplicates"] == 1 and [r["line"] for r in refused] == [4, 5, 6]
    assert [reason["code"] for reason in refused[-1]["reasons"]] == ["too_large"]  # it is not looked into


def test_what_cannot_be_checked_is_said(tmp_path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'segment'"):
        find_source("segmnt")
    with pytest.raises(ConfigError, match="no such file"):
        find_source(str(tmp_path / "none.yaml"))
    (tmp_path / "s.yaml").write_text(SOURCE.format(format="jsonl", options="colour: red"))
    with pytest.raises(ConfigError, match="unknown key 'colour'"):
        find_source(str(tmp_path / "s.yaml"))
    options = argparse.Namespace(spec="segment", files=[str(tmp_path / "none")], out=str(tmp_path))
    with pytest.raises(ConfigError, match="no file"):
        check_verb(options, Console(quiet=True))


def test_every_code_is_listed(capsys) -> None:
    from cdp.ingest.codes import REFUSAL_CODES

    console = Console(record=True, width=200)
    codes_verb(argparse.Namespace(), console)
    text = console.export_text()
    assert all(f"{code} " in text for code in REFUSAL_CODES)
