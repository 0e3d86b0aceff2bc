"""The positions of statements, as AWS tells them.

Positions are those of the parser's cursor, read just before it takes the statement and just after: it begins
behind the bracket or behind the statement before it, and a lone statement behind its own brace.

    {"Version":"2012-10-17","Statement":[{...},{...}]}
                                         ^    ^     ^     38 to 43, 43 to 49
    {"Version":"2012-10-17","Statement":{...}}
                                         ^   ^            38 to 42

Lines and columns count from 1. CR, LF and CR LF each end a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from locum.policy import CompiledPolicy, Document, Source, Statement, StatementReference
from locum.policy.location import locate

_LINE_END: Final = re.compile(r"\r\n|\r|\n")


class Places:
    """The statements of some policies, as a result shows them: each is looked for once.

    `names` are the SourcePolicyIds of policies that are not called as their source is.
    """

    def __init__(self, policies: Iterable[CompiledPolicy], names: Mapping[Source, str]) -> None:
        self._documents = {found.source: found.document for found in policies}
        self._names = names
        self._shown: dict[StatementReference, dict[str, Any]] = {}

    def shown(self, reference: StatementReference, kind: str) -> dict[str, Any]:
        """The Statement of the API that `reference` means; `kind` is its SourcePolicyType."""
        shown = self._shown.get(reference)
        if shown is None:
            document = self._documents[reference.source]
            shown = self._shown[reference] = {
                "SourcePolicyId": self._names.get(reference.source, reference.source.name),
                "SourcePolicyType": kind,
                **positions(document, document.statements[reference.number]),
            }
        return shown


def positions(document: Document, statement: Statement) -> dict[str, dict[str, int]]:
    """StartPosition and EndPosition of `statement`."""
    text = document.text
    return {
        "StartPosition": _position(text, _start(document, statement)),
        "EndPosition": _position(text, document.span(statement).end),
    }


def _start(document: Document, statement: Statement) -> int:
    *listed, step = statement.path
    if not isinstance(step, int):
        return document.span(statement).start + 1
    if step == 0:
        return locate(document.text, tuple(listed)).start + 1
    return document.span(document.statements[step - 1]).end


def _position(text: str, offset: int) -> dict[str, int]:
    ends = [match.end() for match in _LINE_END.finditer(text, 0, offset)]
    return {"Line": len(ends) + 1, "Column": offset - (ends[-1] if ends else 0) + 1}
