"""The collector's YAML: what is allowed, and what an error says."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.ingest.collect.web_source import ROOT

from cdp.core.errors import ConfigError
from cdp.ingest.collect.settings import CollectSettings
from cdp.ingest.collect.webhooks import open_webhooks
from cdp.rules.definitions import read_definition

KEYS = "write_keys:\n- {key: key-0001, source: web}\n"


def test_the_example_is_valid_and_needs_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_definition(ROOT / "deploy/collect.yaml", CollectSettings)
    assert settings.sources == sorted(settings.sources)
    assert settings.limits.message_bytes == 32 * 1024
    assert settings.limits.batch_bytes == 500 * 1024
    for webhook in settings.webhooks:
        monkeypatch.delenv(webhook.secret.env or "", raising=False)
    with pytest.raises(ConfigError, match="is empty or not set"):
        open_webhooks(settings.webhooks)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (KEYS + "limit: {}\n", "c.yaml:3: unknown key 'limit': did you mean 'limits'"),
        ("write_keys:\n- {key: key-0001, sorce: web}\n", "did you mean 'source'"),
        (KEYS + "- {key: key-0001, source: app}\n", "one key stands here twice"),
        ("write_keys: []\n", "nobody may send"),
        ("write_keys:\n- {key: key-0001, source: ../etc}\n", "c.yaml:2: key 'write_keys.0.source'"),
        (KEYS + "limits: {message_bytes: 0}\n", "limits.message_bytes"),
        ("webhooks:\n- {name: s, source: s, kind: shopify, secret: whsec_plain}\n", "webhooks.0.secret"),
        ("webhooks:\n- {name: s, source: s, kind: shopify, secret: {env: A, file: b}}\n", "exactly one of env, file"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_definition(file, CollectSettings)
    assert told in str(error.value)
    assert "whsec_plain" not in str(error.value)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "from the environment")
    (tmp_path / "secret").write_text("from the file\n")
    file = tmp_path / "c.yaml"
    file.write_text(
        f"webhooks:\n- {{name: shop, source: shop, kind: shopify, secret: {{env: SHOP_SECRET}}}}\n"
        f"- {{name: crm, source: crm, kind: hmac_sha256_hex, secret: {{file: {tmp_path}/secret}}}}\n"
    )
    webhooks = open_webhooks(read_definition(file, CollectSettings).webhooks)
    assert (webhooks["shop"].secret, webhooks["crm"].secret) == (b"from the environment", b"from the file")
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigError, match=r"webhook crm: its secret's file .* cannot be read"):
        open_webhooks(read_definition(file, CollectSettings).webhooks)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_definition(tmp_path / "none.yaml", CollectSettings)
