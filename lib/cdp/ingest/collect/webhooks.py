"""Signed webhooks: the signature is checked on the bytes as they came, before anything reads them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cdp.ingest.collect.lines import make_line
from cdp.ingest.collect.messages import UnreadableError, read_message
from cdp.ingest.collect.settings import WebhookSpec

_SHOPIFY_HEADER = "x-shopify-hmac-sha256"
#: Headers of proxies: they hold addresses of people and machines, and say nothing about the event.
_OF_PROXIES = ("x-forwarded", "x-real-ip", "x-client-ip", "x-request-id")


@dataclass(frozen=True)
class Webhook:
    """One webhook with its secret; `header` is the lower-case name of the signature's header."""

    name: str
    source: str
    header: str
    is_base64: bool
    secret: bytes

    def is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether the body was signed with the secret: HMAC-SHA256, compared in constant time.

        Shopify sends it in base64; the generic kind in hex, with or without `sha256=` before it.
        """
        digest = hmac.new(self.secret, body, hashlib.sha256).digest()
        given = headers.get(self.header, "").strip().encode()
        if self.is_base64:
            return hmac.compare_digest(base64.b64encode(digest), given)
        return hmac.compare_digest(digest.hex().encode(), given.lower().removeprefix(b"sha256="))


def open_webhooks(specs: Iterable[WebhookSpec]) -> dict[str, Webhook]:
    """The webhooks by name, each secret read; ConfigError where one is missing."""
    return {
        spec.name: Webhook(
            name=spec.name,
            source=spec.source,
            header=_SHOPIFY_HEADER if spec.kind == "shopify" else spec.header.lower(),
            is_base64=spec.kind == "shopify",
            secret=spec.secret.read(f"webhook {spec.name}"),
        )
        for spec in specs
    }


def webhook_line(webhook: Webhook, body: bytes, headers: Iterable[tuple[str, str]], *, received_at: bytes) -> bytes:
    """The line of a webhook: the body, with the headers that describe it in `collector.headers`.

    The signature is among them, so that it can be checked again from the file. A signed body that is no JSON object is
    kept as well, in `collector.raw`.
    """
    kept = {n: v for n, v in headers if n == "content-type" or (n.startswith("x-") and not n.startswith(_OF_PROXIES))}
    content: Any
    try:
        content = read_message(body).content
    except UnreadableError:
        content = None
    about = {"webhook": webhook.name, "headers": kept}
    return make_line(body, content, received_at=received_at, added={}, about=about)
