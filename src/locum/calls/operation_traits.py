"""The properties that the records of all calls of an operation have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.authz import action_of
from locum.core.reading import reads_only
from locum.wire import Codec
from locum.wire.data_events import is_data_event
from locum.wire.redact import compile_answer_redactor, compile_redactor, sensitive_members

_ONLY_READING: Final = frozenset({"locum"})
"""Services of which every operation reads, whatever its name is."""


class Traits(NamedTuple):
    """The properties that all calls of an operation have. `action` is its own, where its plan has none.

    `parameters` and `answer` redact what is recorded of them. `sensitive` are the members of the request that the model
    calls so, or that have such members.
    """

    service: str
    operation: str
    action: str
    source: str
    read_only: bool
    management: bool
    parameters: Callable[[Mapping[str, Any]], Any]
    answer: Callable[[Mapping[str, Any]], Any]
    sensitive: frozenset[str] = frozenset()


def _nothing(_members: Mapping[str, Any]) -> None:
    return None


_UNNAMED: Final = Traits("", "", "", "", False, True, _nothing, _nothing)


@lru_cache(maxsize=4096)
def traits_of(codec: Codec | None) -> Traits:
    """Of the operation of `codec`; of None, those of a call that was refused before it was named."""
    if codec is None:
        return _UNNAMED
    service, operation = codec.service, codec.operation
    return Traits(
        service,
        operation,
        action_of(service, operation),
        f"{codec.signing_name}.amazonaws.com",
        service in _ONLY_READING or reads_only(operation),
        not is_data_event(codec.model),
        compile_redactor(codec.model),
        compile_answer_redactor(codec.model),
        sensitive_members(codec.model),
    )
