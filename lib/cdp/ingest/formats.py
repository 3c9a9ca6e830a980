"""The shapes of the parts of conf/sources/*.yaml that say how records are written and where they are read."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cdp.rules.secrets import SecretReference, refuse_old_spelling

#: Encodings in which a line end is one ASCII byte, so that records can be split before they are decoded.
Encoding = Literal["utf-8", "utf-8-sig", "iso-8859-1", "cp1252"]

_DURATION = re.compile(r"^(\d+)(s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Definition(BaseModel):
    """A part of a definition file: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def duration(text: str | None) -> timedelta | None:
    """Read a duration such as 30s, 15m, 2h or 1d; None stays None."""
    match = _DURATION.match(text) if text else None
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def checked_duration(text: str | None) -> str | None:
    """Give a duration on; ValueError says how one is written."""
    if text is not None and not _DURATION.match(text):
        raise ValueError("must be a whole number and a unit: 30s, 15m, 2h or 1d")
    return text


class CsvOptions(Definition):
    """How the rows of a CSV source are written; quotes inside a value are doubled (RFC 4180)."""

    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1, description="null: no value is quoted")
    encoding: Encoding = "utf-8"
    header: tuple[str, ...] | None = Field(default=None, description="the columns of files without a header row")

    @model_validator(mode="after")
    def _characters_tell_apart(self) -> CsvOptions:
        if self.delimiter in ("\r", "\n", "\0", self.quote):
            raise ValueError("the delimiter is no line end, no NUL, and not the quote")
        if self.quote is not None and not "!" <= self.quote <= "~":
            raise ValueError("the quote is a sign of ASCII")
        try:
            self.delimiter.encode(self.encoding)
        except UnicodeEncodeError:
            raise ValueError(f"the delimiter is no character of {self.encoding}") from None
        return self

    @model_validator(mode="after")
    def _unquoted_is_utf8(self) -> CsvOptions:
        if self.quote is None and (self.header is None or self.encoding not in ("utf-8", "utf-8-sig")):
            raise ValueError("without quotes the columns must be given in `header`, and the encoding is utf-8")
        return self


class XmlOptions(Definition):
    """Which element of an XML file is one record; prefixes of namespaces do not count, here and in field names."""

    row_tag: str = Field(pattern=r"^[A-Za-z_][\w.\-]*$", description="the element's name without a prefix")
    encoding: Encoding = "utf-8"


class DatabaseOptions(Definition):
    """Which rows of a database are the source's, and how the new ones are told from those that came before."""

    url: str = Field(pattern=r"^jdbc:[a-z]+:", description="the JDBC address, without user and password")
    table: str | None = Field(default=None, description="schema.table")
    query: str | None = Field(default=None, description="a SELECT instead of a table")
    user: SecretReference
    password: SecretReference
    watermark: str | None = Field(
        default=None, description="a column that only grows (a change time, a number): newer rows are read, not all"
    )
    overlap: str | None = Field(default=None, description="read again what lies so far behind the watermark, e.g. 2h")
    missing_rows: Literal["kept", "deleted"] = Field(
        default="kept", description="deleted: a record that a whole load no longer has was deleted"
    )
    partition_column: str | None = Field(default=None, description="a whole-number column, to read ranges in parallel")
    partitions: int = Field(default=4, ge=1, le=256)

    @model_validator(mode="before")
    @classmethod
    def _login_is_spelled_anew(cls, given: Any) -> Any:
        return refuse_old_spelling(given, {"user_env": "user", "password_env": "password"})

    @field_validator("url")
    @classmethod
    def _url_holds_no_secret(cls, url: str) -> str:
        if re.search(r"(password|user)=|//[^/]*@", url, re.IGNORECASE):
            raise ValueError("holds a user or a password: name them in `user` and `password`, as {env: NAME}")
        return url

    @field_validator("overlap")
    @classmethod
    def _overlap_is_a_duration(cls, overlap: str | None) -> str | None:
        return checked_duration(overlap)

    @model_validator(mode="after")
    def _options_fit(self) -> DatabaseOptions:
        if (self.table is None) == (self.query is None):
            raise ValueError("give exactly one of table, query")
        if self.overlap is not None and self.watermark is None:
            raise ValueError("`overlap` lies behind a `watermark`: name one")
        if self.missing_rows == "deleted" and self.watermark is not None:
            raise ValueError("`missing_rows: deleted` needs whole loads: with a `watermark` most rows are missing")
        return self

    def rows_sql(self) -> str:
        """What to select from: the table, or the query as a subquery."""
        return self.table if self.table is not None else f"({self.query}) AS source_rows"


class KafkaOptions(Definition):
    """A topic whose messages are JSON."""

    servers: str = Field(description="host:port of one broker or several, with commas between them")
    topic: str
    options: dict[str, str] = Field(
        default_factory=dict, description="settings of Kafka's client, such as security.protocol"
    )
    secrets: dict[str, SecretReference] = Field(
        default_factory=dict, description="settings that are secret -> where the value lies"
    )

    @field_validator("secrets", mode="before")
    @classmethod
    def _secrets_are_spelled_anew(cls, given: Any) -> Any:
        names = [name for name, place in given.items() if isinstance(place, str)] if isinstance(given, dict) else []
        return refuse_old_spelling(given, {name: name for name in names})

    @field_validator("options")
    @classmethod
    def _options_hold_no_secret(cls, options: dict[str, str]) -> dict[str, str]:
        secret = [name for name in options if re.search(r"password|jaas|secret|\.key$", name)]
        if secret:
            raise ValueError(f"{secret[0]} is a secret: name it in `secrets`, as {{env: NAME}}")
        return options
