"""When a licence is over: which deliveries must go from the lake, and when the next ones will.

The time of a licence begins with the delivery: what came in it goes as a whole, from bronze, from silver and from the
refused records. A record that a later delivery brought again stays by that one's right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp.contracts.model import TableContract
from cdp.contracts.ops.files import FILES
from cdp.ingest.ledger import LedgerFile
from cdp.ingest.spec import SourceSpec


@dataclass(frozen=True)
class Expired:
    """What must go of one source, and the files that held some of it a second time: they are decided on again."""

    source: SourceSpec
    files: tuple[LedgerFile, ...]
    to_decide_again: tuple[str, ...]


def find_expired(ledger: Sequence[LedgerFile], sources: Mapping[str, SourceSpec], run_date: date) -> list[Expired]:
    """The decided files whose time is up, source by source; one that is not decided on yet goes the night after."""
    found = []
    for name, source in sorted(sources.items()):
        kept = _kept(ledger, name)
        files = tuple(f for f in kept if f.state == "accepted" and source.is_over(f.delivered_on, run_date))
        if files:
            gone = {f.file_id for f in files}
            again = (f.file_id for f in kept if f.rows_duplicate and f.file_id not in gone)
            found.append(Expired(source, files, tuple(sorted(again))))
    return found


def next_expiry(ledger: Sequence[LedgerFile], sources: Mapping[str, SourceSpec]) -> date:
    """The first night on which :func:`find_expired` finds more; ``date.max`` if it never will."""
    days = {name: source.retention_days for name, source in sources.items() if source.retention_days}
    nights = (f.delivered_on + timedelta(days=n + 1) for name, n in days.items() for f in _kept(ledger, name))
    return min(nights, default=date.max)


def _kept(ledger: Iterable[LedgerFile], source: str) -> list[LedgerFile]:
    mine = [file for file in ledger if file.source == source]
    gone = {file.file_id for file in mine if file.state == "expired"}
    return sorted((f for f in mine if f.file_id not in gone), key=lambda f: (f.delivered_on, f.file_id, f.state))


def begun_expiries(expiries: DataFrame, files: DataFrame) -> set[date]:
    """The run dates of expiries that a killed run began: written down since the last files were noted as gone."""
    gone = files.where("state = 'expired'").agg(F.max("accepted_at").alias("last_at"))
    begun = expiries.join(F.broadcast(gone), on=F.lit(True)).where("last_at IS NULL OR erased_at > last_at")
    return {row.expired_on for row in begun.select("expired_on").distinct().collect()}


def condition_of(table: TableContract, source: str, file_ids: Iterable[str]) -> str:
    """Which rows of a table came from those files, as SQL: it stands in Delta's log, and names nobody."""
    file = "file_id" if "file_id" in table.column_names else "substring_index(landed_id, ':', 1)"
    return f"source = '{source}' AND {file} IN ({', '.join(repr(file_id) for file_id in sorted(file_ids))})"


def expired_frame(files: DataFrame, gone: Mapping[str, str], stamp: Mapping[str, object]) -> DataFrame:
    """The ops.files rows that say of decided files that they are gone, with their counts; `gone`: file_id -> why."""
    reasons = F.create_map(*(F.lit(text) for pair in sorted(gone.items()) for text in pair))
    accepted = files.where((F.col("state") == "accepted") & F.col("file_id").isin(*gone))
    told = {"state": F.lit("expired"), "reason": reasons[F.col("file_id")]}
    return accepted.withColumns({**told, **{n: F.lit(v) for n, v in stamp.items()}}).select(*FILES.column_names)
