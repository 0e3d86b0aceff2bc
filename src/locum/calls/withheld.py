"""Keeps the values that a record withholds of a call out of the texts about it too.

An error of a backend may quote what was sent ("Value 'x' at 'password' failed to satisfy constraint"), and so may the
explanation of a denial, by the values of condition keys. In such texts whatever agrees with a value that the record
hides is replaced, unless the record has it elsewhere.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote

from locum.core.http import HttpRequest
from locum.wire.redact import HIDDEN

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

_SHORTEST: Final = 4
"""Characters: shorter values are in any text by chance."""

_RUN: Final = 10
"""Characters that a text and a hidden value have in common for them to be taken for a part of the value."""

_GRAM: Final = _RUN // 2
"""Characters of the pieces that hidden values are cut into: each run of a value has a whole one in it."""

_BETWEEN: Final = "\0"
"""What separates the values that a text is compared with."""

_MOST: Final = 1 << 18
"""Characters of hidden values that are compared. Where there are more, the texts are withheld altogether."""

_NAMING: Final = frozenset(
    {
        *("Action", "Version", "X-Amz-Algorithm", "X-Amz-Date", "X-Amz-SignedHeaders"),
        *("content-length", "content-type", "date", "host", "referer", "user-agent", "x-amz-date", "x-amz-target"),
    }
)
"""Members of forms and queries, and headers, that are no secret: errors name them."""

_OWN: Final = (
    '{"Effect": "Allow", "Action": "',
    '", "Action": "',
    '"], "Action": ["',
    '", "Resource": "arn:aws:',
    '"], "Resource": ["arn:aws:',
    '", "Principal": {"AWS": "arn:aws:',
    '{"Effect": "Deny", "Action": "',
    '", "Condition": {"',
)
"""What statements that are proposed consist of, beside names: it is in the texts whatever was sent."""

_SIGNATURE: Final = re.compile(r"(?i)(signature|credential|token)=[^&\s\"'>]+")
"""The end of a parameter's name that says what it has, and its value. A pattern for the whole name would be tried anew
from each letter of a long word, for which strangers' headers have room."""


def without_signatures(header: str) -> str:
    """A header (Referer, User-Agent) without the signatures and tokens of a URL in it."""
    return _SIGNATURE.sub(rf"\1={HIDDEN}", header) if "=" in header else header


def names_any(values: Iterable[Any], text: str) -> bool:
    """Whether `text` has any of the strings in `values` in it."""
    return any(len(found) >= _SHORTEST and found in text for value in values for found in _strings(value))


def unread(request: HttpRequest, body: bytes) -> Iterator[str]:
    """The values that came with a request whose parameters were not read: of its query, form or body, and headers."""
    text = (body or request.body)[: _MOST + 1].decode("utf-8", "replace")
    is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    for name, value in parse_qsl(request.query_string) + (parse_qsl(text) if is_form else []):
        if name not in _NAMING:
            yield value
    if not is_form:
        yield text
    yield from (value for name, value in request.headers.items() if name not in _NAMING)


class Withheld:
    """The values that were sent with a call (`sent`, its parameters) and are not in what was `recorded` of them.

    `unread` is what else came of a call whose parameters could not be read.
    """

    def __init__(
        self, model: OperationModel | None, sent: Mapping[str, Any], recorded: Any, unread: Iterable[str] = ()
    ) -> None:
        shown = frozenset((*_OWN, *_strings(recorded)))
        texts = () if model is None else _sent(model.input_shape, sent)
        hidden = {text for text in (*texts, *unread) if text not in shown}
        self._all = sum(map(len, hidden)) > _MOST
        forms = {form for text in hidden if not self._all for form in _forms(text) if len(form) >= _SHORTEST}
        self._whole = sorted((form for form in forms if not any(form in text for text in shown)), key=len, reverse=True)
        self._hidden, self._shown = _BETWEEN.join(forms), _BETWEEN.join((*shown, HIDDEN))
        self._grams = {text[at : at + _GRAM] for text in forms for at in range(0, len(text) - _GRAM + 1, _GRAM)}

    def clean(self, value: Any) -> Any:
        """A text, or the texts in a JSON value, with what is withheld replaced."""
        if isinstance(value, str):
            return self._cleaned(value)
        if isinstance(value, Mapping):
            return {self._cleaned(str(key)): self.clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(item) for item in value]
        return value

    def _cleaned(self, text: str) -> str:
        if self._all and text:
            return HIDDEN
        for form in self._whole:
            text = text.replace(form, HIDDEN)
        return self._without_runs(text) if self._hidden else text

    def _without_runs(self, text: str) -> str:
        """`text` without the characters that are a part of a hidden value."""
        covered = bytearray(len(text))
        for start in self._candidates(text):
            run = text[start : start + _RUN]
            if run in self._hidden and (run not in self._shown or _BETWEEN in run):
                covered[start : start + _RUN] = b"\1" * _RUN
        if not any(covered):
            return text
        spans = groupby(zip(text, covered, strict=True), key=lambda pair: pair[1])
        return "".join(HIDDEN if is_hidden else "".join(char for char, _ in span) for is_hidden, span in spans)

    def _candidates(self, text: str) -> Sequence[int]:
        """Offsets at which `text` may share a run with a hidden value: one of the grams of the value is in it."""
        found = {at for at in range(len(text) - _GRAM + 1) if text[at : at + _GRAM] in self._grams}
        starts = {start for at in found for start in range(at - _RUN + _GRAM, at + 1)}
        return sorted(start for start in starts if 0 <= start <= len(text) - _RUN)


def _sent(shape: Shape | None, value: Any) -> Iterator[str]:
    """All strings in parameters: values, keys of maps, bytes; not the names of members."""
    if shape is not None and shape.type_name == "structure" and not shape.metadata.get("document"):
        for name, item in value.items() if isinstance(value, Mapping) else ():
            yield from _sent(shape.members.get(name), item)
    elif shape is not None and shape.type_name == "list" and isinstance(value, list | tuple):
        for item in value:
            yield from _sent(shape.member, item)
    elif shape is not None and shape.type_name == "map" and isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _sent(shape.value, item)
    elif not (isinstance(value, bytes) and len(value) > _MOST):  # a large object: no text is about its content
        yield from _strings(value)


def _strings(value: Any) -> Iterator[str]:
    """All strings in a value, keys of maps and bytes among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
        yield base64.b64encode(value).decode()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _forms(text: str) -> set[str]:
    """`text` as it may be quoted: as it is, in base64, in JSON, in a URL, in XML."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    in_json = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return {text, encoded, *in_json, quote(text, errors="replace"), html.escape(text)}
