"""XML: cut a file into the elements that are its records, tell a file that is none, and read an element's fields.

Names are local ones, without the prefix of a namespace: the same field comes under other prefixes in other files, and
the root that declares them is not part of a record. An element is read by expat itself, which then asks for no
declaration, and knows no document type: there are no entities to expand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import pyarrow as pa

from cdp.ingest.fields import FieldTree, is_both
from cdp.ingest.records import BLOCK_BYTES

_PREFIX = rb"(?:[\w.\-]+:)?"
#: A quoted value may hold a >, and never a <.
_ATTRIBUTES = rb"(?:\s(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*?)?"
_FIRST_TAG = re.compile(rb"<" + _PREFIX + rb"([A-Za-z_][\w.\-]*)" + _ATTRIBUTES + rb"(/)?>")
_ASIDE = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
#: What may hold tags that are none: a comment, a CDATA section, an instruction; and the beginning of one.
_NO_TAGS = rb"(?P<text><!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>)|(?P<begun><!--|<!\[CDATA\[|<\?)"
#: A comment or CDATA section that does not end within this never does, and what follows it is looked at.
_LONGEST_TEXT = 64 << 20
_END_BYTES = 4096


def split_xml_elements(stream: BinaryIO, *, row_tag: str, block_bytes: int = BLOCK_BYTES) -> Iterator[pa.Array]:
    """Give every `<row_tag ...>...</row_tag>`, with whatever prefix, as it stands in the stream.

    What lies between is left out. An element that is never closed is given as it is, up to the next one or the end: it
    will be refused by name. Elements of the same name inside each other are not told apart. What looks like a tag in a
    comment or a CDATA section is text.
    """
    tag = _PREFIX + re.escape(row_tag.encode())
    tags = rb"<" + tag + _ATTRIBUTES + rb"(?P<alone>/)?>|(?P<close></" + tag + rb"\s*>)"
    token, tag_only = re.compile(tags + rb"|" + _NO_TAGS, re.DOTALL), re.compile(tags)
    data = b""
    while True:
        block = stream.read(block_bytes)
        data += block
        found: list[bytes] = []
        tokens, looked = _find_tags(data, token, tag_only, is_last=not block)
        opened, done = -1, 0
        for match in tokens:
            if opened >= 0:
                end = match.end() if match["close"] else match.start()
                found.append(data[opened:end])
            opened, done = (-1, match.end()) if match["close"] or match["alone"] else (match.start(), match.start())
            if match["alone"]:
                found.append(match[0])
        # A tag may be cut by the end of the block: keep what may be its beginning.
        data = data[done if opened >= 0 else max(done, looked) :]
        if not block and opened >= 0:
            found.append(data)
        if found:
            yield pa.array(found, pa.binary())
        if not block:
            return


def _find_tags(
    data: bytes, token: re.Pattern[bytes], tag_only: re.Pattern[bytes], *, is_last: bool
) -> tuple[list[re.Match[bytes]], int]:
    """The tags outside comments and the like, and up to where data were looked at: more of the rest must be read."""
    tags: list[re.Match[bytes]] = []
    looked = 0
    for match in token.finditer(data):
        if match["begun"] and not is_last and len(data) - match.start() < _LONGEST_TEXT:
            return tags, match.start()
        if match["begun"]:
            tags += tag_only.finditer(data, match.end())
            break
        if match["text"]:
            looked = match.end()
        else:
            tags.append(match)
    return tags, max(looked, data.rfind(b"<", looked))


def find_xml_fault(stream: BinaryIO, row_tag: str) -> str | None:
    """Say why a file is no XML document, or none that is whole; what is wrong inside a record is told record by record.

    The root must be closed at the end; a file whose outermost elements are the records has no root.
    """
    head = stream.read(BLOCK_BYTES)
    first = _FIRST_TAG.search(_ASIDE.sub(b"", head))
    if first is None:
        return "the file holds no XML element in an encoding that contains ASCII"
    if first[2] or first[1] == row_tag.encode():
        return None
    end = head
    while block := stream.read(BLOCK_BYTES):
        end = end[-_END_BYTES:] + block
    closing = re.compile(rb"</" + _PREFIX + re.escape(first[1]) + rb"\s*>(?:\s|<!--.*?-->)*$", re.DOTALL)
    if closing.search(end[-_END_BYTES:]) is None:
        return "the file ends before its outermost element is closed: it is truncated or not well-formed"
    return None


def take_fields(raw: bytes, encoding: str, fields: FieldTree) -> tuple[list[str], str | None]:
    """Give an element's fields as a JSON object, every value a text, and its faults (codes, or `repeated PATH`).

    `name` is a child or else an attribute, `@name` an attribute, `#text` the text beside attributes. A list is one of
    however many elements; a field that is no list, but comes several times, is a JSON list as one text. Of a
    parent that comes several times the first one counts, and that it does is a fault: the others would be lost.
    """
    try:
        element = _read_element(raw.decode(encoding))
    except UnicodeDecodeError:
        return ["bad_encoding"], None
    except expat.ExpatError:
        return ["bad_xml"], None
    faults: list[str] = []
    try:
        return faults, json.dumps(_take_object(element, fields, "", faults), ensure_ascii=False)
    except RecursionError:  # hundreds of elements inside each other
        return ["bad_xml"], None


def _read_element(text: str) -> Element:
    builder, parser = TreeBuilder(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, attributes: builder.start(
        _local(tag), {_local(name): value for name, value in attributes.items() if not name.startswith("xmlns")}
    )
    parser.EndElementHandler = lambda tag: builder.end(_local(tag))
    parser.CharacterDataHandler = builder.data
    parser.Parse(text.strip(), True)
    return builder.close()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _take_object(element: Element, node: FieldTree, path: str, faults: list[str]) -> dict[str, Any]:
    taken = {}
    for name, child in node.children.items():
        value = _take_member(element, name, child, f"{path}{name}", faults)
        if value is not None:
            taken[name] = value
    return taken


def _take_member(element: Element, name: str, node: FieldTree, path: str, faults: list[str]) -> object:
    if name == "#text":
        return element.text
    found = element.findall(name) if not name.startswith("@") else []
    if not found:
        return None if node.children else element.get(name.removeprefix("@"))
    if not node.children:
        values = [_whole(child) for child in found]
        return values if len(values) > 1 or node.is_list else values[0]
    if node.is_list:
        return [_take_object(child, node, f"{path}.", faults) for child in found]
    if len(found) > 1:
        faults.append(f"repeated {path}")
    parts = _take_object(found[0], node, f"{path}.", faults)
    whole = _whole(found[0]) if is_both(node) else None
    return {**whole, **parts} if isinstance(whole, dict) else parts


def _whole(element: Element) -> str | dict[str, Any] | None:
    """An element as a text, or with children as an object of all its attributes and children."""
    if not len(element):
        return element.text
    children: dict[str, list[object]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(_whole(child))
    return {**element.attrib, **{tag: values[0] if len(values) == 1 else values for tag, values in children.items()}}
