"""Read a request's body up to a limit, and unpack it where it is gzip."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from cdp.ingest.collect.refusals import RefusedError

_GZIP = 31  # zlib's window bits for a gzip header and trailer


async def read_body(request: Request, limit: int) -> bytes:
    """The unpacked body; RefusedError 413 above the limit (packed or unpacked), 400 for broken gzip, 415 else."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise RefusedError(415, "unknown_encoding", f"content encoding {encoding!r}: send gzip, or none")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise RefusedError(413, "too_large", f"the body is larger than {limit} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise RefusedError(413, "too_large", f"the body is larger than {limit} bytes")
    return unpack(bytes(body), limit) if encoding.endswith("gzip") else bytes(body)


def unpack(packed: bytes, limit: int) -> bytes:
    """Unpack gzip (of several members, too), never more than the limit."""
    body = b""
    while packed:
        member = zlib.decompressobj(_GZIP)
        try:
            body += member.decompress(packed, limit + 1 - len(body))
        except zlib.error:
            raise RefusedError(400, "unreadable", "the body is not gzip, though its content encoding says so") from None
        if len(body) > limit:
            raise RefusedError(413, "too_large", f"the unpacked body is larger than {limit} bytes")
        if not member.eof:
            raise RefusedError(400, "unreadable", "the gzip body ends too early")
        packed = member.unused_data
    return body
