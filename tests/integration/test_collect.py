"""The collector on loopback: requests, kills, full disks, signatures; what it answers 200 to is in its files."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import itertools
import json
import resource
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.http_load import Answered, post, send_all
from tests.integration.collectors import CALLS, KEY, SECRET, SLOW_KEY, RunningCollector, basic
from tests.integration.conftest import Run

from cdp.ingest.collect.lines import original_message


def test_single_calls_their_short_paths_and_keys_in_bodies(collector: RunningCollector) -> None:
    for n, call in enumerate(CALLS):
        raw = b'{"userId": "u%d",\n "n": 1.50}' % n
        assert collector.post(f"/v1/{call}", raw).status == 200
        short = {"writeKey": KEY, "anonymousId": f"a{n}"}
        assert collector.request("POST", f"/v1/{call[0]}", short, content_type="text/plain").status == 200
        assert original_message(collector.lines(with_open=True)[-2]) == raw, "on disk when it is answered"
    for path in ("/v1/batch", "/v1/import", "/v1/b"):
        assert collector.request("POST", path, {"writeKey": KEY, "batch": [{"type": "page"}, 5]}).status == 200
    output = collector.stop()
    assert collector.process.returncode == 0
    assert "web: 18 messages kept" in output
    assert json.loads((collector.out / "summary.json").read_text())["kept"] == {"web": 18}
    types = [json.loads(line).get("type") for line in collector.lines()]
    assert types[:12] == [call for call in CALLS for _ in range(2)]
    assert types[12:] == ["page", None] * 3
    assert collector.open_files() == []


def test_a_pixel_is_a_picture_and_an_event(collector: RunningCollector) -> None:
    message = {"writeKey": KEY, "userId": "u1", "event": "E-mail Opened", "properties": {"campaign": "Größe ÿ?>"}}
    data = base64.b64encode(json.dumps(message, ensure_ascii=False).encode()).decode()
    reply = collector.request("GET", f"/v1/pixel/track?data={data}", user_agent="Mail/1.0")
    assert reply.status == 200
    assert reply.headers["content-type"] == "image/gif"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.body == bytes.fromhex(
        "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002014400 3b".replace(" ", "")
    )
    line = json.loads(collector.lines(with_open=True)[0])
    assert {name: line[name] for name in message} == message
    assert (line["type"], line["collector"]["userAgent"]) == ("track", "Mail/1.0")
    assert collector.request("GET", "/v1/pixel/track?data=e").status == 400
    assert collector.request("GET", "/v1/pixel/track").status == 400
    assert collector.request("GET", f"/v1/pixel/nothing?data={data}").status == 404


def test_what_is_refused_and_why(collector: RunningCollector) -> None:
    track = {"userId": "u1", "event": "E"}
    bomb = gzip.compress(b'{"x":"' + b"y" * 10_000_000 + b'"}')
    cases = [
        (401, collector.post("/v1/track", track, key="wrong-key")),
        (401, collector.request("POST", "/v1/track", track)),
        (401, collector.request("POST", "/v1/batch", {"writeKey": "wrong-key", "batch": []})),
        (401, collector.request("POST", "/v1/cloudevents", track)),
        (400, collector.post("/v1/track", b'{"userId":')),
        (400, collector.post("/v1/track", [track])),
        (400, collector.post("/v1/batch", {"batch": "none"})),
        (400, collector.post("/v1/track", b"no gzip", content_encoding="gzip")),
        (415, collector.post("/v1/track", track, content_encoding="br")),
        (404, collector.post("/v1/trakc", track)),
        (404, collector.request("POST", "/v1/webhooks/nobody", track)),
        (405, collector.request("GET", "/v1/track")),
        (413, collector.post("/v1/track", {"x": "y" * 32 * 1024})),
        (
            413,
            collector.post("/v1/track", bomb, content_encoding="gzip"),
        ),
        (413, collector.post("/v1/batch", {"batch": [{}, {"x": "y" * 32 * 1024}]})),
        (413, collector.post("/v1/batch", {"context": {"x": "y" * 200_000}, "batch": [{}] * 1000})),
        (413, collector.post("/v1/batch", {"batch": [{"x": "y" * 30_000}] * 18})),
    ]
    assert [reply.status for _, reply in cases] == [status for status, _ in cases]
    assert b"message 1 is larger than 32768 bytes" in cases[-3][1].body
    assert all("code" in json.loads(r.body) for status, r in cases if status not in (404, 405))
    large = [{"x": "y" * 30_000}] * 17
    assert collector.post("/v1/batch", {"batch": large}).status == 200
    assert collector.post("/v1/track", b'{"x":"' + b"y" * (32 * 1024 - 8) + b'"}').status == 200
    assert len(collector.lines(with_open=True)) == 18


def test_a_sender_above_its_rate_is_told_when_to_come_back(collector: RunningCollector) -> None:
    batch = {"batch": [{"type": "page"}] * 6}
    assert collector.post("/v1/batch", batch, key=SLOW_KEY).status == 200
    refused = collector.post("/v1/track", {"userId": "u"}, key=SLOW_KEY)
    assert refused.status == 429
    wait = int(refused.headers["retry-after"])
    assert 1 <= wait <= 3
    assert collector.post("/v1/batch", batch).status == 200, "other keys are not held back"
    time.sleep(wait)
    assert collector.post("/v1/track", {"userId": "u"}, key=SLOW_KEY).status == 200
    assert len(collector.lines("app", with_open=True)) == 7


def test_webhooks_are_checked_on_the_raw_bytes(collector: RunningCollector) -> None:
    body = b'{ "id": 820982911946154508,\n "total_price": "254.98" }\n'
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    shop = {"x_shopify_hmac_sha256": base64.b64encode(digest).decode(), "x_shopify_topic": "orders/create"}
    assert collector.request("POST", "/v1/webhooks/shop", body, **shop).status == 200
    assert collector.request("POST", "/v1/webhooks/crm", body, x_signature=f"sha256={digest.hex()}").status == 200
    altered = body.replace(b"254.98", b"254.99")
    for reply in (
        collector.request("POST", "/v1/webhooks/shop", altered, **shop),
        collector.request("POST", "/v1/webhooks/shop", body.strip(), **shop),
        collector.request("POST", "/v1/webhooks/shop", body),
        collector.request("POST", "/v1/webhooks/crm", altered, x_signature=digest.hex()),
        collector.request("POST", "/v1/webhooks/crm", body, x_signature=base64.b64encode(digest).decode()),
    ):
        assert (reply.status, json.loads(reply.body)["code"]) == (401, "bad_signature")
    (line,) = collector.lines("shopify", with_open=True)
    assert original_message(line) == body
    assert json.loads(line)["collector"]["headers"]["x-shopify-topic"] == "orders/create"
    assert len(collector.lines("crm", with_open=True)) == 1


def test_cloudevents_in_all_modes(collector: RunningCollector) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {"a": 1}}
    sent = [
        collector.post("/v1/cloudevents", event, content_type="application/cloudevents+json"),
        collector.post("/v1/cloudevents", [event, event], content_type="application/cloudevents-batch+json"),
        collector.post("/v1/cloudevents", {"a": 1}, content_type="application/json", ce_specversion="1.0", ce_id="1",
                       ce_source="/s", ce_type="t"),
        collector.request("POST", "/v1/cloudevents", event, authorization=f"Bearer {KEY}",
                          content_type="application/cloudevents+json"),
    ]  # fmt: skip
    assert [reply.status for reply in sent] == [200] * 4
    lines = [json.loads(line) for line in collector.lines(with_open=True)]
    assert len(lines) == 5
    assert all({name: line[name] for name in event} == event for line in lines)
    assert collector.post("/v1/cloudevents", event, content_type="application/cloudevents-batch+json").status == 400


def test_pages_of_other_sites_may_send(collector: RunningCollector) -> None:
    asked = collector.request(
        "OPTIONS", "/v1/track", origin="https://shop.example", access_control_request_method="POST",
        access_control_request_headers="authorization,content-type",
    )  # fmt: skip
    assert asked.status == 200
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"].lower()
    for reply in (
        collector.post("/v1/track", {"userId": "u"}, origin="https://shop.example"),
        collector.post("/v1/track", b"x", origin="https://shop.example"),
    ):
        assert reply.headers["access-control-allow-origin"] == "*", "a page can read why it was refused, too"


def test_what_cannot_be_kept_is_answered_503_and_recovers(collector: RunningCollector) -> None:
    assert collector.post("/v1/track", {"userId": "before"}).status == 200
    pid, unlimited = collector.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, unlimited))  # every file is as good as on a full disk
    for _ in range(3):
        reply = collector.post("/v1/track", {"userId": "lost"})
        assert (reply.status, json.loads(reply.body)["code"]) == (503, "not_kept")
        assert int(reply.headers["retry-after"]) >= 1
    assert collector.request("GET", "/health").status == 503
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert collector.post("/v1/track", {"userId": "after"}).status == 200
    shutil.move(collector.out / "web", collector.out / "away")
    (collector.out / "web").write_text("a file where the folder should be")
    assert [collector.post("/v1/track", {"userId": "lost"}).status for _ in range(2)] == [503, 503]
    (collector.out / "web").unlink()
    assert collector.post("/v1/track", {"userId": "again"}).status == 200
    collector.stop()
    assert collector.process.returncode == 0
    users = [
        json.loads(line)["userId"] for source in ("away", "web") for line in collector.lines(source, with_open=True)
    ]
    assert [user for user in users if user != "lost"] == ["before", "after", "again"]


def load_until_gone(collector: RunningCollector, numbers: Iterator[int], *, stop_after: float, how: int) -> set[int]:
    """Send single events until the collector is ended by a signal; gives the numbers that were acknowledged."""
    sent: list[int] = []

    def requests() -> Iterator[bytes]:
        for number in numbers:
            sent.append(number)
            yield post("/v1/track", b'{"messageId":"%d","pad":"%s"}' % (number, b"x" * (number * 37 % 3000)), AUTH)

    timer = threading.Timer(stop_after, lambda: collector.process.send_signal(how))
    timer.start()
    answers: list[Answered] = send_all(collector.port, requests(), connections=16)
    timer.join()
    collector.process.communicate(timeout=30)
    assert {a.status for a in answers} <= {200, 503}
    return {sent[a.number] for a in answers if a.status == 200}


AUTH = f"Authorization: {basic(KEY)}\r\n"


def test_killed_again_and_again_nothing_acknowledged_is_lost(collector: RunningCollector) -> None:
    numbers = itertools.count()
    acknowledged: set[int] = set()
    for kill in range(5):
        acknowledged |= load_until_gone(collector, numbers, stop_after=0.3 + 0.17 * kill, how=signal.SIGKILL)
        left = collector.open_files()
        if kill % 2 and left:  # a machine that dies with it can leave half a line, too
            with left[0].open("ab") as file:
                file.write(b'{"messageId":"torn')
        collector.start()
        assert collector.open_files() == [], "what the killed one left open is complete"
    collector.stop()
    kept = [int(json.loads(line)["messageId"]) for line in collector.lines()]
    assert len(acknowledged) > 100
    assert acknowledged - set(kept) == set()
    assert len(kept) == len(set(kept))


def test_a_polite_end_in_the_middle_of_load(collector: RunningCollector) -> None:
    acknowledged = load_until_gone(collector, itertools.count(), stop_after=0.7, how=signal.SIGTERM)
    assert collector.process.returncode == 0
    assert collector.open_files() == []
    kept = {int(json.loads(line)["messageId"]) for line in collector.lines()}
    assert len(acknowledged) > 20
    assert acknowledged <= kept


def test_a_second_collector_and_wrong_settings_are_told(collector: RunningCollector, cdp: Run, tmp_path: Path) -> None:
    second = subprocess.run(
        collector.command(), env=collector.environment(), capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 5
    assert "another collector writes to" in second.stderr
    conf, secret = str(tmp_path / "collect.yaml"), {"TEST_SHOP_SECRET": SECRET}
    elsewhere = ["collect", "--conf", conf, "--out", str(tmp_path / "other")]
    taken = cdp(*elsewhere, "--port", str(collector.port), env=secret)
    assert (taken.returncode, "cannot listen on 127.0.0.1" in taken.stderr) == (2, True)
    unset = cdp(*elsewhere, "--port", "0", env={"TEST_SHOP_SECRET": ""})
    assert (unset.returncode, "TEST_SHOP_SECRET is empty or not set" in unset.stderr) == (2, True)
    assert "Traceback" not in taken.stderr + unset.stderr
