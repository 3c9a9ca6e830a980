# %% [markdown]
# # Look around in the lake
# Everything the nights wrote lies in Delta tables below the home folder (`CDP_HOME`, default `data/made`, which
# `make demo` fills). This notebook opens them the way the jobs do and shows people, profiles and traits in pandas.
# Run the cells in an editor that knows `# %%`, or the whole file: `python notebooks/01_look_around.py`.

# %%
import os

import matplotlib.pyplot as plt
from pyspark.sql import functions as F

from cdp.contracts.find import all_contracts
from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.profiles import PROFILES
from cdp.rules.definitions import load_definitions
from cdp.runtime.config import load_configuration
from cdp.runtime.entry import open_lake
from cdp.traits.contract import traits_contract
from cdp.traits.spec import TraitSpec

home = os.environ.get("CDP_HOME", "data/made")
configuration = load_configuration(env=os.environ.get("CDP_ENV", "local"), overrides={"home": home})
lake = open_lake(configuration, "notebook: look around")

# %% [markdown]
# ## Which tables are there
# A contract says what each table means; `cdp catalog` prints all of them. The version counts the commits.

# %%
for name, contract in sorted(all_contracts().items()):
    print(f"{name:28} version {lake.version(contract):>3}  {contract.doc}")

# %% [markdown]
# ## People
# One row is one person as far as the evidence goes. Known: something names them, not only a device.

# %%
people = lake.read(PEOPLE)
print(people.groupBy("status", "is_known").agg(F.count("*").alias("people"), F.avg("n_records")).toPandas())

# %% [markdown]
# ## Profiles
# The golden record. `chosen` says which record each attribute came from, by which rule, and how far the sources agree.

# %%
profiles = lake.read(PROFILES)
filled = profiles.select(*[F.avg(F.col(c).isNotNull().cast("int")).alias(c) for c in ("given_name", "email", "phone")])
print(f"{profiles.count():,} profiles; share with a value:")
print(filled.toPandas().round(3).to_string(index=False))

# %%
who_said_it = profiles.select(F.explode("chosen").alias("c")).groupBy("c.attribute", "c.source").count()
named = who_said_it.where(~F.col("attribute").startswith("attributes.")).toPandas()
print(named.pivot(index="attribute", columns="source", values="count").fillna(0).astype(int).to_string())

# %% [markdown]
# ## Traits
# One column per file in `conf/traits`; null where a trait has no default and nothing happened.

# %%
traits_table = traits_contract(load_definitions(configuration.definition_folders("traits"), TraitSpec))
traits = lake.read(traits_table).toPandas()
print(f"{len(traits):,} people with traits as of {traits['as_of'].max()}")
print(traits.select_dtypes("number").describe().T[["mean", "50%", "max"]].round(2))

# %%
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
buyers = traits[traits["orders_365d"] > 0]
axes.hist(buyers["orders_365d"].clip(upper=30), bins=30, color="#2a6f97")
axes.set(xlabel="orders in 365 days (30 and more in the last bar)", ylabel="people", title="How often people buy")
print(f"plotted {len(buyers):,} buyers")
plt.show()
