"""Settings: layers, overrides, and errors that teach."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp.core.errors import ConfigError
from cdp.runtime.config import load_configuration


def test_paths_hang_below_home_unless_set(tmp_path: Path) -> None:
    settings = load_configuration(overrides={"home": str(tmp_path), "lake": "s3a://bucket/lake"}).settings
    assert settings.lake == "s3a://bucket/lake"
    assert settings.output == str(tmp_path / "output")
    assert settings.mlflow_tracking_uri == f"sqlite:///{tmp_path}/state/mlflow.db"


def test_environment_overlay_and_command_line_win_in_that_order(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "ours.yaml").write_text("models: {horizon_weeks: 26}\nsources: [crm]\n")
    configuration = load_configuration(
        env="ours", conf=str(tmp_path), overrides={"sources": "[web]", "spark.spark.master": "local[1]"}
    )
    assert configuration.settings.models.horizon_weeks == 26
    assert configuration.settings.models.train_every_days == 7
    assert configuration.settings.sources == ("web",)
    assert configuration.settings.spark["spark.master"] == "local[1]"


@pytest.mark.parametrize("name", ["no", "010", "~", "a: b", "[x"])
def test_a_folder_may_have_a_name_that_is_another_value_in_yaml(name: str) -> None:
    settings = load_configuration(overrides={"home": name, "lake": name, "spark.spark.app.name": name}).settings
    assert (settings.home, settings.lake) == (str(Path(name).absolute()), str(Path(name).absolute()))
    assert settings.spark["spark.app.name"] == name


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"modles.horizon_weeks": "3"}, r"unknown key 'modles': did you mean 'models'"),
        ({"models.horizon_week": "3"}, r"unknown key 'models.horizon_week': did you mean 'horizon_weeks'"),
        ({"sources": "[web"}, r"setting '\[web':1: not valid YAML"),
        ({"models.horizon_weeks": "0"}, r"models.horizon_weeks.*greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_named(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_configuration(overrides=overrides)


def test_an_unknown_environment_or_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no environment 'prood'.*prod\.yaml"):
        load_configuration(env="prood")
    with pytest.raises(ConfigError, match="no such folder"):
        load_configuration(conf=str(tmp_path / "nowhere"))


def test_a_settings_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "ours.yaml").write_bytes("sources: [crm]\n# Schröder\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"ours\.yaml:2: not in UTF-8"):
        load_configuration(env="ours", conf=str(tmp_path))


def test_production_has_no_default_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDP_SECRET", raising=False)
    with pytest.raises(ConfigError, match="CDP_SECRET"):
        _ = load_configuration(env="prod").settings.person_id_key
    monkeypatch.setenv("CDP_SECRET", "s3cret")
    assert load_configuration(env="prod").settings.person_id_key == b"s3cret"


def test_the_secret_lies_where_the_settings_say_or_nowhere(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k3y\n")
    at_home = {"secret.file": str(tmp_path / "key")}
    assert load_configuration(overrides=at_home).settings.person_id_key == b"k3y"
    (tmp_path / "key").unlink()
    # never the development key in its place: every person would get another id
    with pytest.raises(ConfigError, match=r"the key of person ids: its secret's file .*/key cannot be read"):
        _ = load_configuration(overrides=at_home).settings.person_id_key
    with pytest.raises(ConfigError, match=r"`secret_env: NAME` is written `secret: \{env: NAME\}`"):
        load_configuration(overrides={"secret_env": "OTHER"})


def test_the_content_hash_follows_results_not_places(tmp_path: Path) -> None:
    base = load_configuration().content_hash()
    assert load_configuration(overrides={"home": str(tmp_path)}).content_hash() == base
    assert load_configuration(overrides={"models.horizon_weeks": "26"}).content_hash() != base
    (tmp_path / "traits").mkdir()
    (tmp_path / "traits" / "x.yaml").write_text("{}")
    with_x = load_configuration(conf=str(tmp_path)).content_hash()
    (tmp_path / "traits" / "y.yml").write_text("{}")
    assert len({base, with_x, load_configuration(conf=str(tmp_path)).content_hash()}) == 3
