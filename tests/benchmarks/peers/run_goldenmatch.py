"""GoldenMatch with no configuration: `dedupe_df` on the tidied records, its own choice of everything."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
from goldenmatch import dedupe_df
from tidy import read_command, write_people


def main() -> None:
    """Dedupe and write."""
    records, out = read_command()
    result = dedupe_df(columns_of(records), confidence_required=False)  # True refuses where it doubts its own choice
    write_people(records, person_ids(result, len(records)), out)


def columns_of(records: pd.DataFrame) -> pa.Table:
    """The columns to match on, without the keys."""
    return pa.Table.from_pandas(records.drop(columns=["unique_id", "source", "record_id"]), preserve_index=False)


def person_ids(result: Any, n: int) -> pd.Series:
    """Its cluster of each record; a record that it puts nowhere is a person of its own."""
    ids = pd.Series([f"alone{i}" for i in range(n)])
    for cluster, told in result.clusters.items():
        ids.iloc[list(told["members"])] = str(cluster)
    return ids


if __name__ == "__main__":
    main()
