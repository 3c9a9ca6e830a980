"""A labelled set: the files as a user has them, their schema, and who every record is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml


@dataclass(frozen=True)
class Labelled:
    """files: name -> records, all text. schema: as `cdp resolve --schema` reads it. truth: source, record_id, person,
    household (empty where persons have none); source is empty in a set of one file without a source column."""

    files: dict[str, pd.DataFrame]
    schema: dict[str, Any]
    truth: pd.DataFrame

    def with_columns(self, *names: str) -> Labelled:
        """The same records, of which the schema names these columns alone."""
        meanings = self.schema["columns"]
        return replace(self, schema={**self.schema, "columns": {name: meanings[name] for name in names}})

    def write(self, folder: Path) -> list[Path]:
        """Write one CSV a file, schema.yaml and truth.csv; gives the paths of the files."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}.csv" for name in self.files]
        for path, frame in zip(paths, self.files.values(), strict=True):
            frame.to_csv(path, index=False)
        (folder / "schema.yaml").write_text(yaml.safe_dump(self.schema, sort_keys=False))
        self.truth.to_csv(folder / "truth.csv", index=False)
        return paths


Row = dict[str, str]


def one_file(rows: list[tuple[str, str, Row]], schema: dict[str, Any], name: str = "records") -> Labelled:
    """A set of one file from (person, household, row); rows carry their record id in the schema's column."""
    records = pd.DataFrame([row for _, _, row in rows])
    truth = pd.DataFrame(
        {
            "source": "",
            "record_id": records[schema["record_id"]],
            "person": [person for person, _, _ in rows],
            "household": [household for _, household, _ in rows],
        }
    )
    return Labelled({name: records}, schema, truth)
