"""Conversion of XML bodies (rest-xml) to parameters, by the shape.

https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html and the XML traits there.

Namespaces and the name of the root are ignored. A document type declaration is refused, and with it entity expansion
and external entities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn
from xml.etree import ElementTree as ET

from locum.wire.parsers.malformed import Malformed
from locum.wire.parsers.scalars import text_reader

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

Element = ET.Element
Reader = Callable[[Element], Any]
# Adds one child element to the members found so far.
_AddChild = Callable[[Element, dict[str, Any]], None]


class _Builder(ET.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        raise Malformed("A document type declaration is not allowed")


def read_xml(body: bytes) -> Element:
    """Parse a body, to its root element. Raises Malformed where it is not well-formed, or has a document type."""
    parser = ET.XMLParser(target=_Builder())  # noqa: S314 - the builder refuses document types
    try:
        parser.feed(body)
        root: Element = parser.close()
    except (ET.ParseError, ValueError, LookupError):  # LookupError: an encoding that Python does not know
        raise Malformed("Could not parse XML") from None
    return root


class XmlCompiler:
    """Compiles readers of shapes. Structures are shared, as shapes may be recursive."""

    def __init__(self) -> None:
        self._structures: dict[str, Reader] = {}

    def reader(self, shape: Shape) -> Reader:
        """The reader of an element of a shape."""
        if shape.type_name == "structure":
            return self.structure(shape)
        if shape.type_name == "list":
            return self._list(shape)
        if shape.type_name == "map":
            return self._map(shape)
        return _scalar(shape)

    def structure(self, shape: StructureShape) -> Reader:
        """The reader of a structure."""
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        read, fill = self._structure_reader()
        self._structures[shape.name] = read
        fill(shape.members)
        return read

    def members(self, members: Mapping[str, Shape]) -> Reader:
        """The reader of some of a structure's members (those of an input that are in the body)."""
        read, fill = self._structure_reader()
        fill(members)
        return read

    def _structure_reader(self) -> tuple[Reader, Callable[[Mapping[str, Shape]], None]]:
        takers: dict[str, _AddChild] = {}
        attributes: dict[str, tuple[str, Callable[[str], Any]]] = {}

        def read(element: Element) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for child in element:
                take = takers.get(_local(child.tag))
                if take is not None:
                    take(child, found)
            for name, value in element.items() if attributes else ():
                entry = attributes.get(_local(name))
                if entry is not None:
                    found[entry[0]] = entry[1](value)
            return found

        def fill(members: Mapping[str, Shape]) -> None:
            for name, member in members.items():
                wire_name = member.serialization.get("name", name)
                if member.serialization.get("xmlAttribute"):
                    attributes[wire_name.rsplit(":", 1)[-1]] = (name, text_reader(member))
                else:
                    takers[wire_name] = self._child_reader(name, member)

        return read, fill

    def _child_reader(self, name: str, member: Shape) -> _AddChild:
        if not member.serialization.get("flattened"):
            read = self.reader(member)

            def take(child: Element, found: dict[str, Any]) -> None:
                if name in found:
                    raise Malformed(f"{name} occurs more than once")
                found[name] = read(child)

            return take
        if member.type_name == "list":
            item = self.reader(member.member)
            return lambda child, found: found.setdefault(name, []).append(item(child))
        entry = self._entry(member)
        return lambda child, found: _put(found.setdefault(name, {}), *entry(child))

    def _list(self, shape: ListShape) -> Reader:
        item_name, item = shape.member.serialization.get("name", "member"), self.reader(shape.member)

        def read(element: Element) -> list[Any]:
            return [item(child) for child in element if _local(child.tag) == item_name]

        return read

    def _map(self, shape: MapShape) -> Reader:
        entry = self._entry(shape)

        def read(element: Element) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for child in element:
                if _local(child.tag) == "entry":
                    _put(found, *entry(child))
            return found

        return read

    def _entry(self, shape: MapShape) -> Callable[[Element], tuple[str, Any]]:
        key_name = shape.key.serialization.get("name", "key")
        value_name = shape.value.serialization.get("name", "value")
        key_of, value_of = self.reader(shape.key), self.reader(shape.value)

        def read(element: Element) -> tuple[str, Any]:
            children = {_local(child.tag): child for child in element}
            if key_name not in children or value_name not in children:
                raise Malformed(f"An entry has a {key_name} and a {value_name}")
            return key_of(children[key_name]), value_of(children[value_name])

        return read


def _put(found: dict[str, Any], key: str, value: Any) -> None:
    if key in found:
        raise Malformed(f"The key {key[:100]} occurs more than once")
    found[key] = value


def _scalar(shape: Shape) -> Reader:
    read_text = text_reader(shape)
    keeps_space = shape.type_name == "string"

    def read(element: Element) -> Any:
        if len(element):
            raise Malformed(f"{_local(element.tag)} has no elements in it")
        text = element.text or ""
        return read_text(text if keeps_space else text.strip())

    return read


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1] if "}" in tag else tag
