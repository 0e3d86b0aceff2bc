"""The condition keys that policies mention: in conditions, and as policy variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from locum.policy import Document, Statement

# "${key}" or "${key, 'default'}"; "${*}", "${?}" and "${$}" are no variables.
_VARIABLE: Final = re.compile(r"\$\{\s*([^{},'\s]+:[^{},']*?)\s*(?:,[^{}]*)?\}")


def mentioned(documents: Iterable[Document]) -> list[str]:
    """Each key as it is spelled, in the order in which it first comes up. Two spellings are two keys, to AWS."""
    return list(dict.fromkeys(key for document in documents for key in _of_document(document)))


def _of_document(document: Document) -> Iterator[str]:
    for statement in document.statements:
        yield from (condition.key for condition in statement.conditions)
        if document.variables:
            for text in _texts(statement):
                yield from _VARIABLE.findall(text)


def _texts(statement: Statement) -> Iterator[str]:
    """The texts in which variables may stand: resources and the values of conditions."""
    yield from statement.resources or ()
    yield from statement.not_resources or ()
    for condition in statement.conditions:
        yield from condition.values
