"""Nested stacks of a template: their templates are read, and what they make is rehearsed as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locum.agents.plans.rehearsal import PlannedCall, Stage
from locum.agents.plans.whole import Surroundings, Whole, prepared
from locum.core.actors import on_behalf_of
from locum.core.calls import ServiceCall
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.providers.base import Made, Resource
from locum.services.cloudformation.providers.cloudformation import parameter_text
from locum.services.cloudformation.templates import CLOUDFORMATION, s3_object


def nested_in(stage: Stage, around: Surroundings, resource: Resource, made: Made) -> tuple[Stage, Whole, PlannedCall]:
    """Where a nested stack is rehearsed, its template, and the call that reads it. Raises Fault.

    It is made by who makes the outer one, by way of CloudFormation.
    """
    within = stage.by(on_behalf_of(stage.caller, CLOUDFORMATION))
    reading = reading_of(within, around, str(resource.properties.get("TemplateURL", "")))
    pseudo = Pseudo(*stage.place, resource.name(128), made.physical)
    values = {str(name): parameter_text(value) for name, value in resource.properties.get("Parameters", {}).items()}
    whole = prepared(within, around._replace(caller=within.caller), template_read(around, reading), values, pseudo)
    return within, whole, reading


def reading_of(stage: Stage, around: Surroundings, url: str) -> PlannedCall:
    """The call that reads the template at a URL. Raises Fault where it is not one of S3."""
    named = s3_object(url, around.settings)
    return PlannedCall("s3", "GetObject", named.params, named.region or stage.place.region, stage.state, stage.caller)


def template_read(around: Surroundings, reading: PlannedCall) -> str:
    """The template that `reading` reads. Raises Fault."""
    assert reading.actor is not None
    made = ServiceCall(reading.actor, reading.service, reading.operation, reading.params, reading.region)
    body: bytes = around.read(made)["Body"]
    return body.decode("utf-8", "replace")


def attributes(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a nested stack with these outputs."""
    return {f"Outputs.{name}": value for name, value in outputs.items()}
