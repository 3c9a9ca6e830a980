"""When MLflow's SQLite file follows its folder; that models load then is shown beside the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp.models.moved_artifacts import artifacts_moved


@pytest.mark.parametrize(
    ("there", "uri", "noted", "is_moved"),
    [
        (("new/artifacts",), "sqlite:///{home}/new/mlflow.db", "{home}/old/artifacts", True),
        (("old/artifacts", "new/artifacts"), "sqlite:///{home}/new/mlflow.db", "{home}/old/artifacts", True),
        ((), "sqlite:///{home}/new/mlflow.db", "{home}/old/artifacts", True),
        (("old/artifacts",), "sqlite:///{home}/new/mlflow.db", "{home}/old/artifacts", False),
        (("new/artifacts",), "sqlite:///{home}/new/mlflow.db", "{home}/new/artifacts", False),
        (("new/artifacts",), "sqlite:///{home}/mlflow.db", "{home}/old/artifacts", False),
        (("new/artifacts",), "sqlite:///{home}/new/mlflow.db", "s3://bucket/artifacts", False),
        (("new/artifacts",), "postgresql+psycopg://h/mlflow", "{home}/old/artifacts", False),
    ],
)
def test_a_database_follows_the_artifacts_that_moved_with_it(
    tmp_path: Path, there: tuple[str, ...], uri: str, noted: str, is_moved: bool
) -> None:
    for folder in there:
        (tmp_path / folder).mkdir(parents=True)
    found = artifacts_moved(uri.format(home=tmp_path), noted.format(home=tmp_path), f"{tmp_path}/new/artifacts")
    assert found is is_moved
