"""A night of the installed wheel, with deliveries and lake on an object store: the same content as in folders."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.integration.conftest import NIGHTS, Run
from tests.integration.lakes import differences, table_versions
from tests.ports import free_port

from cdp.contracts.ops.runs import RUNS

BUCKET = "company"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[str]:
    """The address of an S3-compatible server on loopback with an empty bucket."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "store.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _create_bucket(address)
        yield address
    finally:
        process.kill()
        process.wait()


def _client(address: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region_name=KEYS["AWS_REGION"],
    )


def _create_bucket(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _client(address).create_bucket(Bucket=BUCKET)
            return
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _download(address: str, prefix: str, target: Path) -> None:
    client = _client(address)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for entry in page.get("Contents", []):
            file = target / str(entry["Key"]).removeprefix(prefix)
            file.parent.mkdir(parents=True, exist_ok=True)
            if not entry["Key"].endswith("/"):
                client.download_file(BUCKET, entry["Key"], str(file))


def _upload(address: str, folder: Path, prefix: str) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            _client(address).upload_file(str(file), BUCKET, prefix + file.relative_to(folder).as_posix())


def test_a_night_of_the_wheel_on_an_object_store_equals_the_one_in_a_folder(
    cdp: Run, installed: dict[str, str], company: Path, first_night: Path, store: str, tmp_path: Path
) -> None:
    _upload(store, company, "deliveries/")
    place = ["--lake", f"s3a://{BUCKET}/lake", "--home", str(tmp_path / "home")]
    place += ["--input", f"s3a://{BUCKET}/deliveries"]
    place += ["--env", "ci", "--set", f"spark.spark.hadoop.fs.s3a.endpoint={store}"]
    place += ["--set", "spark.spark.hadoop.fs.s3a.path.style.access=true"]
    ran = cdp("nightly", "--run-date", NIGHTS[0], *place, env=KEYS | installed, cwd=tmp_path)
    assert ran.returncode in (0, 6), ran.stdout + ran.stderr
    _download(store, "lake/", tmp_path / "copy")
    here, there = table_versions(first_night / "lake"), table_versions(tmp_path / "copy")
    noted = RUNS.full_name  # jobs that end at once are noted in one commit, and which do is chance
    assert {**there, noted: 0} == {**here, noted: 0} and there[noted] > 0
    assert differences(first_night / "lake", tmp_path / "copy") == []
    assert not (tmp_path / "home" / "lake").exists()
    assert not (tmp_path / "home" / "state" / "incoming").exists()
