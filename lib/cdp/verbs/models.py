"""``cdp models``: the registered versions, which one scores, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from cdp.core.account import account_name
from cdp.runtime.entry import configuration_of, open_lake
from cdp.verbs.parser import Verbs, add_verb

if TYPE_CHECKING:
    from cdp.models.promotion import Asker, Attempt
    from cdp.models.tracking import Tracking
    from cdp.tables.store import Lake

#: Of some eighty metrics those that one compares first: ranking, calibration and level, on later periods.
_MAIN_METRICS = ("churn_auc", "churn_ece", "purchases_bias", "spend_bias", "auc", "ndcg_at_10_all", "ndcg_at_10_new",
                 "calibration_error")  # fmt: skip
_COMPARED = ("churn_auc", "churn_brier", "churn_ece", "purchases_rmse", "purchases_gini", "purchases_bias",
             "spend_rmse", "spend_gini", "spend_bias", "spend_coverage", "auc", "brier", "log_loss",
             "ndcg_at_10_all", "ndcg_at_10_new", "recall_at_10_all", "recall_at_10_new", "calibration_error",
             "bias")  # fmt: skip
_MOST_FEATURES = 8


def add(verbs: Verbs) -> None:
    models = verbs.add_parser("models", help="list, compare and explain registered models, promote one, or roll back")
    acts = models.add_subparsers(title="what to do", metavar="ACT", required=True)
    add_verb(acts, "list", list_models_verb, "list every registered version: aliases, training date, main metrics")
    compare = add_verb(acts, "compare", compare_verb, "metrics of two versions side by side, and the gain")
    _add_model(compare)
    compare.add_argument("version", nargs="?", default="challenger", help="number or alias (default: challenger)")
    compare.add_argument("other", nargs="?", default="champion", help="number or alias (default: champion)")
    promote = add_verb(acts, "promote", promote_verb, "make a version the champion, once it has proved that it scores")
    _add_model(promote)
    promote.add_argument("version", help="number or alias, e.g. challenger")
    promote.add_argument("--reason", required=True, metavar="TEXT", help="why; kept with the version")
    rollback = add_verb(acts, "rollback", rollback_verb, "give the alias champion back to the version before")
    _add_model(rollback)
    explain = add_verb(acts, "explain", explain_verb, "the card and the features of a version, or a person's reasons")
    _add_model(explain)
    explain.add_argument("version", nargs="?", default="champion", help="number or alias (default: champion)")
    explain.add_argument(
        "--person", metavar="ID", help="instead: this person's newest score or list of the model, and why"
    )


def list_models_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models list``: what is in the registry, and which version scores."""
    from cdp.models.versions import list_versions

    tracking = _find_tracking(options)
    versions = list_versions(tracking) if tracking else []
    if not versions:
        console.print(_nothing_yet(options), highlight=False, markup=False)
    widest = max((len(v.name) for v in versions), default=0)
    for v in versions:
        metrics = "  ".join(f"{name} {v.metrics[name]:.3f}" for name in _MAIN_METRICS if name in v.metrics)
        aliases = ", ".join(v.aliases) or "-"
        line = f"{v.name:<{widest}} {v.version:>3}  {aliases:<10} trained as of {v.as_of}  {metrics}"
        console.print(line + (f"\n    {v.reason}" if v.reason else ""), highlight=False, markup=False)
    return 0


def compare_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models compare MODEL [VERSION [OTHER]]``."""
    from rich.table import Table

    from cdp.models.versions import compare_versions, find_version

    tracking = _open_tracking(options)
    ours, theirs = (find_version(tracking, options.model, asked) for asked in (options.version, options.other))
    table = Table("later periods, mean (sd)", f"version {ours.version}", f"version {theirs.version}")
    for name in _COMPARED:
        cells = [
            f"{v.metrics[name]:.4f} ({v.metrics.get(f'{name}_sd', 0.0):.4f})" if name in v.metrics else ""
            for v in (ours, theirs)
        ]
        if any(cells):
            table.add_row(name, *cells)
    console.print(table)
    gains = compare_versions(ours, theirs)
    for name, gain in gains.items():
        told = f"{gain.mean:+.2%} ({gain.low:+.2%} to {gain.high:+.2%})"
        text = f"{name}: gain of version {ours.version} over {theirs.version} {told}"
        console.print(text, highlight=False)
    if not gains:
        console.print("no gain can be told: the two were not tested on the same people and days")
    return 0


def promote_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models promote MODEL VERSION --reason TEXT``; exit code 3 and a row in ops.model_promotions if refused."""
    from cdp.models.promotion import promote_version
    from cdp.models.versions import find_version, known_model

    tracking = _open_tracking(options)
    name = known_model(tracking, options.model)
    asked = options.version if options.version.isdigit() else find_version(tracking, name, options.version).version
    lake, asker = _asker(options)
    _tell(lake, promote_version(tracking, name, asked, reason=options.reason, asker=asker), console)
    return 0


def rollback_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models rollback MODEL``; as `promote_verb`."""
    from cdp.models.promotion import rollback
    from cdp.models.versions import known_model

    tracking = _open_tracking(options)
    name = known_model(tracking, options.model)
    lake, asker = _asker(options)
    _tell(lake, rollback(tracking, name, asker=asker), console)
    return 0


def explain_verb(options: argparse.Namespace, console: Console) -> int:
    """``cdp models explain MODEL [VERSION]`` or ``--person ID``."""
    from rich.markdown import Markdown

    from cdp.models.declared.spec import registered_name
    from cdp.models.recommendation.spec import MODELS
    from cdp.models.registry import MODEL_NAMES
    from cdp.models.versions import find_version, known_model, load_importance

    tracking = _open_tracking(options)
    if options.person:
        name = known_model(tracking, options.model)
        tell = _explain_list if name.startswith(registered_name(MODELS)) else _explain_person
        return tell(options, name, console)
    version = find_version(tracking, options.model, options.version)
    console.print(Markdown(f"# {version.name} version {version.version}\n\n{version.card}"))
    importance = load_importance(version)
    for booster, features in importance.items():
        told = ", ".join(f"{words} {share:.0%}" for words, share in list(features.items())[:_MOST_FEATURES])
        console.print(f"correction of {booster}, by share of the gain: {told}", highlight=False)
    if not importance and version.name in MODEL_NAMES.values():
        console.print("no correction: the purchase model alone decides, by count, recency, age and mean amount")
    return 0


def _explain_person(options: argparse.Namespace, name: str, console: Console) -> int:
    from pyspark.sql import functions as F

    from cdp.contracts.gold.predictions import PREDICTIONS
    from cdp.core.errors import ContractError
    from cdp.tables.store import missing_table_error

    lake = open_lake(configuration_of(options), "cdp models")
    if lake.version(PREDICTIONS) < 0:
        raise missing_table_error(PREDICTIONS, "models.score_people")
    scores = lake.read(PREDICTIONS).where((F.col("person_id") == options.person) & (F.col("model_name") == name))
    found = scores.orderBy(F.desc("as_of")).first()
    if found is None:
        raise ContractError(f"{name} has no score of this person: only people with a purchase before a night have one")
    interval = f" ({found['lo']:.4g} to {found['hi']:.4g})" if found["lo"] is not None else ""
    console.print(
        f"{found['model']} {found['score']:.4g}{interval} in {found['horizon_weeks']} weeks, as of {found['as_of']}, "
        f"by version {found['model_version']} ({found['method']})",
        highlight=False,
    )
    if found["segment"] is not None:
        told = f"segment {found['segment']}; value band {found['value_band']} of 5, risk band {found['risk_band']} of 5"
        console.print(told, highlight=False, markup=False)
    if found["loyalty_state"] is not None:
        console.print(f"loyalty {found['loyalty_score']:.2f}, {found['loyalty_state']}", highlight=False)
    for reason in found["reasons"] or []:
        console.print(f"- {reason}", highlight=False, markup=False)
    return 0


def _explain_list(options: argparse.Namespace, name: str, console: Console) -> int:
    from pyspark.sql import functions as F

    from cdp.contracts.gold.recommendations import RECOMMENDATIONS
    from cdp.core.errors import ContractError
    from cdp.tables.store import missing_table_error

    lake = open_lake(configuration_of(options), "cdp models")
    if lake.version(RECOMMENDATIONS) < 0:
        raise missing_table_error(RECOMMENDATIONS, "models.recommend_items")
    lists = lake.read(RECOMMENDATIONS).where((F.col("person_id") == options.person) & (F.col("model_name") == name))
    found = lists.orderBy("rank").collect()
    if not found:
        raise ContractError(f"{name} has no list for this person: only people with a purchase before a night have one")
    first = found[0]
    console.print(f"list {first['list']} of {first['as_of']}, by version {first['model_version']}", highlight=False)
    for row in found:
        again = f", due again on {row['expected_on']}" if row["expected_on"] else ""
        kind = "bought before" if row["part"] == "repeat" else "new"
        told = f"{row['rank']:>3}. {row['item_id']}  {kind}, chance {row['score']:.2%} within four weeks{again}"
        console.print(told, highlight=False, markup=False)
    return 0


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="cdp.churn, cdp.ltv, cdp.NAME of a file conf/models/NAME.yaml, or "
                        "cdp.recommendations.NAME of a file conf/recommendations/NAME.yaml")  # fmt: skip


def _asker(options: argparse.Namespace) -> tuple[Lake, Asker]:
    """The lake for the row, and the account that asks; the gate scores in the lake's session."""
    from cdp.models.promotion import Asker
    from cdp.runtime.night import utc_now

    lake = open_lake(configuration_of(options), "cdp models")
    return lake, Asker(account_name(), utc_now(), lake.spark)


def _tell(lake: Lake, attempt: Attempt, console: Console) -> None:
    """Keep the row, say what came of it; ModelError where it was refused."""
    from cdp.contracts.ops.model_promotions import MODEL_PROMOTIONS
    from cdp.core.errors import ModelError

    lake.write(MODEL_PROMOTIONS, lake.spark.createDataFrame([attempt.row(once=False)], MODEL_PROMOTIONS.schema))
    if not attempt.is_moved:
        raise ModelError(attempt.reason)
    told = f"{attempt.model} version {attempt.to_version} is champion: the next night scores by it"
    console.print(told, highlight=False)


def _open_tracking(options: argparse.Namespace) -> Tracking:
    """ModelError where nothing was ever registered: to look makes no folder, and to move an alias starts no Spark."""
    from cdp.core.errors import ModelError

    if tracking := _find_tracking(options):
        return tracking
    raise ModelError(_nothing_yet(options))


def _find_tracking(options: argparse.Namespace) -> Tracking | None:
    from cdp.models.tracking import is_begun, open_tracking

    settings = configuration_of(options).settings
    if not is_begun(settings.mlflow_tracking_uri):
        return None
    return open_tracking(settings.mlflow_tracking_uri, artifact_location=settings.model_artifacts)


def _nothing_yet(options: argparse.Namespace) -> str:
    home = configuration_of(options).settings.home
    return f"no model is registered yet in {home}: the first night with enough purchases trains one"
