"""Serialization of answers as XML elements, by the shape: query, ec2 and rest-xml.

From https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings and the models:
- a member's element has its `locationName`, else its own name; a list's item has the `locationName` of the
  list's member, else `member` (ec2: `item`); a map's entry is `entry` around `key` and `value`
- a flattened list or map has no element around its items; the items of a flattened list whose member has a
  `locationName` have that name
- a member with `xmlAttribute` is an attribute of the start tag
- XML 1.0 cannot represent most control characters, not even as references
  (https://www.w3.org/TR/xml/#charsets). AWS replaces them by U+FFFD
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html);
  a carriage return is written as a reference, as a parser would convert it to a line feed
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from locum.wire.serializers import Answer, unknown_member
from locum.wire.serializers.text import (
    Instant,
    base64_text,
    boolean_text,
    float_text,
    integer_text,
    timestamp_texts,
)

if TYPE_CHECKING:
    from botocore.model import Shape, StructureShape

Write = Callable[[Any], str]

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_RARE_BYTES = bytes(set(range(0x20)) - {0x09, 0x0A})
_RARE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_ATTRIBUTE_REFERENCES = {'"': "&quot;", "\t": "&#x9;", "\n": "&#xA;"}


def escape(text: str) -> str:
    """Escape `text` for character data. Rare characters are left to `document`."""
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def escape_attribute(text: str) -> str:
    """Escape `text` for an attribute in double quotes."""
    escaped = escape(text)
    for character, reference in _ATTRIBUTE_REFERENCES.items():
        escaped = escaped.replace(character, reference)
    return escaped


def document(text: str) -> bytes:
    """Encode a finished document in UTF-8, with characters that XML 1.0 cannot represent replaced.

    Doing this once for the whole document takes a tenth of the time of checking every value.
    """
    if text.isascii():
        encoded = text.encode("ascii")
        if len(encoded.translate(None, _RARE_BYTES)) == len(encoded):
            return encoded
    return _RARE.sub(_replacement, text).encode()


def _replacement(match: re.Match[str]) -> str:
    return "&#xD;" if match[0] == "\r" else "\ufffd"


class XmlCompiler:
    """Compiles the shapes of one answer to functions that write XML.

    `item_name` is the default element name of a list's item; `iso8601` formats timestamps.
    """

    def __init__(self, iso8601: Callable[[Instant], str], item_name: str = "member") -> None:
        self._item_name = item_name
        self._timestamps = timestamp_texts(iso8601)
        self._structures: dict[str, Write] = {}

    def fields(self, owner: str, members: Mapping[str, Shape]) -> Callable[[Answer], str]:
        """The writer of the elements of `members`, without an element around them."""
        writers: dict[str, Write] = {}
        write = _fields(owner, writers)
        self._fill(writers, members)
        return write

    def element(self, tag: str, shape: Shape, namespace: str | None = None) -> Write:
        """The writer of an element `tag` with a value of `shape`, flattened or not."""
        if namespace is not None:
            opening, closing = f'<{tag} xmlns="{escape_attribute(namespace)}"', f"</{tag}>"
        else:
            opening, closing = f"<{tag}{_declared_namespace(shape)}", f"</{tag}>"
        content = self._content(shape)
        attributes = _attributes(shape)
        if attributes:
            return _attributed(opening, attributes, content, closing)
        return _wrapped(f"{opening}>", content, closing)

    def _fill(self, writers: dict[str, Write], members: Mapping[str, Shape]) -> None:
        for name, shape in members.items():
            writers[name] = self._member(name, shape)

    def _member(self, name: str, shape: Shape) -> Write:
        traits = shape.serialization
        if traits.get("xmlAttribute"):
            return _nothing
        tag = traits.get("name", name)
        if traits.get("flattened") and shape.type_name == "list":
            return _joined(self.element(shape.member.serialization.get("name", tag), shape.member))
        if traits.get("flattened") and shape.type_name == "map":
            return self._entries(tag, shape)
        return self.element(tag, shape)

    def _content(self, shape: Shape) -> Write:
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape)
        if kind == "list":
            return _joined(self.element(shape.member.serialization.get("name", self._item_name), shape.member))
        if kind == "map":
            return self._entries("entry", shape)
        if kind == "timestamp":
            return self._timestamps[shape.serialization.get("timestampFormat", "iso8601")]
        return _SCALARS[kind]

    def _structure(self, shape: StructureShape) -> Write:
        known = self._structures.get(shape.name)
        if known is None:
            writers: dict[str, Write] = {}
            # Registered before its members, as a shape may be recursive.
            known = self._structures[shape.name] = _fields(shape.name, writers)
            self._fill(writers, shape.members)
        return known

    def _entries(self, tag: str, shape: Shape) -> Write:
        key = self.element(shape.key.serialization.get("name", "key"), shape.key)
        value = self.element(shape.value.serialization.get("name", "value"), shape.value)
        return _pairs(f"<{tag}>", key, value, f"</{tag}>")


_SCALARS: dict[str, Write] = {
    "string": escape,
    "character": escape,
    "boolean": boolean_text,
    "integer": integer_text,
    "long": integer_text,
    "float": float_text,
    "double": float_text,
    "blob": base64_text,
}


def _nothing(_value: Any) -> str:
    return ""


def _fields(owner: str, writers: Mapping[str, Write]) -> Callable[[Answer], str]:
    def write(answer: Answer) -> str:
        text = ""
        for name, value in answer.items():
            if name not in writers:
                raise unknown_member(owner, name)
            if value is not None:
                text += writers[name](value)
        return text

    return write


def _wrapped(start: str, content: Write, end: str) -> Write:
    if content is escape:

        def write_text(value: str) -> str:
            if "&" in value or "<" in value or ">" in value:
                value = escape(value)
            return f"{start}{value}{end}"

        return write_text

    def write(value: Any) -> str:
        return f"{start}{content(value)}{end}"

    return write


def _joined(item: Write) -> Write:
    def write(values: Any) -> str:
        return "".join([item(value) for value in values if value is not None])

    return write


def _pairs(start: str, key: Write, value: Write, end: str) -> Write:
    def write(entries: Mapping[str, Any]) -> str:
        return "".join([f"{start}{key(k)}{value(v)}{end}" for k, v in entries.items() if v is not None])

    return write


def _attributed(opening: str, attributes: Mapping[str, str], content: Write, end: str) -> Write:
    def write(value: Answer) -> str:
        start = opening
        for member, attribute in attributes.items():
            text = value.get(member)
            if text is not None:
                start += f' {attribute}="{escape_attribute(text)}"'
        return f"{start}>{content(value)}{end}"

    return write


def _attributes(shape: Shape) -> dict[str, str]:
    """The members of a structure that are attributes of its element, with their names."""
    if shape.type_name != "structure":
        return {}
    return {
        name: member.serialization.get("name", name)
        for name, member in shape.members.items()
        if member.serialization.get("xmlAttribute")
    }


def _declared_namespace(shape: Shape) -> str:
    declared = shape.serialization.get("xmlNamespace")
    if not isinstance(declared, Mapping) or "uri" not in declared:
        return ""
    prefix = f":{declared['prefix']}" if "prefix" in declared else ""
    return f' xmlns{prefix}="{escape_attribute(declared["uri"])}"'
