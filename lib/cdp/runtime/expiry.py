"""Erase from bronze and silver what licences no longer allow to keep, and write down that it was done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from cdp.contracts.bronze.landed_records import LANDED_RECORDS
from cdp.contracts.bronze.refused_records import REFUSED_RECORDS
from cdp.contracts.ops.expiries import EXPIRIES
from cdp.contracts.ops.files import FILES
from cdp.ingest.expiry import Expired, begun_expiries, condition_of, expired_frame, find_expired, next_expiry
from cdp.ingest.ledger import LedgerFile, read_ledger
from cdp.ingest.spec import SourceSpec
from cdp.ingest.targets import SILVER
from cdp.runtime.job import JobContext

#: The tables that hold records of a source.
HELD = (LANDED_RECORDS, REFUSED_RECORDS, *SILVER)


def expire_records(ctx: JobContext, sources: Mapping[str, SourceSpec]) -> list[LedgerFile]:
    """Erase what is due on the run date; gives the ledger as it is then, and says how long nothing else will be due.

    Where nothing is due this is the one small job that reads the ledger. What a killed run began is finished first, as
    of its own run date: its files are still due, and what it wrote down of them must not be counted a second time.
    """
    ledger = read_ledger(ctx.read_previous(FILES))
    if find_expired(ledger, sources, ctx.run_date):
        begun = begun_expiries(ctx.read_previous(EXPIRIES), ctx.read_previous(FILES))
        gone: dict[str, str] = {}
        again: set[str] = set()
        for day in [*sorted(begun - {ctx.run_date}), ctx.run_date]:
            for due in find_expired([file for file in ledger if file.file_id not in gone], sources, day):
                _erase(ctx, due, day)
                again.update(due.to_decide_again)
                gone |= {file.file_id: _reason(due.source) for file in due.files}
        again -= gone.keys()
        if again:
            ctx.erase(FILES, f"state = 'accepted' AND file_id IN ({', '.join(map(repr, sorted(again)))})")
        stamp = {"run_id": ctx.run_id, "accepted_at": ctx.now}
        ctx.write(FILES, expired_frame(ctx.read_previous(FILES), gone, stamp), keys_are_new=True)
        ledger = read_ledger(ctx.read_previous(FILES))
    ctx.holds_until = next_expiry(ledger, sources)
    return ledger


def _erase(ctx: JobContext, due: Expired, day: date) -> None:
    """Erase one source's files from every table; how much it is is written down before, so that no kill can lose it.

    What is written down of a table and a day stays as it is: a run that was killed between the two finds its row.
    """
    source, days = due.source, [file.delivered_on for file in due.files]
    for table in HELD:
        condition = condition_of(table, source.name, {file.file_id for file in due.files})
        held = ctx.count_erasable(table, condition)
        if not held:
            continue
        row = {
            "source": source.name,
            "table_name": table.full_name,
            "expired_on": day,
            "license": source.license,
            "retention_days": source.retention_days,
            "delivered_from": min(days),
            "delivered_to": max(days),
            "n_files": len(due.files),
            "rows_erased": held,
            "run_id": ctx.run_id,
            "erased_at": ctx.now,
        }
        ctx.write(EXPIRIES, ctx.spark.createDataFrame([row], EXPIRIES.schema))
        ctx.erase(table, condition)


def _reason(source: SourceSpec) -> str:
    return f"{source.retention_days} days after its delivery: {source.license or 'as its source file says'}"
