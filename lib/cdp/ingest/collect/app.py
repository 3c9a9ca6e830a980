"""The collector's HTTP: its endpoints, and what each answers. 200 only after the lines are on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cdp.ingest.collect.bodies import read_body
from cdp.ingest.collect.cloudevents import event_line, read_events
from cdp.ingest.collect.journal import Clock, Journal
from cdp.ingest.collect.keys import Sender, WriteKeys
from cdp.ingest.collect.lines import as_time
from cdp.ingest.collect.messages import Message, read_batch, read_message
from cdp.ingest.collect.refusals import REFUSING, RefusedError, as_refusal
from cdp.ingest.collect.segment import BATCH_PATHS, CALL_PATHS, CALLS, PIXEL, batch_lines, call_line, pixel_message
from cdp.ingest.collect.settings import CollectSettings
from cdp.ingest.collect.webhooks import Webhook, webhook_line

_OK = b'{"success":true}'
#: A batch's context times its messages may be so many batches large: a small request must not fill memory and disk.
_MAX_GROWTH = 8
_MAX_USER_AGENT = 500


class Collector:
    """The endpoints over one journal per source; counts messages `kept` by source and requests `refused` by code."""

    def __init__(
        self,
        settings: CollectSettings,
        *,
        journals: Mapping[str, Journal],
        webhooks: Mapping[str, Webhook],
        clock: Clock,
    ) -> None:
        self._limits = settings.limits
        self._keys = WriteKeys(settings.write_keys)
        self._journals = journals
        self._webhooks = webhooks
        self._clock = clock
        self.kept: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def call(self, request: Request) -> Response:
        """`POST /v1/track` and its like: one message."""
        call = _call_of(request)
        sender = self._sender_of_header(request)
        message = read_message(await read_body(request, self._limits.message_bytes))
        return await self._keep_call(request, call, message, sender)

    async def pixel(self, request: Request) -> Response:
        """`GET /v1/pixel/track?data=...`: one message in the address; the answer is a picture."""
        call = _call_of(request)
        sender = self._sender_of_header(request)
        message = read_message(pixel_message(request.query_params.get("data", "")))
        _check_sizes([message], self._limits.message_bytes)
        await self._keep_call(request, call, message, sender)
        return Response(PIXEL, media_type="image/gif", headers={"Cache-Control": "no-store"})

    async def batch(self, request: Request) -> Response:
        """`POST /v1/batch` or `/v1/import`: many messages, kept together or not at all."""
        sender = self._sender_of_header(request)
        batch = read_batch(await read_body(request, self._limits.batch_bytes))
        sender = sender or self._sender_of_key(batch.write_key)
        _check_sizes(batch.messages, self._limits.message_bytes)
        if batch.repeated_bytes > _MAX_GROWTH * self._limits.batch_bytes:
            raise RefusedError(413, "too_large", "the batch's context is too large to be given to each of its messages")
        lines = batch_lines(batch, received_at=self._now(), about=_about(request))
        return await self._keep_of(sender, lines, len(batch.messages))

    async def cloudevents(self, request: Request) -> Response:
        """`POST /v1/cloudevents` in any of its modes; the write key stands in the header."""
        sender = self._sender_of_header(request) or self._sender_of_key(None)
        events = read_events(await read_body(request, self._limits.batch_bytes), request.headers.items())
        _check_sizes(events, self._limits.cloudevent_bytes)
        received_at = self._now()
        lines = b"".join(event_line(event, received_at=received_at) for event in events)
        return await self._keep_of(sender, lines, len(events))

    async def webhook(self, request: Request) -> Response:
        """`POST /v1/webhooks/<name>`: kept if it is signed."""
        webhook = self._webhooks.get(request.path_params["name"])
        if webhook is None:
            raise RefusedError(404, "unknown_webhook", "no webhook of this name is configured")
        body = await read_body(request, self._limits.webhook_bytes)
        if not webhook.is_signed(body, request.headers):
            raise RefusedError(401, "bad_signature", f"{webhook.header} is not the signature of this body")
        line = webhook_line(webhook, body, request.headers.items(), received_at=self._now())
        return await self._keep(webhook.source, line, 1)

    async def health(self, _: Request) -> Response:
        """`GET /health`: 200, or 503 while a source could not be written within the last seconds."""
        failing = sorted(name for name, journal in self._journals.items() if journal.has_failed_lately())
        body = {"status": "failing" if failing else "ok", "failing": failing}
        return JSONResponse(body, status_code=503 if failing else 200)

    def refuse(self, _: Request, error: Exception) -> Response:
        """Answer a request that ended with one of REFUSING."""
        refusal = as_refusal(error)
        self.refused[refusal.code] += 1
        return refusal.as_response()

    async def _keep_call(self, request: Request, call: str, message: Message, sender: Sender | None) -> Response:
        sender = sender or self._sender_of_key(message.content.get("writeKey"))
        line = call_line(message, call, received_at=self._now(), about=_about(request))
        return await self._keep_of(sender, line, 1)

    async def _keep_of(self, sender: Sender, lines: bytes, messages: int) -> Response:
        sender.count(messages)
        return await self._keep(sender.source, lines, messages)

    async def _keep(self, source: str, lines: bytes, messages: int) -> Response:
        if lines:
            await self._journals[source].append(lines)
        self.kept[source] += messages
        return Response(_OK, media_type="application/json")

    def _now(self) -> bytes:
        return as_time(self._clock())

    def _sender_of_header(self, request: Request) -> Sender | None:
        """The sender that the Authorization header names; None without such a header."""
        authorization = request.headers.get("authorization")
        return None if authorization is None else _allowed(self._keys.by_header(authorization))

    def _sender_of_key(self, key: Any) -> Sender:
        return _allowed(self._keys.by_key(key))


def build_app(collector: Collector, settings: CollectSettings, journals: Mapping[str, Journal]) -> Starlette:
    """The ASGI application; its lifespan starts the journals, and completes their files at the end."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for journal in journals.values():
            journal.start()
        yield
        for journal in journals.values():
            await journal.close()

    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.allow_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        max_age=86400,
    )
    return Starlette(
        routes=[
            *(Route(f"/v1/{path}", collector.call, methods=["POST"]) for path in CALL_PATHS),
            *(Route(f"/v1/{path}", collector.batch, methods=["POST"]) for path in BATCH_PATHS),
            Route("/v1/cloudevents", collector.cloudevents, methods=["POST"]),
            Route("/v1/webhooks/{name}", collector.webhook, methods=["POST"]),
            *(Route(f"/v1/pixel/{path}", collector.pixel, methods=["GET"]) for path in CALLS),
            Route("/health", collector.health, methods=["GET"]),
        ],
        middleware=[cors],
        exception_handlers=dict.fromkeys(REFUSING, collector.refuse),
        lifespan=lifespan,
    )


def _call_of(request: Request) -> str:
    path: str = request.scope["path"]
    return CALL_PATHS[path.rpartition("/")[2]]


def _allowed(sender: Sender | None) -> Sender:
    if sender is None:
        raise RefusedError(401, "unknown_write_key", "send a write key: HTTP Basic with the key as name, or writeKey")
    wait = sender.seconds_to_wait()
    if wait:
        raise RefusedError(429, "too_many", "this write key sends more than it may", retry_after=wait)
    return sender


def _check_sizes(messages: Sequence[Message], limit: int) -> None:
    for position, message in enumerate(messages):
        if len(message.raw) > limit:
            raise RefusedError(413, "too_large", f"message {position} is larger than {limit} bytes")


def _about(request: Request) -> dict[str, Any]:
    """What only the request knows. Not the sender's network address: personal data that nobody asked for."""
    return {"path": request.scope["path"], "userAgent": request.headers.get("user-agent", "")[:_MAX_USER_AGENT]}
