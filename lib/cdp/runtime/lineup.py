"""What a configuration brings: definitions, checked before anything runs, and the contracts that they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from cdp.activation.destinations import destination_model
from cdp.activation.plan import check_columns
from cdp.audiences.evaluate import check_specs as check_audiences
from cdp.audiences.facts import empty_facts, score_columns
from cdp.audiences.spec import AudienceSpec
from cdp.contracts.find import all_contracts
from cdp.contracts.gold.profiles import PROFILES
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.gold.traits import TRAITS
from cdp.contracts.model import TableContract
from cdp.identity.rules import IdentityRules
from cdp.ingest.mapping_spec import MappingSpec
from cdp.ingest.spec import SourceSpec, chosen_sources
from cdp.models.actions.plans import NightlyPlan, check_plans
from cdp.models.attribution.spec import AttributionSpec, check_attributions
from cdp.models.declared.spec import PropensitySpec
from cdp.models.declared.spec import check_specs as check_models
from cdp.models.recommendation.spec import ListSpec
from cdp.profiles.survivorship import SurvivorshipPolicy
from cdp.rules.definitions import load_definitions
from cdp.rules.measure_checks import check_measures
from cdp.runtime.config import Configuration
from cdp.traits.contract import check_specs as check_traits
from cdp.traits.contract import snapshots_contract, traits_contract
from cdp.traits.spec import TraitSpec, features_of

Definitions = Mapping[str, Mapping[str, Any]]
"""Kind (a folder of conf/) -> name -> definition."""


def table_contracts(configuration: Configuration) -> dict[str, TableContract]:
    """``layer.name`` -> contract, whole."""
    specs = load_definitions(configuration.definition_folders("traits"), TraitSpec)
    made = {TRAITS.full_name: traits_contract(specs), SNAPSHOTS.full_name: snapshots_contract(specs)}
    return {**all_contracts(), **made}


def check_definitions(configuration: Configuration) -> Definitions:
    """Read every definition file; :class:`ConfigError` for the first that is wrong. Takes no Spark session."""
    kinds = {
        "sources": SourceSpec,
        "mappings": MappingSpec,
        "identity": IdentityRules,
        "survivorship": SurvivorshipPolicy,
        "traits": TraitSpec,
        "models": PropensitySpec,
        "audiences": AudienceSpec,
        "actions": NightlyPlan,
        "recommendations": ListSpec,
        "attribution": AttributionSpec,
        "destinations": destination_model(),
    }
    found = {kind: load_definitions(configuration.definition_folders(kind), model) for kind, model in kinds.items()}
    chosen_sources(found["sources"], configuration.settings.sources)
    check_models(found["models"], features=features_of(found["traits"]), sources=found["sources"])
    groups = {
        "profile": PROFILES.column_names,
        "trait": traits_contract(found["traits"]).column_names,
        "prediction": score_columns(found["models"]),
    }
    check_columns(found["destinations"], groups=groups)
    return found


def check_expressions(spark: SparkSession, found: Definitions) -> None:
    """Let Spark analyse every trait, label and audience; :class:`ConfigError` for the first that is wrong.

    ``found`` is what :func:`check_definitions` read. Before a job runs, not when its turn comes: a misspelt column is
    told at once, not after an hour of landing.
    """
    check_traits(spark, found["traits"])
    check_measures(spark, {f"conf/models/{name}.yaml: label": spec.outcome for name, spec in found["models"].items()})
    check_attributions(spark, found["attribution"])
    of_traits, destinations = traits_contract(found["traits"]), list(found["destinations"])
    if found["actions"]:
        check_plans(found["actions"], empty_facts(spark, of_traits, found["models"]).schema)
    check_audiences(
        spark, found["audiences"], traits_contract=of_traits, destinations=destinations, declared=found["models"]
    )
