"""How a process ends: the exit code that a scheduler reads."""

from __future__ import annotations

import pytest

from cdp.core.errors import ConfigError
from cdp.runtime.entry import exit_code, guarded


def test_what_a_person_must_know_is_6_and_3_for_the_strict() -> None:
    assert [exit_code([], is_strict=strict) for strict in (False, True)] == [0, 0]
    assert [exit_code(["web: a file was quarantined"], is_strict=strict) for strict in (False, True)] == [6, 3]


def test_our_own_errors_become_one_message_and_their_code(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> int:
        raise ConfigError("conf/traits/x.yaml: unknown key 'tabel'")

    assert guarded(refuse, debug=False) == 2
    assert capsys.readouterr().err == "error: conf/traits/x.yaml: unknown key 'tabel'\n"
    with pytest.raises(ConfigError):
        guarded(refuse, debug=True)
