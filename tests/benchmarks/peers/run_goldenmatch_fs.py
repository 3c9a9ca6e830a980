"""GoldenMatch's automatic Fellegi-Sunter configuration, the path that its own comparison with Splink reports."""

from __future__ import annotations

import pyarrow as pa
from goldenmatch import auto_configure_probabilistic_df, dedupe_df
from run_goldenmatch import columns_of, person_ids
from tidy import read_command, write_people


def main() -> None:
    """Configure from the data, dedupe, write."""
    records, out = read_command()
    table: pa.Table = columns_of(records)
    result = dedupe_df(table, config=auto_configure_probabilistic_df(table))
    write_people(records, person_ids(result, len(records)), out)


if __name__ == "__main__":
    main()
