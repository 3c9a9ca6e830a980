"""A record that a whole load no longer has is deleted; one that may be there is not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.ingest.missing_rows import deleted_versions

NIGHTS = [date(2026, 1, day) for day in (5, 6)]
VERSION = "record_id STRING, source STRING, file_id STRING, delivered_on DATE, status STRING"


def at(day: int, hour: int = 10) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


def version(source: str, number: int, valid_from: datetime, **more: Any) -> dict[str, Any]:
    base = {"record_id": f"{source}:{number}", "source": source, "source_record_id": str(number), "landed_id": "f:1"}
    return {**base, "valid_from": valid_from, "change_no": "", "identifiers": [], "email": "a@x.com", **more}


def test_the_newest_whole_load_says_who_is_gone(spark, rows) -> None:
    known = [
        version("crm", 1, at(1)),
        version("crm", 2, at(1)),
        version("crm", 3, at(6, 20)),  # changed after the midnight that the load is dated by
        version("crm", 4, at(1)),
        version("crm", 4, at(2), is_deleted=True),
        version("erp", 1, at(1)),
        version("web", 1, at(1)),
    ]
    landed = [
        ("crm:1", "crm", "b2", NIGHTS[1], "duplicate"),
        ("crm:2", "crm", "b1", NIGHTS[0], "duplicate"),  # an older load that was not decided on before
        ("crm:5", "crm", "b1", NIGHTS[0], "accepted"),
        ("erp:2", "erp", "b3", NIGHTS[1], "refused"),
    ]
    new = {"crm:5": [version("crm", 5, at(4))]}
    shape = rows(CUSTOMER_RECORDS, []).schema
    frame = spark.createDataFrame(
        [(*line, [tuple(v.get(n) for n in CUSTOMER_RECORDS.column_names) for v in new.get(line[0], [])])
         for line in landed],
        f"{VERSION}, customer_records ARRAY<{shape.simpleString()}>",
    )  # fmt: skip
    ended = deleted_versions(frame, ["crm", "erp"], rows(CUSTOMER_RECORDS, known)).collect()
    found = {r.record_id: (r.valid_from.replace(tzinfo=UTC), r.is_deleted, r.change_no, r.landed_id) for r in ended}
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    assert found == {
        "crm:2": (midnight, True, "deleted", "b2"),
        "crm:3": (at(6, 20), True, "deleted", "b2"),
        "crm:5": (midnight, True, "deleted", "b2"),
    }
    assert "email" not in ended[0].asDict()
