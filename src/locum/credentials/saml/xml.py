"""A parser for untrusted XML that accepts only elements and text.

- Document type declarations are refused, and with them entities (billion laughs), external entities and default
  attributes. They are searched for before the text is parsed; it is decoded first, so that no encoding can hide them.
- No network, no DTD; the parser's own limits on depth and size apply.
- Text is read only from elements without child nodes but text: a comment or a processing instruction, as in
  `admin<!-- -->.example`, must not make it `admin` for one reader and `admin.example` for another.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from locum.credentials.saml.errors import BadXml

SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
METADATA: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
XENC: Final = "{http://www.w3.org/2001/04/xmlenc#}"
XENC11: Final = "{http://www.w3.org/2009/xmlenc11#}"

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
"""XML Schema Part 2, 3.2.7 dateTime. SAML Core 1.3.3: "SAML system entities [...] MUST NOT use [...] time zone
components": a time zone is applied nevertheless; without one, the time is UTC."""


class Element(Protocol):
    """The part of lxml's element interface that is used here."""

    @property
    def tag(self) -> Any: ...
    @property
    def text(self) -> str | None: ...
    def get(self, key: str) -> str | None: ...
    def find(self, path: str) -> Element | None: ...
    def findall(self, path: str) -> list[Element]: ...
    def iter(self, *tags: str) -> Iterator[Element]: ...
    def getparent(self) -> Element | None: ...
    def __iter__(self) -> Iterator[Element]: ...
    def __len__(self) -> int: ...


def lxml() -> Any:
    """`lxml.etree`, imported at the first call."""
    return importlib.import_module("lxml.etree")


def parser() -> Any:
    """A parser that resolves no entities and reads no network or files."""
    return lxml().XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )


def parse(data: bytes) -> Element:
    """Parse a document in UTF-8, to its root element. Raises BadXml."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadXml("the document is not in UTF-8") from None
    if text.startswith("\ufeff"):
        raise BadXml("the document begins with a byte order mark")
    if "<!DOCTYPE" in text:
        raise BadXml("the document has a document type declaration")
    etree = lxml()
    try:
        root = etree.fromstring(data, parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadXml(f"the document is not XML: {error}") from None
    if any(True for _ in root.iter(etree.Entity)):
        raise BadXml("the document refers to an entity")
    found: Element = root
    return found


def text_of(element: Element) -> str:
    """The text of an element without other content, stripped of white space. Raises BadXml."""
    if len(element):
        raise BadXml(f"{element.tag} holds more than text")
    return (element.text or "").strip()


def instant(text: str | None) -> float | None:
    """Parse an xs:dateTime, to epoch seconds; None for None. Raises BadXml."""
    if text is None:
        return None
    if not _DATE_TIME.fullmatch(text):
        raise BadXml(f"{text[:64]!r} is not a date and time")
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadXml(f"{text[:64]!r} is not a date and time") from None
