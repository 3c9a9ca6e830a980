"""How a definition or setting names a secret: by where it lies, never by the secret itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from cdp.core.errors import ConfigError


class SecretReference(BaseModel):
    """Where a secret lies: ``{env: NAME}``, an environment variable, or ``{file: PATH}``, which holds nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> SecretReference:
        if (self.env is None) == (self.file is None):
            raise ValueError("give exactly one of env, file")
        return self

    @property
    def place(self) -> str:
        """The place in words."""
        return f"environment variable {self.env}" if self.env is not None else f"file {self.file}"

    def read(self, whose: str) -> bytes:
        """The secret, without a line end after it; ConfigError, which begins with ``whose``, if there is none."""
        if self.file is None:
            secret = os.environ.get(str(self.env), "").encode()
        else:
            try:
                secret = Path(self.file).read_bytes().rstrip(b"\r\n")
            except OSError as error:
                raise ConfigError(f"{whose}: its secret's {self.place} cannot be read: {error.strerror}") from None
        if not secret:
            raise ConfigError(f"{whose}: its secret's {self.place} is empty or not set")
        return secret


def refuse_old_spelling(given: Any, old_keys: Mapping[str, str]) -> Any:
    """Give ``given`` on; ValueError with the new spelling if it has a key of ``old_keys`` (old key -> new key)."""
    for old, new in old_keys.items():
        if isinstance(given, dict) and old in given:
            raise ValueError(f"`{old}: NAME` is written `{new}: {{env: NAME}}`, or `{new}: {{file: PATH}}`")
    return given
