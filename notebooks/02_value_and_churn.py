# %% [markdown]
# # Value and churn
# From order lines to "who will come back, and what is it worth": snapshots of what was known on a day, the BG/NBD model
# of how often people buy and whether they still do, and the Gamma-Gamma model of how much they spend. The functions are
# those of the nightly jobs; here each step lies open.

# %%
import os

import matplotlib.pyplot as plt
from pyspark.sql import functions as F

from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.gold.predictions import PREDICTIONS
from cdp.contracts.gold.snapshots import SNAPSHOTS
from cdp.contracts.silver.order_lines import ORDER_LINES
from cdp.models.btyd.bgnbd_fit import fit_bgnbd
from cdp.models.btyd.gamma_gamma import fit_gamma_gamma
from cdp.models.evaluate import evaluate_value
from cdp.models.figures import frequency_table
from cdp.models.holdout import collect_holdout
from cdp.models.snapshots import build_snapshots
from cdp.models.sufficient import collect_statistics
from cdp.models.train import choose_horizon_weeks, find_first_purchase, training_cuts
from cdp.models.value import INPUTS, fit_value_model, score_value
from cdp.rules.person_records import person_records
from cdp.runtime.config import load_configuration
from cdp.runtime.entry import open_lake

home = os.environ.get("CDP_HOME", "data/made")
configuration = load_configuration(env=os.environ.get("CDP_ENV", "local"), overrides={"home": home})
lake = open_lake(configuration, "notebook: value and churn")

# %% [markdown]
# ## Snapshots
# x repeat purchase days, t_x weeks from the first to the last, T weeks from the first to the as-of date.

# %%
snapshots = lake.read(SNAPSHOTS)
as_of = snapshots.agg(F.max("as_of")).collect()[0][0]
print(f"as of {as_of}")
print(snapshots.where(F.col("as_of") == F.lit(as_of)).drop("person_id").limit(5).toPandas().round(2).to_string())

# %% [markdown]
# ## Fit
# Equal histories are counted in Spark and fitted on the driver: the same optimum as one row per person.

# %%
statistics = collect_statistics(snapshots, as_of_dates=[as_of])[as_of]
frequency, money = fit_bgnbd(statistics.purchases), fit_gamma_gamma(statistics.values)
print(f"BG/NBD of {frequency.n_people:,} people: {frequency.model}")
print(f"Gamma-Gamma of {money.n_people:,} people: {money.model}")
print("warnings:", *(frequency.warnings + money.warnings or ("none",)))

# %%
observed, expected = frequency_table(statistics.purchases, frequency.model)
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(observed, "o-", label="observed", color="#2a6f97")
axes.plot(expected, "s--", label="model", color="#f4a259")
axes.set(xlabel="repeat purchase days (the last is 'and more')", ylabel="people", title="How often people bought again")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Are the probabilities true?
# Fit on the past only, and look at what happened afterwards: each of the `training_cuts` is built as it was known then.

# %%
longest = configuration.settings.models.horizon_weeks
horizon = choose_horizon_weeks(find_first_purchase(snapshots, as_of=as_of), as_of, longest=longest)
before, cut, end = training_cuts(as_of, horizon)
owners = person_records(lake.read(PERSON_IDENTIFIERS))
cuts = build_snapshots(lake.read(ORDER_LINES), owners, as_of_dates=(before, cut, end)).cache()
past = fit_value_model(collect_statistics(cuts, as_of_dates=[cut])[cut], horizon_weeks=horizon)
holdout = collect_holdout(cuts, before=before, cut=cut, end=end)
judged = evaluate_value(holdout, past, horizon_weeks=horizon)
print(f"test on {len(holdout):,} people, {cut} to {end} ({horizon} weeks)")
for name in ("churn_auc", "recency_churn_auc", "churn_ece", "churn_rate", "churn_rate_predicted", "purchases_bias"):
    print(f"{name:24} {judged.metrics[name]:8.3f}")

# %%
figure, axes = plt.subplots(figsize=(5, 4.5), layout="constrained")
axes.plot([0, 1], [0, 1], color="0.75", linewidth=1)
axes.plot([p for _, p, _ in judged.churn_groups], [a for _, _, a in judged.churn_groups], "o-", color="#2a6f97")
axes.set(
    xlabel="predicted share of buyers", ylabel="observed share of buyers", title="Calibration, ten groups of people"
)
plt.show()

# %% [markdown]
# ## Beside the champion
# `gold.predictions` holds what the model with the alias `champion` said last night. The fit above has seen the same
# data or a few nights more, so the scores should nearly agree.

# %%
said = lake.read(PREDICTIONS).where((F.col("as_of") == F.lit(as_of)) & (F.col("model") == "churn"))
champion = said.select("person_id", "score", F.col("horizon_weeks").cast("int"), "model_version").toPandas()
if champion.empty:
    print("no champion yet: the history was too short for one")
else:
    ours = fit_value_model(statistics, horizon_weeks=int(champion["horizon_weeks"].iloc[0]))
    now = snapshots.where(F.col("as_of") == F.lit(as_of)).toPandas()
    now["ours"] = score_value(now[list(INPUTS)].astype("float64"), ours, horizon_weeks=ours.horizon_weeks)["p_churn"]
    both = now.merge(champion, on="person_id", how="inner")
    distance = (both["ours"] - both["score"]).abs()
    version, correlation = both["model_version"].iloc[0], both["ours"].corr(both["score"])
    print(f"champion (version {version}) and this fit on {len(both):,} people: mean distance {distance.mean():.4f}")
    print(f"largest distance {distance.max():.4f}, correlation {correlation:.4f}")
