"""Creations of resources that are made again, as after an interruption."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Resource
from support.providers import Making


def remade(making: Making, resource: Resource) -> Resource:
    """`resource`, whose creation is made again with the same token."""
    wanted = replace(resource, physical="", attributes={}, again=True)
    return making._after(wanted, PROVIDERS[resource.type].create(wanted))


def code(call: Any, **params: Any) -> str:
    """The code with which a boto3 call is refused; empty where it is not."""
    try:
        call(**params)
    except ClientError as error:
        found: str = error.response["Error"]["Code"]
        return found
    return ""
