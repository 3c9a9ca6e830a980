"""Check a file before anything is read from it: whole, readable, and not a copy of one that we have.

Spark would stop at a truncated gzip, or with ignoreCorruptFiles lose rows without a sign: so a bad file is
found here and quarantined whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zlib
from dataclasses import dataclass, replace
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from cdp.core.keys import hashed_text
from cdp.ingest.avro import find_avro_fault
from cdp.ingest.discover import FoundFile
from cdp.ingest.formats import CsvOptions
from cdp.ingest.json_documents import is_json_document
from cdp.ingest.records import MAX_ROW_BYTES, compression_of, ends_by_return, first_csv_row, open_stream
from cdp.ingest.spec import SourceSpec
from cdp.ingest.xml_elements import find_xml_fault

_BLOCK = 1 << 20
_MAGIC = b"PAR1"
EMPTY = "the file is empty"
_SAY_ENCODING = "write the file so, or say its encoding in the source's `csv: {encoding: ...}`"
_NO_HEADER = (
    "the header is not a row of distinct names: the first row must name every column, or the source's `csv: {header: "
    "[...]}` does where files have no such row"
)


@dataclass(frozen=True)
class CheckedFile:
    """What the check found: `state` is landed (to be read), quarantined or duplicate; `reason` says why.

    `format` is the source's, or json where a file of JSON lines turns out to be one JSON document.
    `header` is the column names of a CSV file as a JSON array, None for other formats.
    """

    file: FoundFile
    format: str
    file_id: str
    sha256: str
    state: str
    reason: str | None = None
    header: str | None = None


def check_file(file: FoundFile, spec: SourceSpec) -> CheckedFile:
    """Hash the file and find out whether it can be read to its end.

    file_id is made of source and content: the same bytes are the same file wherever they lie. Files that are
    not landed also hash their path, so that each of them keeps its own line in the ledger.
    """
    sha256 = _hash_file(file)
    is_lines = spec.format in ("jsonl", "kafka")  # messages of a topic in a file stand one a line
    checked = CheckedFile(
        file, "jsonl" if is_lines else spec.format, hashed_text(file.source, sha256, length=16), sha256, "landed"
    )
    reason = _find_fault(file, spec)
    if reason is not None:
        return set_aside(checked, "quarantined", reason)
    if is_lines:
        with open_stream(str(file.full_path)) as stream:
            return replace(checked, format="json") if is_json_document(stream) else checked
    if spec.csv and spec.csv.header:
        return replace(checked, header=json.dumps(spec.csv.header, ensure_ascii=False))
    if spec.format != "csv":
        return checked
    try:
        return replace(checked, header=json.dumps(_read_header(file, spec), ensure_ascii=False))
    except UnicodeError:
        return set_aside(checked, "quarantined", f"the header is not in {_encoding(spec)}: {_SAY_ENCODING}")
    except (ValueError, csv.Error):
        return set_aside(checked, "quarantined", _NO_HEADER)


def set_aside(checked: CheckedFile, state: str, reason: str) -> CheckedFile:
    """Mark a file as not to be read, under an id of its own."""
    return replace(checked, state=state, reason=reason, file_id=own_id(checked), header=None)


def own_id(checked: CheckedFile) -> str:
    """An id that the same content elsewhere does not have."""
    return hashed_text(checked.file.source, checked.sha256, checked.file.path, length=16)


def _hash_file(file: FoundFile) -> str:
    digest = hashlib.sha256()
    with file.full_path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _find_fault(file: FoundFile, spec: SourceSpec) -> str | None:
    if file.size_bytes == 0:
        return EMPTY
    if spec.format == "parquet":
        return _find_parquet_fault(file)
    if spec.format == "avro":
        with file.full_path.open("rb") as stream:
            return find_avro_fault(stream)
    compression = compression_of(str(file.full_path))
    fault = _find_stream_fault(file, compression) if compression else None
    if fault is None and spec.xml:
        with open_stream(str(file.full_path)) as stream:
            return find_xml_fault(stream, spec.xml.row_tag)
    return fault


def _find_stream_fault(file: FoundFile, compression: str) -> str | None:
    """How far the stream could be read is not told: the readers give nothing of the block that is damaged."""
    has_content = False
    try:
        with open_stream(str(file.full_path)) as stream:
            while stream.read(_BLOCK):
                has_content = True
    except (EOFError, zlib.error, OSError):
        return f"the {compression} stream is truncated or damaged: deliver the file anew"
    return None if has_content else EMPTY


def _find_parquet_fault(file: FoundFile) -> str | None:
    with file.full_path.open("rb") as stream:
        if file.size_bytes < 12 or stream.read(4) != _MAGIC or not _ends_with_magic(stream):
            return "the file does not begin and end as Parquet does: truncated, or another format"
    try:
        with pq.ParquetFile(file.full_path) as parquet:
            try:
                for _ in parquet.iter_batches():
                    pass
            except (pa.ArrowException, OSError):
                return "the Parquet file is damaged: not all of its pages can be read"
    except (pa.ArrowException, OSError):
        return "the Parquet footer cannot be read"
    return None


def _ends_with_magic(stream: BinaryIO) -> bool:
    stream.seek(-4, 2)
    return stream.read(4) == _MAGIC


def _encoding(spec: SourceSpec) -> str:
    return spec.csv.encoding if spec.csv else "utf-8"


def _read_header(file: FoundFile, spec: SourceSpec) -> list[str]:
    csv_options = spec.csv or CsvOptions()
    delimiter, quote = csv_options.delimiter, csv_options.quote or '"'
    with open_stream(str(file.full_path)) as stream:
        head = io.BytesIO(stream.read(MAX_ROW_BYTES))
    by_return = ends_by_return(head, quote.encode())
    head.seek(0)
    raw = first_csv_row(head, quote=quote.encode(), by_return=by_return)
    text = raw.decode(_encoding(spec)).removeprefix("\ufeff")
    if "\0" in text:
        raise UnicodeError("every other byte of UTF-16")
    names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter, quotechar=quote))]
    if not names or not all(names) or len(set(names)) != len(names):
        raise ValueError("empty or repeated names")
    return names
