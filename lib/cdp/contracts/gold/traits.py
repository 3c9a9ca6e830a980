"""gold.traits: one wide row of computed traits per person.

The columns come from the files of conf/traits, so this is the part that is always there; the whole contract is
``cdp.traits.contract.traits_contract(specs)``.
"""

from __future__ import annotations

from cdp.contracts.columns import PERSON_ID
from cdp.contracts.model import Column, TableContract

TRAITS = TableContract(
    layer="gold",
    name="traits",
    doc="Computed traits of one person, one column per file of conf/traits.",
    key=("person_id",),
    mode="replace",
    is_derived=True,
    subject="person_id",
    erase="rebuild",
    columns=(
        PERSON_ID,
        Column("as_of", "DATE", "Computed from what had happened before this day began.", nullable=False),
    ),
)
