"""Source and mapping files: what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cdp.core.errors import ConfigError
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, landed_sources

SOURCE: dict[str, Any] = {
    "name": "shop",
    "owner": "o",
    "description": "d",
    "party": "first",
    "format": "csv",
    "location": "shop",
    "mapping": "shop",
    "sample": {"raw": "x", "expect": {}},
}
DATABASE = {"url": "jdbc:postgresql://h/d", "table": "t", "user": {"env": "U"}, "password": {"file": "/p"}}
MAPPING: dict[str, Any] = {
    "name": "shop",
    "description": "d",
    "key": ["id"],
    "outputs": [{"table": "events", "columns": {"message_id": {"field": "id"}}}],
}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"formatt": "csv"}, "Extra inputs are not permitted"),
        ({"party": "third"}, "retention_days from 30 to 90"),
        ({"party": "second", "retention_days": 365}, "retention_days from 30 to 90"),
        ({"location": "../secret"}, "below the input folder"),
        ({"format": "xml"}, "row_tag"),
        ({"format": "jsonl", "csv": {"delimiter": ";"}}, "`csv` options with format jsonl"),
        ({"csv": {"delimiter": '"'}}, "not the quote"),
        ({"csv": {"delimiter": "€", "encoding": "iso-8859-1"}}, "no character of iso-8859-1"),
        ({"csv": {"quote": "«"}}, "a sign of ASCII"),
        ({"format": "kafka", "location": ""}, "format kafka needs"),
        ({"format": "kafka", "kafka": {"servers": "h:1", "topic": "t"}}, "a table or a topic has none"),
        (
            {
                "format": "kafka",
                "location": "",
                "kafka": {"servers": "h:1", "topic": "t", "options": {"ssl.key.password": "x"}},
            },
            "is a secret",
        ),
        ({"change_data": "debezium"}, "formats jsonl and kafka"),
        (
            {"format": "table", "location": "", "database": {**DATABASE, "watermark": "at", "missing_rows": "deleted"}},
            "needs whole loads",
        ),
        (
            {"format": "table", "location": "", "database": {**DATABASE, "user_env": "U"}},
            r"`user_env: NAME` is written `user: \{env: NAME\}`",
        ),
        (
            {"format": "kafka", "location": "", "kafka": {"servers": "h:1", "topic": "t", "secrets": {"ssl.key": "K"}}},
            r"`ssl.key: NAME` is written `ssl.key: \{env: NAME\}`",
        ),
        ({"arrival_lag": "soon"}, "a whole number and a unit"),
    ],
)
def test_a_source_that_cannot_be_is_refused(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        SourceSpec.model_validate({**SOURCE, **changes})


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"when": "true"}, "the first output is the main one"),
        ({"columns": {"message_id": {"field": "id", "sql": "id"}}}, "exactly one of"),
        ({"columns": {"message_id": {"main": "event_id"}}}, "cannot refer to the first output"),
        ({"columns": {"message_id": {"field": "a.`b`"}}}, "dotted path"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(output: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        MappingSpec.model_validate({**MAPPING, "outputs": [{**MAPPING["outputs"][0], **output}]})


def test_a_good_source_gives_its_lag_as_a_duration() -> None:
    lag = SourceSpec.model_validate({**SOURCE, "arrival_lag": "2h"}).lag()
    assert lag is not None and lag.total_seconds() == 7200


def test_a_source_that_is_gone_before_its_files_are_decided_on_is_named() -> None:
    with pytest.raises(ConfigError, match=r"conf/sources/kiosk\.yaml is missing, and files of that source are landed"):
        landed_sources({}, {"kiosk"})
