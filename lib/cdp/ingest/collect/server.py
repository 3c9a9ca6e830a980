"""Run the collector: finish what a killed one left, listen, and leave only whole files behind."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from cdp.core.errors import ConfigError, TransientError
from cdp.ingest.collect.app import Collector, build_app
from cdp.ingest.collect.journal import Clock, Journal, Rotation
from cdp.ingest.collect.settings import CollectSettings
from cdp.ingest.collect.spool import finish_open_files, make_folder
from cdp.ingest.collect.webhooks import open_webhooks

#: Connections at once, each with a body in memory; more are answered 503.
_MAX_CONNECTIONS = 2000
_SHUTDOWN_SECONDS = 20


def serve(
    settings: CollectSettings, out: Path, *, host: str, port: int, clock: Clock, on_start: Callable[[str, int], None]
) -> tuple[Counter[str], Counter[str]]:
    """Collect until SIGTERM or SIGINT; gives messages kept by source and requests refused by code.

    `on_start` is called with the address and the number of files that a killed collector had left open.
    ConfigError where a secret is missing or the address cannot be had, TransientError where another collector writes to
    the folder.
    """
    webhooks = open_webhooks(settings.webhooks)
    _allow_open_files(2 * _MAX_CONNECTIONS)
    with _only_writer(out), _listen(host, port) as listener:
        finished = _finish(out)
        rotation = Rotation(settings.rotation.max_bytes, settings.rotation.max_age_seconds)
        journals = {name: Journal(out, name, rotation=rotation, clock=clock) for name in settings.sources}
        collector = Collector(settings, journals=journals, webhooks=webhooks, clock=clock)
        config = uvicorn.Config(
            build_app(collector, settings, journals),
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )
        on_start(f"http://{host}:{listener.getsockname()[1]}", len(finished))
        _run(uvicorn.Server(config), listener)
        return collector.kept, collector.refused


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Run until a signal. Uvicorn raises the signal once more when it has stopped: to us that is a normal end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run(sockets=[listener])
    if not server.started:
        raise ConfigError("the collector could not start: see the message above")


def _finish(out: Path) -> list[Path]:
    try:
        return finish_open_files(out)
    except OSError as error:
        told = f"{error.filename or out}: {error.strerror}"
        raise TransientError(f"a file that a killed collector left open cannot be completed: {told}") from None


def _allow_open_files(wanted: int) -> None:
    """Lift the soft limit, often 1024, as far as the hard one: a connection that cannot be opened gets no answer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


@contextmanager
def _only_writer(out: Path) -> Iterator[None]:
    """Hold the folder: two collectors would finish each other's open files. A killed one holds nothing."""
    try:
        make_folder(out)
        handle = os.open(out / ".collect.lock", os.O_CREAT | os.O_RDWR, 0o640)
    except OSError as error:
        raise ConfigError(f"--out {out}: cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise TransientError(f"another collector writes to {out}: stop it, or give another --out") from None
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def _listen(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    with listener:
        yield listener
