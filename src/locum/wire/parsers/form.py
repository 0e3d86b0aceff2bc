"""Parsing of forms (`application/x-www-form-urlencoded`), and of the tree that the dots in their names denote.

    Tags.member.1.Key=a&Tags.member.1.Value=b   ->   {"Tags": {"member": {"1": {"Key": "a", "Value": "b"}}}}

A repeated name is refused: a backend that parses the same bytes might use the other value.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from locum.core.http import HttpRequest
from locum.wire.parsers.malformed import Malformed

Form = dict[str, Any]
_TYPE = "application/x-www-form-urlencoded"


def read_form(request: HttpRequest, body: bytes) -> Form:
    """Parse the form in the body and in the query string (used by presigned requests and GETs).

    A body of another content type (`multipart/form-data`) is refused: a backend would find other parameters in it, or
    none.
    """
    form: Form = {}
    if body:
        if not request.headers.get("content-type", _TYPE).lower().startswith(_TYPE):
            raise Malformed("The request body is not a URL-encoded form")
        try:
            text = body.decode("ascii")
        except UnicodeDecodeError:
            raise Malformed("The request body is not a URL-encoded form") from None
        _read(text, form)
    if request.query_string:
        _read(request.query_string, form)
    return form


def _read(text: str, form: Form) -> None:
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in name or "+" in name:
            name = form_text(name)
        if "%" in value or "+" in value:
            value = form_text(value)
        if "." in name:
            _nest(form, name, value)
        elif name not in form:
            form[name] = value
        elif type(form[name]) is str or value:
            raise Malformed(f"Duplicate parameter: {name[:100]}")


def form_text(text: str) -> str:
    """Percent-decode text, in which `+` is a space. Raises Malformed where it is not UTF-8."""
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The request has a value that is not UTF-8") from None


def _nest(form: Form, name: str, value: str) -> None:
    *path, last = name.split(".")
    node = form
    for step in path:
        child = node.get(step)
        if child is None or child == "":  # an empty list is sent as `Tags=`
            child = node[step] = {}
        elif type(child) is str:
            raise Malformed("Unexpected list element termination")
        node = child
    if last in node:
        raise Malformed(f"Duplicate parameter: {name[:100]}")
    node[last] = value


def numbered(node: Form) -> list[Any]:
    """The children of a list or map node in the order of their numbers; gaps are ignored."""
    try:
        order = sorted(node, key=_number)
    except ValueError:
        raise Malformed("Start of structure or map found where not expected.") from None
    return [node[key] for key in order]


def _number(text: str) -> int:
    if len(text) > 9 or not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)
