# %% [markdown]
# # Why these records are one person
# Identity is a graph: records on one side, identifier values (e-mail, phone, account, cookie) on the other. A person
# is a connected piece of it, after the values that too many share have been cut out. This notebook goes that way for
# the person with the most sources.

# %%
import os

import matplotlib.pyplot as plt
from pyspark.sql import functions as F

from cdp.contracts.gold.people import PEOPLE
from cdp.contracts.gold.person_identifiers import PERSON_IDENTIFIERS
from cdp.contracts.ops.identity_history import IDENTITY_HISTORY
from cdp.contracts.silver.generic_values import GENERIC_VALUES
from cdp.contracts.silver.identity_links import IDENTITY_LINKS
from cdp.profiles.show import describe_person
from cdp.runtime.config import load_configuration
from cdp.runtime.entry import open_lake
from cdp.runtime.person import show_person

home = os.environ.get("CDP_HOME", "data/made")
configuration = load_configuration(env=os.environ.get("CDP_ENV", "local"), overrides={"home": home})
lake = open_lake(configuration, "notebook: why one person")

# %% [markdown]
# ## Links by rule
# Active links tie; the others are kept with the reason why they do not.

# %%
links = lake.read(IDENTITY_LINKS)
by_rule = links.groupBy("rule", "is_active").agg(F.count("*").alias("links"), F.avg("probability").alias("probability"))
print(by_rule.orderBy("rule", "is_active").toPandas().to_string(index=False))

# %% [markdown]
# ## Values that tie nobody
# A kiosk's e-mail, a switchboard, a family's tablet: found by how many people they would weld together.

# %%
generic = lake.read(GENERIC_VALUES)
by_reason = generic.groupBy("identifier_type", "reason").agg(F.count("*").alias("values"), F.max("n_records"))
print(by_reason.orderBy("identifier_type", F.desc("values"), "reason").toPandas().to_string(index=False))

# %% [markdown]
# ## How large people are
# A long tail is a warning: one value too many was believed.

# %%
people = lake.read(PEOPLE).where(F.col("status") == "active")
sizes = people.groupBy("n_records").count().orderBy("n_records").toPandas()
figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
axes.bar(sizes["n_records"], sizes["count"], color="#2a6f97")
axes.set(xlabel="records of a person", ylabel="people", yscale="log", title="How large people are")
plt.show()
print(f"largest person: {sizes['n_records'].max()} records")

# %% [markdown]
# ## One person
# The one with the most sources (ties: the smaller id).

# %%
identifiers = lake.read(PERSON_IDENTIFIERS)
sources = identifiers.where("valid_to IS NULL").groupBy("person_id").agg(F.countDistinct("source").alias("sources"))
named = sources.join(people.where("is_known").select("person_id"), on="person_id", how="inner")
person_id = named.orderBy(F.desc("sources"), "person_id").first()["person_id"]
described = describe_person(
    person_id,
    people=lake.read(PEOPLE),
    person_identifiers=identifiers,
    identity_links=links,
    history=lake.read(IDENTITY_HISTORY),
)
for tie in described.ties:
    why_not = "" if tie.is_active else f"  not: {tie.reason}"
    print(f"{tie.identifier_type:14} ties {len(tie.records):>3} records{why_not}")
print(f"{len(described.ties)} identifier values, {len(described.history)} merges or splits in the history")

# %% [markdown]
# The same as `cdp show person` prints it, with profile, scores and last events.

# %%
print(show_person(lake, configuration, person_id))
