"""What lost or was said before stays readable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from cdp.profiles.statements import other_statements


def version(record_id: str, day: int, **values: Any) -> dict[str, Any]:
    source = record_id.partition(":")[0]
    return {"record_id": record_id, "source": source, "valid_from": datetime(2026, 1, day, tzinfo=UTC), **values}


def test_values_that_were_not_chosen_by_attribute_and_newest_first() -> None:
    profile = {"city": "York", "birth_date": date(1980, 3, 7), "attributes": '{"pet":"cat"}', "n_records": 3}
    versions = [
        version("crm:1", 9, city="YORK ", attributes='{"pet":"cat"}'),
        version("crm:1", 5, city="Hull", birth_date=date(1980, 3, 7), attributes='{"pet":"dog"}'),
        version("crm:1", 4, city="Hull", attributes=None),
        version("web:1", 7, city="Bath", birth_date=date(1980, 7, 3), given_name=""),
    ]
    found = [
        (o["attribute"], o["value"], o["record_id"], o["valid_from"].day) for o in other_statements(versions, profile)
    ]
    assert found == [
        ("attributes.pet", "dog", "crm:1", 5),
        ("birth_date", date(1980, 7, 3), "web:1", 7),
        ("city", "Bath", "web:1", 7),
        ("city", "Hull", "crm:1", 5),
    ]
    assert other_statements(versions[::-1], profile) == other_statements(versions, profile)
    assert other_statements([], {}) == []
