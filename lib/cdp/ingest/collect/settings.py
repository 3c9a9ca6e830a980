"""The collector's YAML: who may send, which source that is, how much, and how files are cut."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cdp.rules.secrets import SecretReference

_SOURCE = r"^[a-z][a-z0-9_]*$"


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WriteKeySpec(_Spec):
    """One write key: senders know it, browsers show it. Several keys may belong to one source."""

    key: str = Field(min_length=8, pattern=r"^[\w.\-]+$")
    source: str = Field(pattern=_SOURCE, description="folder below --out: the `location` of the source's definition")
    messages_per_second: float | None = Field(default=None, gt=0, description="null: as much as the disk takes")


class WebhookSpec(_Spec):
    """One signed webhook at `/v1/webhooks/<name>`."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$")
    source: str = Field(pattern=_SOURCE)
    kind: Literal["shopify", "hmac_sha256_hex"]
    header: str = Field(
        default="X-Signature", pattern=r"^[A-Za-z0-9\-]+$", description="of the signature, for hmac_sha256_hex"
    )
    secret: SecretReference


class Limits(_Spec):
    """What is answered 413; sizes are those of the unpacked body. The defaults are Segment's and CloudEvents'."""

    message_bytes: int = Field(default=32 << 10, gt=0)
    batch_bytes: int = Field(default=500 << 10, gt=0)
    cloudevent_bytes: int = Field(default=64 << 10, gt=0)
    webhook_bytes: int = Field(default=4_000_000, gt=0)


class RotationSpec(_Spec):
    """When a file is complete; midnight UTC always completes it."""

    max_bytes: int = Field(default=64 << 20, gt=0)
    max_age_seconds: float = Field(default=300, gt=0)


class CollectSettings(_Spec):
    """The whole file."""

    write_keys: tuple[WriteKeySpec, ...] = ()
    webhooks: tuple[WebhookSpec, ...] = ()
    limits: Limits = Limits()
    rotation: RotationSpec = RotationSpec()
    allow_origins: tuple[str, ...] = Field(default=("*",), description="web sites whose pages may send")

    @field_validator("write_keys")
    @classmethod
    def _keys_differ(cls, keys: tuple[WriteKeySpec, ...]) -> tuple[WriteKeySpec, ...]:
        if len({k.key for k in keys}) != len(keys):
            raise ValueError("one key stands here twice")
        return keys

    @field_validator("webhooks")
    @classmethod
    def _names_differ(cls, webhooks: tuple[WebhookSpec, ...]) -> tuple[WebhookSpec, ...]:
        if len({w.name for w in webhooks}) != len(webhooks):
            raise ValueError("one name stands here twice")
        return webhooks

    @model_validator(mode="after")
    def _somebody_may_send(self) -> CollectSettings:
        if not self.write_keys and not self.webhooks:
            raise ValueError("nobody may send: give write_keys or webhooks")
        return self

    @property
    def sources(self) -> list[str]:
        """Every source that is written, sorted."""
        return sorted({k.source for k in self.write_keys} | {w.source for w in self.webhooks})
