"""The reasons of failures that events tell: those of handlers of resource types, which quote what a service said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.core.errors import Fault
from locum.services.cloudformation.handler_errors import handler_code, handler_message, refusal_of_tags
from locum.services.cloudformation.identifiers import identifier_given
from locum.state import StackResource


def reason_of(fault: Fault, it: StackResource, wanted: Mapping[str, Any] | None = None) -> str:
    """The reason of a failure, as events tell it. `wanted` is what a resource that is not made was to be."""
    if fault.code in ("ValidationError", "InvalidRequest") and not fault.request_id:
        return fault.message
    properties = (wanted or {}).get("properties", {})
    told = handler_message(fault, it.type, identifier_given(it.type, properties) if properties else "")
    code = handler_code(fault, it.type)
    if wanted and _has_tags(wanted):
        told, code = refusal_of_tags(fault, it.type) or (told, code)
    return f'Resource handler returned message: "{told}" (RequestToken: {it.operation}, HandlerErrorCode: {code})'


def _has_tags(wanted: Mapping[str, Any]) -> bool:
    """Whether a resource was to have tags, of the stack's or of its own."""
    return bool(wanted["properties"].get("Tags")) or any(not key.startswith("aws:") for key in wanted.get("tags", ()))
