"""Definition files: every mistake is named with file, line, key and the nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from cdp.core.errors import ConfigError
from cdp.rules.definitions import load_definition, load_definitions, load_yaml, read_definition


class Window(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    days: int
    unit: str = "days"


class Thing(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    owner: str
    windows: tuple[Window, ...] = ()


def test_unknown_keys_name_line_and_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        load_definition("owner: us\nwindows:\n  - days: 3\n  - day: 4\n", "traits/x.yaml", Thing)
    message = str(caught.value)
    assert "traits/x.yaml:4: unknown key 'windows.1.day': did you mean 'days'?" in message
    assert "traits/x.yaml:4: key 'windows.1.days' is missing" in message


def test_wrong_types_and_broken_yaml_name_the_line() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml:2: key 'windows.0.days'.*valid integer"):
        load_definition("owner: us\nwindows: [{days: soon}]\n", "x.yaml", Thing)
    with pytest.raises(ConfigError, match=r"x\.yaml:2: not valid YAML"):
        load_definition("owner: us\n\tbad", "x.yaml", Thing)
    with pytest.raises(ConfigError, match=r"x\.yaml:2: not valid YAML: day is out of range"):
        load_definition("owner: us\nfrom: 2026-02-30\n", "x.yaml", Thing)
    with pytest.raises(ConfigError, match="a definition is a mapping"):
        load_definition("- a\n", "x.yaml", Thing)
    with pytest.raises(ConfigError, match=r"x\.yaml:2: not valid YAML: special characters"):
        load_definition("owner: us\n\x01", "x.yaml", Thing)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!!bool x", "none of the type that it is said to be"),
        ("!!timestamp x", "none of the type that it is said to be"),
        ("!!int ''", "none of the type that it is said to be"),
        ("!ours x", "could not determine a constructor for the tag '!ours'"),
        ("[" * 5000, "nested more than 100 deep"),
        ("{a: " * 5000 + "1" + "}" * 5000, "nested more than 100 deep"),
    ],
)
def test_tags_and_depths_that_are_not_read_name_the_line(value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"x\.yaml:2: not valid YAML: .*{message}"):
        load_yaml(f"owner: us\nwindows: {value}\n", "x.yaml")


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml:4: .*key 'days' is there twice, first in line 3"):
        load_definition("owner: us\nwindows:\n- days: 3\n  days: 4\n", "x.yaml", Thing)
    text = "owner: us\nwindows:\n- &one {days: 3}\n- *one\n- {<<: *one, days: 4}\n"
    assert [window.days for window in load_definition(text, "x.yaml", Thing).windows] == [3, 3, 4]
    assert load_yaml("1: a\n'1': b\n", "x.yaml") == {1: "a", "1": "b"}


def test_a_file_that_is_no_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes("owner: Schröder\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"x\.yaml:1: not in UTF-8"):
        read_definition(tmp_path / "x.yaml", Thing)
    with pytest.raises(ConfigError, match=r"x\.yaml:1: not in UTF-8"):
        load_definitions([tmp_path], Thing)
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read: No such file"):
        read_definition(str(tmp_path / "none.yaml"), Thing)


def test_two_files_of_one_name_are_refused_whatever_order_the_folder_gives(tmp_path: Path) -> None:
    for ending in ("yml", "yaml"):
        (tmp_path / f"one.{ending}").write_text("owner: us\n")
    with pytest.raises(ConfigError, match=r"one\.yml: one\.yaml is the definition 'one' already: keep one of them"):
        load_definitions([tmp_path], Thing)


def test_a_later_folder_replaces_by_name(tmp_path: Path) -> None:
    for folder, owner in (("a", "them"), ("b", "us")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.yaml").write_text(f"owner: {owner}\n")
    (tmp_path / "a" / "two.yaml").write_text("owner: them\n")
    found = load_definitions([tmp_path / "a", tmp_path / "b", tmp_path / "missing"], Thing)
    assert {name: thing.owner for name, thing in found.items()} == {"one": "us", "two": "them"}
