"""What somebody without Java, or with an old one, is told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cdp.core.errors import ConfigError, TransientError
from cdp.runtime.jars import require_java, resolve_packages


def _fake_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-01' >&2\n")
    java.chmod(0o755)
    return java


def test_a_missing_java_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError) as told:
        require_java()
    assert str(told.value).startswith("Java is missing: install a Java 17 runtime")
    assert "\n" not in str(told.value)


def test_a_java_home_that_leads_nowhere_is_missing_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="Java is missing"):
        require_java()


@pytest.mark.parametrize(
    ("version", "told"), [("1.8.0_292", "Java 1 at"), ("11.0.2", "Java 11 at"), ("?", r"Java \? at")]
)
def test_an_old_java_is_named_with_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, told: str
) -> None:
    java = _fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=f"{told} {java} is too old"):
        require_java()


def test_a_new_java_from_the_path_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = _fake_java(tmp_path, "21.0.1")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{java.parent}:/usr/bin:/bin")
    assert require_java() == str(java)


def test_a_note_of_jars_that_a_kill_left_half_is_written_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CDP_CACHE", str(tmp_path))
    mark = hashlib.sha256(b"org.example:thing:1").hexdigest()[:12]
    folder = tmp_path / f"jars-{mark}"
    folder.mkdir()
    (folder / "jars.json").write_text('["thing-1.j')
    (folder / "refused").write_text("")  # so that nobody is asked
    with pytest.raises(TransientError, match=r"org\.example:thing:1 could not be resolved"):
        resolve_packages(("org.example:thing:1",))
