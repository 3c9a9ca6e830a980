"""What a configuration brings: definitions, checked before anything runs, and the contracts that they make."""

from __future__ import annotations

from cdp.activation.destinations import destination_model
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.find import all_contracts
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.model import TableContract
from cdp.identity.rules import IdentityRules
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, chosen_sources
from cdp.profiles.survivorship import SurvivorshipPolicy
from cdp.rules.definitions import load_definitions
from cdp.runtime.config import Configuration
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec


def table_contracts(configuration: Configuration) -> dict[str, TableContract]:
    """``layer.name`` -> contract, whole."""
    specs = load_definitions(configuration.definition_folders("traits"), TraitSpec)
    return {**all_contracts(), TRAITS.full_name: traits_contract(specs)}


def check_definitions(configuration: Configuration) -> None:
    """Read every definition file; :class:`ConfigError` for the first that is wrong. Takes no Spark session."""
    kinds = {
        "sources": SourceSpec,
        "mappings": MappingSpec,
        "identity": IdentityRules,
        "survivorship": SurvivorshipPolicy,
        "traits": TraitSpec,
        "audiences": AudienceSpec,
        "destinations": destination_model(),
    }
    found = {kind: load_definitions(configuration.definition_folders(kind), model) for kind, model in kinds.items()}
    chosen_sources(found["sources"], configuration.settings.sources)
