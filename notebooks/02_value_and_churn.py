# %% [markdown]
# # Value and churn
# From order lines to "who will come back, and what is it worth": snapshots of what was known on a day, the BG/NBD model
# of how often people buy and whether they still do, the Gamma-Gamma model of how much they spend, and what past days
# teach beyond them. The functions are those of the nightly jobs; here each step lies open.

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
from cdp.models.figures import frequency_table
from cdp.models.forecast.history import EPOCH, cut_at, equal_histories, equal_values
from cdp.models.histories import cut_of
from cdp.models.scorer import Scorer
from cdp.models.scoring import model_inputs
from cdp.models.snapshots import purchase_pieces
from cdp.models.train import choose_horizon_weeks, train_value
from cdp.models.training_data import collect_training_data, measure_history
from cdp.rules.person_records import joined_records
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
print(
    snapshots.where(F.col("as_of") == F.lit(as_of))
    .drop("person_id", "purchase_dates", "purchase_amounts")
    .limit(5)
    .toPandas()
    .round(2)
    .to_string()
)

# %% [markdown]
# ## Fit
# What each delivery said of every purchase day comes to the driver (above a bound that of a fixed part of the people);
# equal histories are counted and fitted: the same optimum as one row per person.

# %%
size = measure_history(snapshots, as_of=as_of)
owners = joined_records(lake.read(PERSON_IDENTIFIERS), today=as_of)
pieces = purchase_pieces(lake.read(ORDER_LINES), owners, until=as_of)
data = collect_training_data(pieces, as_of=as_of, size=size)
known = cut_at(data.ledger, (as_of - EPOCH).days - 1)
histories = equal_histories(known)
frequency, money = fit_bgnbd(histories), fit_gamma_gamma(equal_values(known))
print(f"BG/NBD of {frequency.n_people:,} people: {frequency.model}")
print(f"Gamma-Gamma of {money.n_people:,} people: {money.model}")
print("warnings:", *(frequency.warnings + money.warnings or ("none",)))

# %%
observed, expected = frequency_table(histories, frequency.model)
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.plot(observed, "o-", label="observed", color="#2a6f97")
axes.plot(expected, "s--", label="model", color="#f4a259")
axes.set(xlabel="repeat purchase days (the last is 'and more')", ylabel="people", title="How often people bought again")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Are the probabilities true?
# Fit on the past only, and look at what happened afterwards, on several past days as each was known then: BG/NBD with
# Gamma-Gamma beside the layers (the purchase model that ranks best, a boosted correction, the level, intervals that
# held). The layers are taken where they win beyond doubt.

# %%
horizon = choose_horizon_weeks(size.first_purchase, as_of, longest=configuration.settings.models.horizon_weeks)
trained = train_value(data, as_of=as_of, horizon_weeks=horizon)
print(f"tested on {', '.join(sorted(trained.losses.sums))}, {horizon} weeks each: {trained.chosen}")
for name in ("churn_auc", "recency_churn_auc", "churn_ece", "churn_rate", "churn_rate_predicted", "purchases_bias"):
    print(f"{name:24} {trained.metrics[name]:8.3f}  sd {trained.metrics[name + '_sd']:.3f}")

# %%
figure, axes = plt.subplots(figsize=(5, 4.5), layout="constrained")
axes.plot([0, 1], [0, 1], color="0.75", linewidth=1)
axes.plot(
    [p for _, p, _ in trained.evaluation.churn_groups],
    [a for _, _, a in trained.evaluation.churn_groups],
    "o-",
    color="#2a6f97",
)
axes.set(
    xlabel="predicted share of buyers", ylabel="observed share of buyers", title="Calibration, ten groups of people"
)
plt.show()

# %% [markdown]
# ## Beside the champion
# `gold.predictions` holds what the model with the alias `champion` said last night. The training above has seen the
# same data or a few nights more, so the scores should nearly agree.

# %%
said = lake.read(PREDICTIONS).where((F.col("as_of") == F.lit(as_of)) & (F.col("model") == "churn"))
champion = said.select("person_id", "score", F.col("horizon_weeks").cast("int"), "model_version").toPandas()
if champion.empty:
    print("no champion yet: the history was too short for one")
else:
    rows = snapshots.where(F.col("as_of") == F.lit(as_of)).select("person_id", *model_inputs())
    now = rows.toPandas()
    now["ours"] = Scorer(trained.params).score(cut_of(now), horizon_weeks=horizon)["p_churn"]
    both = now.merge(champion, on="person_id", how="inner")
    distance = (both["ours"] - both["score"]).abs()
    version, correlation = both["model_version"].iloc[0], both["ours"].corr(both["score"])
    print(f"champion (version {version}) and this fit on {len(both):,} people: mean distance {distance.mean():.4f}")
    print(f"largest distance {distance.max():.4f}, correlation {correlation:.4f}")
