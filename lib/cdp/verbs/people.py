"""What the verbs that score people share: the people they read, a bar while they fit, their table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from cdp.core.errors import ContractError, nearest_name, no_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_people(file: str, *columns: str, may_be_empty: bool = False) -> pd.DataFrame:
    """The rows of a CSV or Parquet file. ContractError when it lacks a column, or rows where it needs one."""
    from cdp.core.numbers import long_ones_as_text
    from cdp.runtime.files import read_arrow

    table = read_arrow([file])
    for column in columns:
        if column not in table.column_names:
            raise ContractError(f"{file}: there is no column {column!r}; {nearest_name(column, table.column_names)}")
    if not table.num_rows and not may_be_empty:
        raise no_rows(file)
    for at, name in enumerate(table.column_names):
        table = table.set_column(at, name, long_ones_as_text(table[at]))
    return table.to_pandas()


@contextmanager
def progress_of(console: Console, text: str) -> Iterator[Callable[[float], None]]:
    """A progress bar while the block runs; what it gives takes the share that is done."""
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(text, total=1.0)
        yield lambda share: progress.update(task, completed=share)


def reasons_table(people: pd.DataFrame) -> pa.Table:
    """The frame as an Arrow table: ids are text and reasons lists of text, even where all of them are empty."""
    import pyarrow as pa

    table = pa.Table.from_pandas(people, preserve_index=False)
    for name, kind in {"id": pa.string(), "reasons": pa.list_(pa.string())}.items():
        table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    return table.replace_schema_metadata(None)
