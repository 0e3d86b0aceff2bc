"""GetHumanReadableSummary: a summary of a delegation request in sentences.

AWS generates it with a language model. Here it is composed deterministically from the request and its policy. It is in
English; for the other languages of the console the answer is NOT_SUPPORTED.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from locum.services.iam.delegation.policies import listed, role_boundaries, statements
from locum.services.iam.faults import invalid_input
from locum.state import DelegationRequest

LONGEST: Final = 10_000
"""The limit of SummaryContent in characters: IAM API Reference."""

DEFAULT_LOCALE: Final = "en"

_LANGUAGES: Final = frozenset({"de", "en", "es", "fr", "id", "it", "ja", "ko", "pt", "th", "tr", "vi", "zh"})
"""AWS Management Console, "Supported languages"."""

_LOCALE: Final = re.compile(r"([a-z]{2})([-_][A-Za-z]{2,4}){0,2}")
_CUT: Final = " ..."


def is_supported(locale: str) -> bool:
    """Whether there are summaries in `locale`. Raises InvalidInput where the console does not support the language."""
    match = _LOCALE.fullmatch(locale)
    if match is None or match[1] not in _LANGUAGES:
        raise invalid_input(f"The locale {locale} is not supported.")
    return match[1] == DEFAULT_LOCALE


def summary(request: DelegationRequest, requestor: str) -> str:
    """A summary of `request`; `requestor` is a name or an account id."""
    found = statements(request.policy)
    lines = [
        f"{requestor} asks for temporary access to your account for {_duration(request.seconds)}.",
        *(_sentence(statement, "It would be allowed to") for statement in found if statement["Effect"] == "Allow"),
        *(_sentence(statement, "It would not be allowed to") for statement in found if statement["Effect"] == "Deny"),
        *_boundaries(request.policy),
        "It gets no permission that whoever approves this request does not have.",
    ]
    text = "\n".join(lines)
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT


def _duration(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    parts = [_number(hours, "hour"), _number(minutes, "minute"), _number(seconds % 60, "second")]
    return " and ".join(part for part in parts if part)


def _number(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}" if count else ""


def _sentence(statement: Mapping[str, Any], opening: str) -> str:
    return f"{opening} {_actions(statement)} {_resources(statement)}{_conditions(statement)}."


def _actions(statement: Mapping[str, Any]) -> str:
    if "NotAction" in statement:
        return f"do everything but {_enumerated(listed(statement['NotAction']))}"
    actions = listed(statement["Action"])
    return "do everything" if actions == ["*"] else f"perform {_enumerated(actions)}"


def _resources(statement: Mapping[str, Any]) -> str:
    if "NotResource" in statement:
        return f"on every resource but {_enumerated(listed(statement['NotResource']))}"
    resources = listed(statement.get("Resource", "*"))
    return "on every resource" if resources == ["*"] else f"on {_enumerated(resources)}"


def _conditions(statement: Mapping[str, Any]) -> str:
    parts = [
        f"{operator} holds of {key} and {_enumerated(listed(values), 'or')}"
        for operator, block in statement.get("Condition", {}).items()
        for key, values in block.items()
    ]
    return f", where {_enumerated(parts)}" if parts else ""


def _boundaries(document: str) -> Iterator[str]:
    found = role_boundaries(document)
    if found:
        yield f"Roles that it makes are bounded by {_enumerated(found, 'or')}, and stay when the access has ended."


def _enumerated(texts: Sequence[str], word: str = "and") -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {word} {texts[-1]}"
