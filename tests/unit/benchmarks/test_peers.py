"""The other tools get the same facts as `cdp resolve`: what tidying loses would flatter us."""

import sys
from pathlib import Path

import pandas as pd

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "identity" / "peers"))
import tidy

_SCHEMA = {
    "record_id": "rid",
    "source": "feed",
    "columns": {
        "first": "given_name",
        "last": "family_name",
        "whole": "full_name",
        "tel": "phone",
        "cell": "phone",
        "no": "street_number",
        "road": "street",
        "line": "street_address",
        "born": {"type": "birth_date", "formats": ["yyyy-MM-dd", "dd/MM/yyyy", "MM/dd/yyyy", "d MMM yyyy"]},
    },
}


def _tidied(rows: list[dict[str, str]]) -> pd.DataFrame:
    columns = ["rid", "feed", *_SCHEMA["columns"]]
    return tidy.tidy(pd.DataFrame(rows, columns=columns).fillna(""), _SCHEMA)


def test_dates_are_read_by_the_format_of_their_feed():
    rows = [
        {"rid": "1", "feed": "eu", "born": "25/12/1980"}, {"rid": "2", "feed": "eu", "born": "03/04/1980"},
        {"rid": "3", "feed": "us", "born": "12/25/1980"}, {"rid": "4", "feed": "us", "born": "03/04/1980"},
        {"rid": "5", "feed": "phone", "born": "4 Mar 1980"}, {"rid": "6", "feed": "phone", "born": "01/01/1900"},
        {"rid": "7", "feed": "phone", "born": "gone"},
    ]  # fmt: skip
    dates = _tidied(rows)["birth_date"].tolist()
    assert dates == ["1980-12-25", "1980-04-03", "1980-12-25", "1980-03-04", "1980-03-04", None, None]


def test_names_addresses_and_phones_get_one_form():
    rows = [
        {"rid": "1", "feed": "a", "first": "ANN", "last": "Lee", "tel": "+44 7700 900123", "line": "1 Elm St"},
        {"rid": "1", "feed": "b", "whole": "Lee, Ann", "cell": "07700 900123", "no": "1", "road": "Elm St"},
        {"rid": "1", "feed": "c", "whole": "Sir Ann Mary Lee", "tel": "n/a"},
        {"rid": "1", "feed": "d", "whole": "Ann"},
    ]
    found = _tidied(rows)
    assert found["given_name"].tolist() == ["ann"] * 4
    assert found["family_name"].tolist() == ["lee", "lee", "lee", None]
    assert found["street_address"].tolist() == ["1 elm st", "1 elm st", None, None]
    assert found["phone"].tolist() == ["700900123", None, None, None] and found["phone_2"][1] == "700900123"
