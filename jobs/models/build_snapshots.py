"""Build every person's snapshot as of the run date: the purchase history, and the traits that are features.

Grain: one gold.snapshots row per person who has bought before the run date.
"""

import sys

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.snapshots import add_features, build_snapshots
from cdp.rules.person_records import joined_records
from cdp.runtime.entry import run
from cdp.runtime.job import Job, JobContext
from cdp.traits.contract import snapshots_contract, traits_contract
from cdp.traits.spec import TraitSpec

JOB = Job(name="models.build_snapshots", reads=(ORDER_LINES, PERSON_IDENTIFIERS, TRAITS), writes=(SNAPSHOTS,))


def main(ctx: JobContext) -> None:
    specs = ctx.definitions("traits", TraitSpec)
    records = joined_records(ctx.read(PERSON_IDENTIFIERS), today=ctx.run_date)
    history = build_snapshots(ctx.read(ORDER_LINES), records, as_of_dates=[ctx.run_date])
    contract = snapshots_contract(specs)
    ctx.write(contract, add_features(history, ctx.read(traits_contract(specs)), contract=contract))


if __name__ == "__main__":
    sys.exit(run(JOB, main))
