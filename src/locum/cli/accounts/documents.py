"""Policy documents as others write them, and as an account of another id has them.

IAM API Reference, GetAccountAuthorizationDetails: "Policies returned by this operation are URL-encoded compliant with
RFC 3986"; AWS's command line and SDKs for Python decode them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from locum.cli.accounts.model import Document
from locum.cli.accounts.values import is_deep

_ELEMENTS: Final = ("Principal", "NotPrincipal")
_ACCOUNT_FIELD: Final = re.compile(r"\b(arn:)(aws[a-z-]*)(:[^:\s]*:[^:\s]*:)([0-9]{12})(?=:)")
_PARTITION: Final = re.compile(r"\barn:aws-(?:cn|us-gov|iso[a-z-]*)(?=:)")
NOBODY: Final[Document] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}],
}
"""The trust policy of a role of which all whom it trusts are unknown."""


def decoded(value: Any) -> Document:
    """The document `value`: an object, its JSON, or that URL-encoded. Raises ValueError where it is none of them."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = json.loads(text if text.startswith("{") else unquote(text, errors="strict"))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
    if not isinstance(value, dict) or is_deep(value):
        raise ValueError("not the object that a policy is")
    return value


def encoded(document: Document) -> str:
    """The text of a document, without white space."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def same(one: Document, other: Document) -> bool:
    """Whether two documents say the same: the order in lists is irrelevant, a list of one is what is in it."""
    return bool(_comparable(one) == _comparable(other))


def _comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _comparable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        items = [_comparable(inner) for inner in value]
        return items[0] if len(items) == 1 else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value


# -- other accounts ----------------------------------------------------------------------------------------


def renamed_text(text: str, accounts: Mapping[str, str]) -> str:
    """`text` with accounts renamed: in its ARNs, or as all of it. ARNs of other partitions become those of this."""
    if text in accounts:
        return accounts[text]

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}{found[2]}{found[3]}{accounts.get(found[4], found[4])}"

    return _PARTITION.sub("arn:aws", _ACCOUNT_FIELD.sub(renamed, text))


def renamed(value: Any, accounts: Mapping[str, str]) -> Any:
    """`value` with accounts renamed in all its texts. The account is a number where a principal is written as one."""
    if isinstance(value, dict):
        return {name: renamed(inner, accounts) for name, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, accounts) for inner in value]
    if isinstance(value, str):
        return renamed_text(value, accounts)
    if isinstance(value, int) and not isinstance(value, bool) and f"{value:012}" in accounts:
        return accounts[f"{value:012}"]
    return value


# -- principals ----------------------------------------------------------------------------------------------


def statements(document: Document) -> list[Any]:
    """The statements of a document."""
    found = document.get("Statement", [])
    return list(found) if isinstance(found, list) else [found]


def principals(document: Document) -> Iterator[str]:
    """What a trust policy names as principals: ARNs, accounts, unique ids, services."""
    for statement in statements(document):
        for element in _ELEMENTS if isinstance(statement, dict) else ():
            named = statement.get(element)
            for value in named.values() if isinstance(named, dict) else ():
                yield from map(str, value if isinstance(value, list) else [value])


def without_principals(document: Document, unknown: Container[str]) -> Document:
    """A trust policy without principals that do not exist, which nobody can be: it lets in the same callers.

    A statement that is about nobody is left out.
    """
    kept = [one for one in (_without(one, lambda p: p in unknown) for one in statements(document)) if one is not None]
    return {**document, "Statement": kept} if kept else NOBODY


def _without(statement: Any, is_unknown: Callable[[str], bool]) -> Any:
    """The statement; None where it is about nobody."""
    if not isinstance(statement, dict):
        return statement
    result = dict(statement)
    for element in _ELEMENTS:
        named = statement.get(element)
        if not isinstance(named, dict):
            continue
        left = {kind: _left(value, is_unknown) for kind, value in named.items()}
        left = {kind: value for kind, value in left.items() if value not in ([], None)}
        if not left and element == "Principal":
            return None
        result[element] = left
    if result.get("NotPrincipal") == {}:  # all but nobody
        del result["NotPrincipal"]
        result["Principal"] = "*"
    return result


def _left(value: Any, is_unknown: Callable[[str], bool]) -> Any:
    if isinstance(value, list):
        return [one for one in value if not is_unknown(str(one))]
    return None if is_unknown(str(value)) else value
