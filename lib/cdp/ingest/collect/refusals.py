"""What is answered where nothing is kept: a status, a code for machines, a message for people."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from cdp.ingest.collect.journal import NotKeptError
from cdp.ingest.collect.messages import UnreadableError


class RefusedError(Exception):
    """The end of a request of which nothing is kept."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after

    def as_response(self) -> Response:
        """The answer, in the shape that Segment's SDKs read."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        body = {"success": False, "code": self.code, "message": str(self)}
        return JSONResponse(body, status_code=self.status, headers=headers)


#: Everything that ends a request without anything kept.
REFUSING = (RefusedError, UnreadableError, NotKeptError, ClientDisconnect)


def as_refusal(error: Exception) -> RefusedError:
    """The refusal that an error of REFUSING means."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, NotKeptError):
        return RefusedError(503, "not_kept", str(error), retry_after=1)
    if isinstance(error, UnreadableError):
        return RefusedError(400, "unreadable", str(error))
    return RefusedError(400, "gone", "the sender went away")
