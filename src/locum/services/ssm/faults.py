"""The errors of Systems Manager, with its codes and texts (AWS Systems Manager API Reference)."""

from __future__ import annotations

from collections.abc import Iterable

from locum.core.errors import Fault


def invalid_instances(ids: Iterable[str], account: str) -> Fault:
    """InvalidInstanceId: they are not managed, or not of this account and region."""
    return Fault("InvalidInstanceId", f"Instances [[{', '.join(ids)}]] not in a valid state for account {account}")


def duplicate_instance(instance: str) -> Fault:
    """DuplicateInstanceId: "You can't specify a managed node ID in more than one target." """
    return Fault("DuplicateInstanceId", f"Instance id {instance} is given more than once.")


def invalid_parameters(message: str) -> Fault:
    """InvalidParameters: "You must specify values for all required parameters in the SSM document." """
    return Fault("InvalidParameters", message)


def no_such_document(name: str) -> Fault:
    """InvalidDocument: there is no document of this name, or nothing in it that can be run."""
    return Fault("InvalidDocument", f"Document with name {name} does not exist.")


def invalid_document(message: str) -> Fault:
    """InvalidDocument: its content cannot be run."""
    return Fault("InvalidDocument", message)


def unsupported_platform(document: str) -> Fault:
    """UnsupportedPlatformType: "The document doesn't support the platform type of the given managed node IDs." """
    return Fault("UnsupportedPlatformType", f"Document {document} is not supported by the platform of the instances.")


def invalid_command_id() -> Fault:
    """InvalidCommandId: there is no such command."""
    return Fault("InvalidCommandId", "The specified command ID isn't valid. Verify the ID and try again.")


def invalid_filter_key(key: str) -> Fault:
    """InvalidFilterKey: nothing is filtered by it."""
    return Fault("InvalidFilterKey", f"The specified key isn't valid: {key}")


def invalid_token() -> Fault:
    """InvalidNextToken: it is not that of a page."""
    return Fault("InvalidNextToken", "The specified token isn't valid.")


def not_implemented(what: str) -> Fault:
    """NotImplemented: what Locum's Run Command lacks."""
    return Fault("NotImplemented", f"Locum's Run Command does not implement {what} yet.", 501)
