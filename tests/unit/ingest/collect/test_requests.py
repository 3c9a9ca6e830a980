"""Who may send and how much, what is signed, and what of CloudEvents becomes which line."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from typing import Any

import pytest

from cdp.ingest.collect.bodies import unpack
from cdp.ingest.collect.cloudevents import event_line, read_events
from cdp.ingest.collect.keys import Sender, WriteKeys
from cdp.ingest.collect.lines import original_message
from cdp.ingest.collect.messages import UnreadableError
from cdp.ingest.collect.refusals import RefusedError
from cdp.ingest.collect.settings import WriteKeySpec
from cdp.ingest.collect.webhooks import Webhook, webhook_line

NOW = b'"2026-01-04T10:00:00.000Z"'


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


def test_a_write_key_is_found_wherever_senders_put_it() -> None:
    keys = WriteKeys([WriteKeySpec(key="key-0001", source="web"), WriteKeySpec(key="key-0002", source="app")])
    for header in (basic(b"key-0002:"), basic(b"key-0002:any"), basic(b"key-0002"), "Bearer key-0002"):
        sender = keys.by_header(header)
        assert sender is not None, header
        assert sender.source == "app"
    assert keys.by_header(basic(b"key-0002:").replace("Basic", "basic")) is not None
    for header in ("", "Basic", "Basic ???", basic(b":key-0002"), basic(b"\xff\xfe:"), "Digest key-0002", "Bearer x"):
        assert keys.by_header(header) is None, header
    assert keys.by_key("key-0001") is not None
    for nobody in (None, "key", 5, ["key-0001"], {"a": 1}):
        assert keys.by_key(nobody) is None


def test_the_rate_is_kept_over_time_and_a_large_batch_is_not_locked_out() -> None:
    now = [0.0]
    sender = Sender(WriteKeySpec(key="key-0001", source="web", messages_per_second=10), monotonic=lambda: now[0])
    taken = 0
    for step in range(1000):  # ten seconds, asked every hundredth of one
        now[0] = step / 100
        if not sender.seconds_to_wait():
            sender.count(1)
            taken += 1
    assert 100 <= taken <= 111
    now[0] += 60
    assert sender.seconds_to_wait() == 0
    sender.count(100)
    assert sender.seconds_to_wait() == 9
    now[0] += 8.9
    assert sender.seconds_to_wait() == 1
    now[0] += 0.2
    assert sender.seconds_to_wait() == 0


def signed(secret: bytes, body: bytes) -> bytes:
    return hmac.new(secret, body, hashlib.sha256).digest()


def test_signatures_are_of_the_raw_bytes() -> None:
    shop = Webhook("shop", "shop", "x-shopify-hmac-sha256", True, b"secret")
    other = Webhook("crm", "crm", "x-signature", False, b"secret")
    body = b'{"id": 1,  "note": "caf\xc3\xa9"}\n'
    in_base64 = base64.b64encode(signed(b"secret", body)).decode()
    in_hex = signed(b"secret", body).hex()
    assert shop.is_signed(body, {"x-shopify-hmac-sha256": in_base64})
    for given in (in_hex, f"sha256={in_hex}", in_hex.upper()):
        assert other.is_signed(body, {"x-signature": given})
    for altered in (body.strip(), body.replace(b"  ", b" "), body + b" ", b""):
        assert not shop.is_signed(altered, {"x-shopify-hmac-sha256": in_base64})
        assert not other.is_signed(altered, {"x-signature": in_hex})
    for wrong in ({}, {"x-signature": ""}, {"x-signature": "größe"}, {"x-signature": in_hex[:-1]}):
        assert not other.is_signed(body, wrong)
    assert not shop.is_signed(body, {"x-shopify-hmac-sha256": in_hex})


@pytest.mark.parametrize("body", [b'{"id": 1}', b'{\n  "id": 1\n}\n', b"[1]", b"a=1&b=2", b"", b"\xff\x00"])
def test_a_webhook_keeps_its_bytes_and_the_headers_that_describe_it(body: bytes) -> None:
    shop = Webhook("shop", "shop", "x-shopify-hmac-sha256", True, b"secret")
    signature = base64.b64encode(signed(b"secret", body)).decode()
    headers = {
        "x-shopify-topic": "orders/create", "x-shopify-hmac-sha256": signature, "content-type": "application/json",
        "x-forwarded-for": "192.0.2.1", "authorization": "Basic x", "cookie": "c",
    }  # fmt: skip
    line = webhook_line(shop, body, headers.items(), received_at=NOW)
    assert original_message(line) == body
    about = json.loads(line)["collector"]
    assert set(about["headers"]) == {"x-shopify-topic", "x-shopify-hmac-sha256", "content-type"}
    assert shop.is_signed(original_message(line), about["headers"]), "it can be proved again from the file"
    if body.startswith(b"{"):
        assert json.loads(line)["id"] == 1


def lines_of(body: bytes, headers: dict[str, str]) -> list[dict[str, Any]]:
    return [json.loads(event_line(e, received_at=NOW)) for e in read_events(body, headers.items())]


EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created", "data": {"total": 1.5}}
ARRIVED = {"receivedat": "2026-01-04T10:00:00.000Z"}


def test_structured_and_batched_cloudevents() -> None:
    body = json.dumps(EVENT).encode()
    assert lines_of(body, {"content-type": "application/cloudevents+json; charset=utf-8"}) == [{**EVENT, **ARRIVED}]
    many = b"[" + body + b" , 5]"
    batch = lines_of(many, {"content-type": "application/cloudevents-batch+json"})
    assert batch[0] == {**EVENT, **ARRIVED}
    assert batch[1] == {**ARRIVED, "collectorraw": "NQ=="}
    with pytest.raises(UnreadableError):
        lines_of(body, {"content-type": "application/cloudevents-batch+json"})
    with pytest.raises(UnreadableError):
        lines_of(b"x", {"content-type": "application/cloudevents+json"})


def test_binary_cloudevents() -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/shop",
        "ce-type": "t",
        "ce-subject": "Euro%20%E2%82%AC",
    }
    attributes = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "t", "subject": "Euro €"}
    in_json = {**headers, "content-type": "application/json"}
    assert lines_of(b'{"total": 1.50}', in_json) == [
        {**attributes, **ARRIVED, "datacontenttype": "application/json", "data": {"total": 1.5}}
    ]
    assert b'{"total": 1.50}' in event_line(read_events(b'{"total": 1.50}', in_json.items())[0], received_at=NOW)
    of_bytes = {**headers, "content-type": "image/png"}
    assert lines_of(b"\x89PNG", of_bytes) == [
        {**attributes, **ARRIVED, "datacontenttype": "image/png", "data_base64": "iVBORw=="}
    ]
    assert lines_of(b"", headers) == [{**attributes, **ARRIVED}]
    broken = lines_of(b'{"total":', in_json)[0]
    assert base64.b64decode(broken["data_base64"]) == b'{"total":'
    spread = lines_of(b'{\n"total": 1}', in_json)[0]
    assert spread["data"] == {"total": 1}
    assert b'{\n"total": 1}' in base64.b64decode(spread["collectorraw"])


def test_gzip_is_unpacked_within_the_limit() -> None:
    packed = gzip.compress(b"a" * 1000)
    assert unpack(packed, 1000) == b"a" * 1000
    assert unpack(gzip.compress(b"ab") + gzip.compress(b"cd"), 4) == b"abcd"
    for body, limit, status in (
        (packed, 999, 413), (gzip.compress(bytes(50_000_000)), 1000, 413), (packed[:-4], 1000, 400), (b"plain", 9, 400),
    ):  # fmt: skip
        with pytest.raises(RefusedError) as refused:
            unpack(body, limit)
        assert refused.value.status == status
