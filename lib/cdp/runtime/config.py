"""Settings: conf/base.yaml, then conf/env/<env>.yaml, then the command line; everything checked, nothing ignored."""

from __future__ import annotations

import hashlib
import os
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from cdp.core.errors import ConfigError
from cdp.rules.definitions import ENDINGS, load_definition, load_yaml, read_yaml
from cdp.rules.secrets import SecretReference, refuse_old_spelling
from cdp.runtime.bundle import bundled, walk_files

_DEFAULT_SECRET = SecretReference(env="CDP_SECRET")
_DEVELOPMENT_SECRET = "development-only-secret"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSettings(_Frozen):
    """How often models are trained, how far they look, and what stops scoring: drift (PSI), wrong scores."""

    horizon_weeks: int = Field(default=13, ge=1, le=104)
    train_every_days: int = Field(default=7, ge=1)
    max_psi: float | None = Field(default=None, gt=0)
    max_calibration_error: float | None = Field(default=None, gt=0)


class Settings(_Frozen):
    """Everything that a run can be told; see conf/base.yaml for what each key means."""

    home: str
    lake: str
    input: str
    output: str
    state: str
    mlflow_tracking_uri: str
    sources: tuple[str, ...]
    secret: SecretReference | None = None
    is_production: bool = False
    identity_driver_edge_limit: int = Field(default=50_000_000, ge=0)
    identity_driver_pair_limit: int = Field(default=1_000_000, ge=0)
    identity_most_changed: float = Field(default=0.25, gt=0, le=1)
    models: ModelSettings = ModelSettings()
    packages: tuple[str, ...] = ()
    spark: dict[str, str] = {}

    @property
    def model_artifacts(self) -> str | None:
        """Where models and pictures of new experiments lie; None: an MLflow server has a place of its own."""
        is_database = self.mlflow_tracking_uri.startswith(("sqlite:", "postgresql"))
        return f"{self.state}/mlflow_artifacts" if is_database else None

    @model_validator(mode="before")
    @classmethod
    def _secret_is_spelled_anew(cls, given: Any) -> Any:
        return refuse_old_spelling(given, {"secret_env": "secret"})

    @property
    def person_id_key(self) -> bytes:
        """The key of person ids: `secret`, else the environment's CDP_SECRET, else (not in production) a known one.

        :class:`ConfigError` when it does not lie where `secret` says, or in production nowhere.
        """
        if self.secret is not None or self.is_production:
            return (self.secret or _DEFAULT_SECRET).read("the key of person ids")
        return (os.environ.get(str(_DEFAULT_SECRET.env)) or _DEVELOPMENT_SECRET).encode()


_TEXTS = frozenset(name for name, field in Settings.model_fields.items() if field.annotation is str)


class Configuration:
    """The settings of one run and the folders that its definitions come from (the last one wins)."""

    def __init__(self, settings: Settings, folders: tuple[Traversable, ...]) -> None:
        self.settings = settings
        self.folders = folders

    def definition_folders(self, kind: str) -> list[Traversable]:
        """The folders of one kind of definition: ``sources``, ``traits``, ..."""
        return [folder / kind for folder in self.folders]

    def content_hash(self) -> str:
        """Hash of all that decides results: definitions and settings, but not where things lie or how fast."""
        digest = hashlib.sha256()
        for folder in self.folders:
            for name, entry in walk_files(folder, ENDINGS):
                if not name.startswith(("env/", "base.yaml")):
                    digest.update(name.encode())
                    digest.update(entry.read_bytes())
        digest.update(repr((sorted(self.settings.sources), self.settings.models)).encode())
        digest.update(hashlib.sha256(self.settings.person_id_key).digest())
        return digest.hexdigest()[:16]


def load_configuration(
    *, env: str = "local", conf: str | None = None, overrides: dict[str, str] | None = None
) -> Configuration:
    """The configuration of one run.

    ``conf`` is a folder laid over the bundled definitions, ``overrides`` are ``key.path -> value`` texts from the
    command line. :class:`ConfigError` for an unknown environment, key or value.
    """
    folders: list[Traversable] = [bundled("conf")]
    if conf is not None:
        overlay = Path(conf)
        if not overlay.is_dir():
            raise ConfigError(f"--conf {conf}: no such folder")
        folders.append(overlay)
    merged: dict[str, Any] = {}
    found_env = False
    for folder in folders:
        for name in ("base.yaml", f"env/{env}.yaml"):
            entry = folder / name
            if entry.is_file():
                found_env = found_env or name != "base.yaml"
                merged = _merge(merged, _mapping(entry))
    if not found_env:
        known = sorted({n for f in folders for n, _ in walk_files(f, ".yaml") if n.startswith("env/")})
        raise ConfigError(f"no environment {env!r}: there is {', '.join(known)}")
    for key, value in (overrides or {}).items():
        merged = _merge(merged, _nested(key, value))
    merged = _fill_paths(merged)
    settings = load_definition(yaml.safe_dump(merged, sort_keys=False), f"settings ({env})", Settings)
    return Configuration(settings, tuple(folders))


def _mapping(entry: Traversable) -> dict[str, Any]:
    data = read_yaml(entry) or {}
    if not isinstance(data, dict):
        raise ConfigError(f"{entry}: settings are a mapping of keys")
    return data


def _merge(low: dict[str, Any], high: dict[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _nested(key: str, text: str) -> dict[str, Any]:
    """``spark.<any spark key>`` is one level; ``models.horizon_weeks`` is a path.

    Texts are taken as they are, the folder `no` too; all other values are YAML.
    """
    head, _, rest = key.partition(".")
    if rest:
        return {head: {rest: text}} if head == "spark" else {head: _nested(rest, text)}
    return {head: text if not text or head in _TEXTS else load_yaml(text, f"setting {text!r}")}


def _fill_paths(settings: dict[str, Any]) -> dict[str, Any]:
    """Folders that are not set lie below ``home``, which is made absolute."""
    home = str(Path(str(settings.get("home", "data"))).absolute())
    state = str(Path(str(settings.get("state") or f"{home}/state")).absolute())
    filled = {**settings, "home": home, "state": state}
    for key in ("lake", "input", "output"):
        value = str(filled.get(key) or f"{home}/{key}")
        filled[key] = value if "://" in value else str(Path(value).absolute())
    filled["mlflow_tracking_uri"] = filled.get("mlflow_tracking_uri") or f"sqlite:///{state}/mlflow.db"
    spark = filled.get("spark") or {}
    filled["spark"] = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in spark.items()}
    return filled
