"""Link records to identifiers and to each other, leaving out what would tie different people together.

Grain: one silver.identity_links row per (record, identifier) and per matched or decided pair of records; one
silver.generic_values row per demoted value; one ops.identity_measures row per measure of the night. What the next
night needs to score only new and changed records is left in silver.link_model and silver.scored_records.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from cdp.contracts.ops.identity_measures import IDENTITY_MEASURES
from cdp.contracts.ops.identity_overrides import IDENTITY_OVERRIDES
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identifiers import IDENTIFIERS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.contracts.silver.link_model import LINK_MODEL
from cdp.contracts.silver.scored_records import SCORED_RECORDS
from cdp.identity.decisions import decisions_in_force
from cdp.identity.generic import find_generic_values
from cdp.identity.links import declare_links
from cdp.identity.measures import measure_people
from cdp.identity.memory import Memory, made_of
from cdp.identity.record_matches import Matches, beyond_the_driver, match_records, remember
from cdp.identity.rules import IdentityRules
from cdp.identity.settle import Settled, settle_links
from cdp.runtime.bundle import code_hash
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.link_records",
    reads=(IDENTIFIERS, CUSTOMER_RECORDS, IDENTITY_OVERRIDES),
    reads_previous=(LINK_MODEL, SCORED_RECORDS),
    writes=(GENERIC_VALUES, IDENTITY_LINKS, IDENTITY_MEASURES, LINK_MODEL, SCORED_RECORDS),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    rules = ctx.definition("identity", "rules", IdentityRules)
    identifiers, customers = ctx.read(IDENTIFIERS), ctx.read(CUSTOMER_RECORDS)
    decisions = decisions_in_force(ctx.read(IDENTITY_OVERRIDES).collect())
    limit = ctx.settings.identity_driver_edge_limit
    too_many = beyond_the_driver(customers, identifiers, link_limit=limit)
    if too_many:
        ctx.report_problem(too_many)
    memory = Memory(made_of(code_hash(), rules), ctx.settings.person_id_key, ctx.read_previous(LINK_MODEL),
                    ctx.read_previous(SCORED_RECORDS))  # fmt: skip
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Matching is Python's work on the driver, what records declare is Spark's: neither needs the other.
        matching = (
            None
            if too_many
            else beside.submit(match_records, customers, rules=rules, decisions=decisions, memory=memory)
        )
        generic = ctx.keep(find_generic_values(identifiers, customers, rules=rules))
        ctx.write(GENERIC_VALUES, generic)
        declared = ctx.keep(declare_links(identifiers, generic, rules=rules))
        found = matching.result() if matching else None
        settled = settle_links(declared, found, decisions, rules.policy, driver_edge_limit=limit if too_many else None)
        # A killed run may have written any of them: run again it scores the same records alike and writes the rest.
        told = beside.submit(_write_told, ctx, found, settled, memory)
        ctx.write(IDENTITY_LINKS, settled.links)
        told.result()


def _write_told(ctx: JobContext, found: Matches | None, settled: Settled, memory: Memory) -> None:
    """Write the night's measures, and what is left to the next night."""
    measures = measure_people(found, settled.refused, ctx.run_date)
    if measures.num_rows:
        ctx.write(IDENTITY_MEASURES, ctx.spark.createDataFrame(measures))
    for contract, rows in remember(found, memory.made_of).items():
        if rows.num_rows or ctx.version(contract) >= 0:
            ctx.write(contract, ctx.spark.createDataFrame(rows))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
