"""Other tools get the same facts as `cdp resolve`, where tidying would lose some that would flatter us; and a home."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "peers"))
import tidy
from peers.environment import peers_python

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


def test_environment_is_made_once_and_anew_when_it_shall_hold_something_else(tmp_path: Path, capsys):
    made, now, later = tmp_path / "made", tmp_path / "now", tmp_path / "later"
    for folder, wanted in ((now, "# nothing\n"), (later, "./not_there.whl\n")):
        folder.mkdir()
        (folder / "tools.txt").write_text(wanted)
    python = peers_python("tools", wanted=now, environments=made)
    assert python == str(made / "tools" / "bin" / "python")
    prefix = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert prefix.stdout.strip() == str(made / "tools")
    left = made / "tools" / "left"
    left.touch()
    peers_python.cache_clear()  # as the next bench asks, in a process of its own
    assert peers_python("tools", wanted=now, environments=made) == python and left.exists()
    assert capsys.readouterr().err == ""
    assert peers_python("tools", wanted=later, environments=made) is None and not left.exists()
    told = capsys.readouterr().err
    assert told.startswith("tools: the peers are left out") and "not_there.whl" in told
