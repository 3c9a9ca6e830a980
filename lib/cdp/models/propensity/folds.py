"""Which rows are tested together: by person, with the label's share kept, the same for any order of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cdp.models.arrays import Floats


def hash_keys(ids: pd.Series, salt: int) -> np.ndarray:
    """A number a person that looks random and depends on the id and the salt alone."""
    return pd.util.hash_array(ids.to_numpy(dtype=object), hash_key=f"{salt:016d}", categorize=False)


def fewest_people(ids: pd.Series, label: Floats) -> int:
    """How many people have the rarer outcome in any of their rows: rows of one person are one piece of evidence."""
    return min(int(ids[label == kind].nunique()) for kind in (0.0, 1.0))


def assign_folds(ids: pd.Series, label: Floats, folds: int, *, salt: int) -> np.ndarray:
    """A fold (0 .. folds - 1) for each row: all rows of a person in one, people with a positive label evenly spread."""
    people = pd.DataFrame({"id": ids.to_numpy(), "label": label}).groupby("id", sort=True)["label"].max()
    order = pd.DataFrame({"is_positive": people.to_numpy() > 0.5, "key": hash_keys(people.index.to_series(), salt)})
    ranked = order.sort_values(["is_positive", "key"], kind="stable")
    fold = pd.Series(np.arange(len(ranked)) % folds, index=ranked.index).sort_index().to_numpy()
    return np.asarray(pd.Series(fold, index=people.index).reindex(ids.to_numpy()).to_numpy())
