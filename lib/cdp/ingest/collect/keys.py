"""Who may send: a write key in the Authorization header, as SDKs send it, or in the body, as browsers do."""

from __future__ import annotations

import base64
import binascii
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from cdp.ingest.collect.settings import WriteKeySpec


class Sender:
    """One write key: the source it writes to, and how much it has sent lately."""

    def __init__(self, spec: WriteKeySpec, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.source = spec.source
        self._rate = spec.messages_per_second
        self._monotonic = monotonic
        self._left = self._rate or 0.0
        self._seen_at = monotonic()

    def seconds_to_wait(self) -> int:
        """How long the sender must wait before its next request is taken; 0: not at all.

        A bucket that fills at the permitted rate and holds one second of it. A request is taken while
        anything is left, and may overdraw the bucket: so a batch larger than the bucket is not locked out for ever.
        """
        if self._rate is None:
            return 0
        now = self._monotonic()
        self._left = min(max(self._rate, 1.0), self._left + (now - self._seen_at) * self._rate)
        self._seen_at = now
        return 0 if self._left > 0 else max(1, math.ceil(-self._left / self._rate))

    def count(self, messages: int) -> None:
        """Take a request's messages out of the bucket."""
        if self._rate is not None:
            self._left -= messages


class WriteKeys:
    """The senders by their keys."""

    def __init__(self, specs: Iterable[WriteKeySpec]) -> None:
        self._senders = {spec.key: Sender(spec) for spec in specs}
        # What an SDK sends, made once: name = key, no password.
        self._headers = {"Basic " + base64.b64encode(f"{k}:".encode()).decode(): s for k, s in self._senders.items()}

    def by_header(self, authorization: str) -> Sender | None:
        """The sender that an Authorization header names (Basic with the key as name, or Bearer); None: nobody."""
        known = self._headers.get(authorization)
        if known is not None:
            return known
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._senders.get(value.strip())
        if scheme.lower() != "basic":
            return None
        try:
            name = base64.b64decode(value.strip(), validate=True).partition(b":")[0]
        except binascii.Error:
            return None
        return self._senders.get(name.decode("latin-1"))

    def by_key(self, key: Any) -> Sender | None:
        """The sender of a key that stood in a body; None for anything that is no known key."""
        return self._senders.get(key) if isinstance(key, str) else None
