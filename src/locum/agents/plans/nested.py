"""Nested stacks of a template: their templates are read, and what they make is rehearsed as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.agents.plans.rehearsal import Asked, Stage
from locum.agents.plans.whole import Surroundings, Whole, prepared
from locum.core.actors import on_behalf_of
from locum.core.calls import ServiceCall
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.providers.base import Made, Resource
from locum.services.cloudformation.templates import CLOUDFORMATION, s3_object


def nested_in(stage: Stage, around: Surroundings, resource: Resource, made: Made) -> tuple[Stage, Whole, Asked]:
    """Where a nested stack is rehearsed, its template, and the call that reads it. Raises Fault.

    It is made by who makes the outer one, by way of CloudFormation.
    """
    named = s3_object(str(resource.properties.get("TemplateURL", "")), around.settings)
    params = {"Bucket": named.bucket, "Key": named.key} | ({"VersionId": named.version} if named.version else {})
    within = stage.by(on_behalf_of(stage.caller, CLOUDFORMATION))
    region = named.region or stage.place.region
    body: bytes = around.read(ServiceCall(within.caller, "s3", "GetObject", params, region))["Body"]
    pseudo = Pseudo(*stage.place, resource.name(128), made.physical)
    values = {str(name): _text(value) for name, value in resource.properties.get("Parameters", {}).items()}
    whole = prepared(within, around._replace(caller=within.caller), body.decode("utf-8", "replace"), values, pseudo)
    return within, whole, Asked("s3", "GetObject", params, region, stage.state, within.caller)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def attributes(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a nested stack with these outputs."""
    return {f"Outputs.{name}": value for name, value in outputs.items()}
