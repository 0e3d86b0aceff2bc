"""The reasons of failures that events tell: those of handlers of resource types, which quote what a service said."""

from __future__ import annotations

from locum.core.errors import Fault
from locum.services.cloudformation.handler_errors import handler_code, handler_message
from locum.state import StackResource


def reason_of(fault: Fault, it: StackResource) -> str:
    """The reason of a failure, as events tell it."""
    if fault.code in ("ValidationError", "InvalidRequest") and not fault.request_id:
        return fault.message
    told, code = handler_message(fault, it.type), handler_code(fault)
    return f'Resource handler returned message: "{told}" (RequestToken: {it.operation}, HandlerErrorCode: {code})'
