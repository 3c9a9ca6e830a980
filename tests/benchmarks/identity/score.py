"""How well records are told apart, beside the truth: ``python -m tests.benchmarks.identity.score PEOPLE TRUTH``.

Counted from n_ij, the records of person j in cluster i, never by building pairs; the definitions are those of
`cdp identity evaluate`. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def score(people: pd.DataFrame, truth: pd.DataFrame) -> dict[str, Any]:
    """Compare people (source, record_id, person_id) with truth (source, record_id, person, household).

    Pairwise precision, recall and F1 with closure; B-cubed (Bagga and Baldwin 1998); records of the largest cluster
    and of the largest true person; false pairs within one household, and as a share of all false pairs (None where
    the truth has no households); the same pairwise figures for each pair of sources. A precision without pairs is 1.
    ValueError when the records of both are not the same ones.
    """
    joined = _joined(people, truth)
    cells = joined.groupby(["person_id", "person"]).size()
    clusters, persons = cells.groupby(level=0).sum(), cells.groupby(level=1).sum()
    n, of_cluster = cells.to_numpy(), clusters.loc[cells.index.get_level_values(0)].to_numpy()
    of_person = persons.loc[cells.index.get_level_values(1)].to_numpy()
    right, found, true = pairs_in(n), pairs_in(clusters), pairs_in(persons)
    in_household = _false_in_household(joined)
    cubed = float((n * n / of_cluster).sum() / n.sum()), float((n * n / of_person).sum() / n.sum())
    return {
        "records": int(n.sum()),
        "people": len(clusters),
        "true_people": len(persons),
        **rates(right, found, true),
        "cubed_precision": cubed[0],
        "cubed_recall": cubed[1],
        "cubed_f1": 2 * cubed[0] * cubed[1] / sum(cubed),
        "largest": int(clusters.max()),
        "largest_true": int(persons.max()),
        "false_pairs": found - right,
        "missed_pairs": true - right,
        "false_in_household": in_household,
        "false_in_household_share": in_household / (found - right) if in_household and found > right else in_household,
        "by_sources": _by_sources(joined),
    }


def pairs_in(sizes: Any) -> int:
    """Pairs inside groups of these sizes."""
    n = np.asarray(sizes, dtype=np.int64)
    return int((n * (n - 1) // 2).sum())


def rates(right: int, found: int, true: int) -> dict[str, float]:
    """Precision, recall and F1 of pairs."""
    precision, recall = right / found if found else 1.0, right / true if true else 1.0
    return {"precision": precision, "recall": recall, "f1": 2 * right / (found + true) if found + true else 1.0}


def _joined(people: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Both by record; by its id alone where ids are unique without the source, whatever the source is called."""
    keys = ["record_id"] if truth["record_id"].is_unique and people["record_id"].is_unique else ["source", "record_id"]
    joined = people[[*keys, "person_id"]].merge(truth, on=keys, how="outer", validate="1:1", indicator="side")
    odd = joined[joined["side"] != "both"]
    if len(odd):
        raise ValueError(f"{len(odd)} records are not in both, such as {odd[keys].iloc[0].to_dict()}")
    return joined


def _false_in_household(joined: pd.DataFrame) -> int | None:
    known = joined[joined["household"].fillna("") != ""]
    if known.empty:
        return None
    together = pairs_in(known.groupby(["person_id", "household"]).size())
    return together - pairs_in(known.groupby(["person_id", "household", "person"]).size())


def _by_sources(joined: pd.DataFrame) -> dict[str, dict[str, float]]:
    sources = sorted(joined["source"].unique())
    if len(sources) < 2:
        return {}
    right, found, true = (
        _pairs_of_sources(joined, keys, sources) for keys in (["person_id", "person"], ["person_id"], ["person"])
    )
    return {
        f"{sources[a]}-{sources[b]}": rates(right[a, b], found[a, b], true[a, b])
        for a, b in combinations_with_replacement(range(len(sources)), 2)
    }


def _pairs_of_sources(joined: pd.DataFrame, keys: list[str], sources: list[str]) -> np.ndarray:
    """Pairs inside the groups of the keys: [a, b] with one record of source a and one of b."""
    counts = joined.groupby([*keys, "source"]).size().unstack(fill_value=0)[sources].to_numpy()
    pairs = counts.T @ counts
    np.fill_diagonal(pairs, [pairs_in(counts[:, a]) for a in range(len(sources))])
    return pairs


def read_truth(folder: Path) -> pd.DataFrame:
    """truth.csv of a labelled set, all text, empty for nothing."""
    return pd.read_csv(folder / "truth.csv", dtype=str, keep_default_na=False)


def main() -> None:
    """PEOPLE: people.parquet or the folder with it; TRUTH: the folder with truth.csv."""
    people, truth = Path(sys.argv[1]), Path(sys.argv[2])
    path = people / "people.parquet" if people.is_dir() else people
    print(json.dumps(score(pd.read_parquet(path), read_truth(truth))))


if __name__ == "__main__":
    main()
