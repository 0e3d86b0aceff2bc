"""Refusal of tags of stacks, `aws:cloudformation:`, which CloudFormation alone sets and removes.

A service hears of them from CloudFormation, and from Auto Scaling, whose groups give their tags to instances. Buckets
have them by rules of their own (`backends.moto.s3_tags`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.authz.tags import pairs
from locum.calls.operation_traits import traits_of
from locum.calls.request_context import RequestContext
from locum.core.errors import Fault
from locum.core.system_tags import OF_STACKS

_TRUSTED: Final = frozenset({"cloudformation.amazonaws.com", "autoscaling.amazonaws.com"})
_OF_BUCKETS: Final = frozenset({"PutBucketTagging"})
_TAGS: Final = ("tags", "tagset")
"""The ends of the names of members that have tags, in small letters."""

_FAULTS: Final[Mapping[str, tuple[str, str, int]]] = {
    "autoscaling": ("ValidationError", "Tag keys starting with 'aws:' are reserved for internal use: {key}", 400),
    "cloudformation": ("ValidationError", "aws: prefixed tag key names are not allowed for external use.", 400),
    "ec2": (
        "InvalidParameterValue",
        "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved.",
        400,
    ),
    "iam": ("InvalidInput", "aws: prefixed tag key names are not allowed for external use.", 400),
    "organizations": (
        "InvalidInputException",
        (
            "You specified a tag key that is a system tag. You can't add, edit, or delete system tag keys because "
            "they're reserved for AWS use."
        ),
        400,
    ),
    "rolesanywhere": ("ValidationException", "Tag keys that start with aws: are reserved", 400),
    "s3": ("InvalidTag", "System tags cannot be added/updated by requester", 400),
}
_OTHERS: Final = ("ValidationException", "aws: prefixed tag key names are not allowed for external use.", 400)
"""The faults by service, and that of all others."""


def check(context: RequestContext) -> None:
    """Raise Fault where a call other than one of CloudFormation's sets or removes a tag of a stack."""
    codec = context.codec
    assert codec is not None
    if context.service in _TRUSTED or traits_of(codec).read_only or codec.operation in _OF_BUCKETS:
        return
    params = context.params
    key = next((key for key in _keys(params) if key.lower().startswith(OF_STACKS)), None)
    if key is not None:
        code, text, status = _FAULTS.get(codec.service, _OTHERS)
        raise Fault(code, text.format(key=key), status)


def _keys(params: Mapping[str, Any]) -> Iterator[str]:
    """The keys of the tags that are set or removed, those of what a call makes, or would launch later, among them."""
    for name, value in params.items():
        if "tag" in name.lower() and "filter" not in name.lower():
            yield from _named(value)
        yield from _within(value)


def _named(value: Any) -> Iterator[str]:
    """The keys in one member: of tags, or by themselves."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        yield from value
    elif isinstance(value, (list, tuple, Mapping, str)):
        yield from pairs(value)


def _within(value: Any) -> Iterator[str]:
    """The keys of tags in members of members."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name.lower().endswith(_TAGS) and isinstance(item, (list, tuple, Mapping)):
                yield from pairs(item)
            yield from _within(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _within(item)
