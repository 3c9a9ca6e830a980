"""`cdp show person`: gather one person's rows from the lake and print them."""

from __future__ import annotations

from cdp.contracts.gold.account_members import ACCOUNT_MEMBERS
from cdp.contracts.gold.accounts import ACCOUNTS
from cdp.contracts.gold.audience_members import AUDIENCE_MEMBERS
from cdp.contracts.gold.household_members import HOUSEHOLD_MEMBERS
from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.contracts.silver.consents import CONSENTS
from cdp.contracts.silver.customer_records import CUSTOMER_RECORDS
from cdp.contracts.silver.events import EVENTS
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.profiles.render import render_person
from cdp.profiles.show import describe_person
from cdp.rules.definitions import load_definitions
from cdp.runtime.config import Configuration
from cdp.tables.store import Lake, missing_table_error
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec


def show_person(lake: Lake, configuration: Configuration, asked: str, *, color: bool = False) -> str:
    """Text about the person whom an id or identifier leads to; errors as in ``describe_person``."""
    if lake.version(PEOPLE) < 0:
        raise missing_table_error(PEOPLE, "identity.resolve_people")
    traits = traits_contract(load_definitions(configuration.definition_folders("traits"), TraitSpec))
    has_accounts = lake.version(ACCOUNTS) >= 0
    description = describe_person(
        asked,
        people=lake.read(PEOPLE),
        person_identifiers=lake.read(PERSON_IDENTIFIERS),
        identity_links=lake.read(IDENTITY_LINKS),
        profiles=lake.read(PROFILES),
        customer_records=lake.read(CUSTOMER_RECORDS),
        events=lake.read(EVENTS),
        order_lines=lake.read(ORDER_LINES),
        consents=lake.read(CONSENTS),
        traits=lake.read(traits),
        predictions=lake.read(PREDICTIONS),
        audience_members=lake.read(AUDIENCE_MEMBERS),
        history=lake.read(IDENTITY_HISTORY),
        accounts=lake.read(ACCOUNTS) if has_accounts else None,
        account_members=lake.read(ACCOUNT_MEMBERS) if has_accounts else None,
        household_members=lake.read(HOUSEHOLD_MEMBERS) if lake.version(HOUSEHOLD_MEMBERS) >= 0 else None,
    )
    return render_person(description, color=color)
