"""A secret is named by its place, is read there, and is never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cdp.core.errors import ConfigError
from cdp.rules.secrets import SecretReference, refuse_old_spelling


def test_a_secret_is_read_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "from the environment")
    (tmp_path / "shop").write_bytes(b" from the file \r\n")
    assert SecretReference(env="SHOP_PASSWORD").read("shop") == b"from the environment"
    assert SecretReference(file=f"{tmp_path}/shop").read("shop") == b" from the file "
    (tmp_path / "shop").write_bytes(b"\n")
    monkeypatch.delenv("SHOP_PASSWORD")
    for place, told in (({"env": "SHOP_PASSWORD"}, "variable SHOP_PASSWORD"), ({"file": f"{tmp_path}/shop"}, "/shop")):
        with pytest.raises(ConfigError, match=f"^source shop: its secret's .*{told} is empty or not set"):
            SecretReference.model_validate(place).read("source shop")


def test_one_place_and_no_other_spelling() -> None:
    for wrong in ({}, {"env": "A", "file": "/b"}):
        with pytest.raises(ValidationError, match="exactly one of env, file"):
            SecretReference.model_validate(wrong)
    with pytest.raises(ValueError, match=r"`key_env: NAME` is written `key: \{env: NAME\}`, or `key: \{file: PATH\}`"):
        refuse_old_spelling({"key_env": "A"}, {"key_env": "key"})
    assert refuse_old_spelling({"key": 1}, {"key_env": "key"}) == {"key": 1}
