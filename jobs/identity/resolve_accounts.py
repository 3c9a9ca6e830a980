"""Resolve people into the company accounts that they belong to, where a source tells of companies at all.

Grain: one gold.accounts row per company, one gold.account_members row per person of one.
"""

import sys

from cdp.contracts.gold.account_members import ACCOUNT_MEMBERS
from cdp.contracts.gold.accounts import ACCOUNTS
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.identity.accounts import resolve_accounts, told_of_accounts
from cdp.identity.rules import IdentityRules
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, chosen_sources, stated_of_people
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext

JOB = Job(
    name="identity.resolve_accounts",
    reads=(CUSTOMER_RECORDS, PERSON_IDENTIFIERS),
    reads_previous=(ACCOUNTS,),
    writes=(ACCOUNTS, ACCOUNT_MEMBERS),
    follows_date=False,
)


def main(ctx: JobContext) -> None:
    rules = ctx.definition("identity", "rules", IdentityRules).accounts
    sources = chosen_sources(ctx.definitions("sources", SourceSpec), ctx.settings.sources)
    stated = stated_of_people(sources.values(), ctx.definitions("mappings", MappingSpec))
    if stated.isdisjoint((*rules.names, "account_id")) and ctx.version(ACCOUNTS) < 0:
        return  # private customers only: no table, and nothing for Spark to do
    told = told_of_accounts(ctx.read(CUSTOMER_RECORDS), ctx.read(PERSON_IDENTIFIERS), rules)
    limit = ctx.settings.identity_driver_edge_limit
    rows = told.limit(limit + 1).toArrow()
    if rows.num_rows > limit:
        ctx.report_problem(f"identity: people tell of companies in more rows than {limit:,} "
                           "(identity_driver_edge_limit): gold.accounts stays as it was")  # fmt: skip
        return
    previous = ctx.read_previous(ACCOUNTS).select("account_id", "told_by").toArrow()
    tables = resolve_accounts(rows, previous, ctx.settings.person_id_key)
    ctx.write(ACCOUNT_MEMBERS, ctx.spark.createDataFrame(tables.members))
    ctx.write(ACCOUNTS, ctx.spark.createDataFrame(tables.accounts))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
