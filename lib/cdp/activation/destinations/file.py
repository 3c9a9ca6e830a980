"""Destination kind ``file``: a folder per audience and run date, with data, manifest and a mark at the end.

Works on whatever pyarrow can write to: a local path, or a URI such as s3://bucket/exports. Data and manifest
are written under a temporary name and renamed; ``_SUCCESS`` goes first when a delivery is replaced and comes
last when it is complete: who waits for it never reads half a delivery.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import IO, Any, Literal, cast

import pyarrow as pa
from pyarrow import fs
from pydantic import field_validator

from cdp.activation.encode import HashingSink, in_even_tables, writer_of
from cdp.activation.spec import DestinationSpec
from cdp.core.errors import DestinationError, TransientError

KIND = "file"
_MARK = "_SUCCESS"
_PLACES = {"destination": "d", "audience": "a", "run_date": "2026-01-05"}


class Spec(DestinationSpec):
    """A file destination: ``folder`` (below the export root) may name {destination}, {audience}, {run_date}.

    ``spreadsheet_guard`` (CSV only) makes cells safe to open in a spreadsheet; switch it off only where a
    machine reads the file and needs values such as +44... as they are.
    """

    kind: Literal["file"]
    format: Literal["csv", "jsonl", "parquet"]
    folder: str = "{destination}/{audience}/{run_date}"
    spreadsheet_guard: bool = True

    @field_validator("folder")
    @classmethod
    def _tells_deliveries_apart(cls, value: str) -> str:
        try:
            folder = value.format(**_PLACES)
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"may name {', '.join('{' + p + '}' for p in _PLACES)}, nothing else") from None
        if "{audience}" not in value or "{run_date}" not in value:
            raise ValueError("must name {audience} and {run_date}, or one delivery would overwrite another")
        if folder.startswith("/") or ".." in folder.split("/"):
            raise ValueError("must stay below the export root: no leading / and no ..")
        return value


@dataclass(frozen=True)
class Parcel:
    """What is to be delivered: rows in their order, and what the manifest says about them."""

    destination: str
    audience: str
    run_date: date
    purpose: str
    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    counts: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """The manifest.json of a delivery. Times are ISO 8601 in UTC.

    ``consent_as_of`` are the times as of which every person in it had given consent: that of this delivery and
    those of the date's earlier ones, so that nobody comes back who was taken out.
    """

    audience: str
    destination: str
    run_date: str
    purpose: str
    folder: str
    file: str
    format: str
    columns: list[str]
    n_rows: int
    n_bytes: int
    sha256: str
    counts: dict[str, int]
    consent_as_of: list[str]
    delivered_at: str


def delivered_before(root: str, spec: Spec, *, destination: str, audience: str, run_date: date) -> Manifest | None:
    """The manifest that is there already, else None; also that of a delivery whose replacement was broken off, since
    what it says of consent holds on. Errors are those of :func:`deliver`."""
    filesystem, folder = _folder(root, spec, destination, audience, run_date)
    with _faults(f"{destination}: {audience} of {run_date}", folder):
        return _manifest(filesystem, folder)


def deliver(root: str, spec: Spec, parcel: Parcel, *, now: datetime) -> tuple[Manifest, bool]:
    """Write the parcel; returns its manifest and whether anything changed.

    A complete delivery of the same content stays as it is, with its own manifest. A different one replaces
    it. Raises :class:`DestinationError` where writing is forbidden, :class:`TransientError` on other faults
    of the file system; what is there then has no ``_SUCCESS`` or is the old delivery, whole.
    """
    filesystem, folder = _folder(root, spec, parcel.destination, parcel.audience, parcel.run_date)
    with _faults(f"{parcel.destination}: {parcel.audience} of {parcel.run_date}", folder):
        return _deliver(filesystem, folder, spec, parcel, now)


@contextmanager
def _faults(what: str, folder: str) -> Iterator[None]:
    """Tell the faults of the file system as our own errors."""
    try:
        yield
    except PermissionError:
        raise DestinationError(f"{what}: the job may not read and write {folder}: give it that right") from None
    except OSError as error:
        raise TransientError(
            f"{what} was not delivered to {folder} ({type(error).__name__}, errno {error.errno}): run the export again"
        ) from error


def _deliver(
    filesystem: fs.FileSystem, folder: str, spec: Spec, parcel: Parcel, now: datetime
) -> tuple[Manifest, bool]:
    name = f"{parcel.audience}_{parcel.run_date}.{spec.format}"
    filesystem.create_dir(folder, recursive=True)
    before = _manifest(filesystem, folder)
    temporary = f"{folder}/_temporary.{name}"
    write = writer_of(spec.format, guard=spec.spreadsheet_guard)
    with filesystem.open_output_stream(temporary) as stream:
        sink = HashingSink(stream)
        tables = in_even_tables(parcel.batches, parcel.schema)
        n_rows = write(tables, parcel.schema, cast(IO[bytes], sink))
    is_complete = filesystem.get_file_info(f"{folder}/{_MARK}").type == fs.FileType.File
    if before is not None and is_complete and before.sha256 == sink.sha256 and before.file == name:
        filesystem.delete_file(temporary)
        return before, False
    manifest = Manifest(
        audience=parcel.audience,
        destination=parcel.destination,
        run_date=parcel.run_date.isoformat(),
        purpose=parcel.purpose,
        folder=_below(spec, parcel.destination, parcel.audience, parcel.run_date),
        file=name,
        format=spec.format,
        columns=parcel.schema.names,
        n_rows=n_rows,
        n_bytes=sink.n_bytes,
        sha256=sink.sha256,
        counts=parcel.counts,
        consent_as_of=[*(before.consent_as_of if before else []), now.isoformat()],
        delivered_at=now.isoformat(),
    )
    _put_in_place(filesystem, folder, temporary, manifest)
    return manifest, True


def _put_in_place(filesystem: fs.FileSystem, folder: str, temporary: str, manifest: Manifest) -> None:
    """Take the old mark away, put data and manifest under their names, set the new mark; drop old data."""
    mark = f"{folder}/{_MARK}"
    if filesystem.get_file_info(mark).type == fs.FileType.File:
        filesystem.delete_file(mark)
    filesystem.move(temporary, f"{folder}/{manifest.file}")
    text = json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n"
    _write(filesystem, f"{folder}/_temporary.manifest.json", text.encode())
    filesystem.move(f"{folder}/_temporary.manifest.json", f"{folder}/manifest.json")
    for leftover in filesystem.get_file_info(fs.FileSelector(folder)):
        if leftover.is_file and leftover.base_name not in (manifest.file, "manifest.json"):
            filesystem.delete_file(leftover.path)
    _write(filesystem, mark, b"")


def _manifest(filesystem: fs.FileSystem, folder: str) -> Manifest | None:
    name = f"{folder}/manifest.json"
    if filesystem.get_file_info(name).type != fs.FileType.File:
        return None
    with filesystem.open_input_stream(name) as stream:
        found: dict[str, Any] = json.loads(stream.read())
    return Manifest(**found)


def _folder(root: str, spec: Spec, destination: str, audience: str, run_date: date) -> tuple[fs.FileSystem, str]:
    filesystem, base = fs.FileSystem.from_uri(root)
    return filesystem, f"{base.rstrip('/')}/{_below(spec, destination, audience, run_date)}"


def _below(spec: Spec, destination: str, audience: str, run_date: date) -> str:
    return spec.folder.format(destination=destination, audience=audience, run_date=run_date)


def _write(filesystem: fs.FileSystem, path: str, data: bytes) -> None:
    with filesystem.open_output_stream(path) as stream:
        stream.write(data)
