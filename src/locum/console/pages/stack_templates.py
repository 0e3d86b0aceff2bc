"""The template of a stack in a form: whether CloudFormation takes it, and the parameters that it has."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed, attempt
from locum.console.command_line import HIDDEN
from locum.console.pages.forms import filled
from locum.console.person import Person, View, url

CAPABILITIES: Final = (
    ("CAPABILITY_IAM", "it may make roles, users and policies"),
    ("CAPABILITY_NAMED_IAM", "also with names of their own"),
    ("CAPABILITY_AUTO_EXPAND", "it may have macros and nested stacks"),
)
"""What CloudFormation wants to be told before it makes identities or runs macros."""
_FIELD: Final = "parameter."
"""Fields of parameters have this before their name."""


def template_text(body: Any) -> str:
    """A template as text: botocore decodes those that are JSON."""
    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)


async def form(person: Person) -> Response:
    """The form for a new stack."""
    return await _form(person, None)


async def create(person: Person) -> Response:
    """Make a stack: its page has the events as they happen."""
    name = person.field("name")
    given = {"StackName": name, **parameters_of_template(person), **filled(OnFailure=person.field("on_failure"))}
    try:
        await person.aws.call("cloudformation", "create_stack", **given)
    except CallFailed as failed:
        return await _form(person, failed)
    person.aws.tell("cloudformation", "create_stack", given | told_of_template(person))
    return person.done(f"The stack {name} is being made.", url("stacks", name))


def parameters_of_template(person: Person) -> dict[str, Any]:
    """The parameters of CreateStack and CreateChangeSet that the form of a template has."""
    return filled(
        TemplateBody=template_of(person),
        Parameters=_given(person),
        Capabilities=person.fields("capability"),
        RoleARN=person.field("role"),
    )


def told_of_template(person: Person) -> dict[str, Any]:
    """What the command has in place of them: values that the template keeps from being shown are hidden."""
    secret = person.fields("secret")
    hidden = [
        it | {"ParameterValue": HIDDEN} if it["ParameterKey"] in secret and "ParameterValue" in it else it
        for it in _given(person)
    ]
    return {"Parameters": hidden} if hidden else {}


def typed_of_template(person: Person) -> list[tuple[str, str]]:
    """The fields of parameters as they were typed, for a page that has the form again."""
    return [(it, value) for it, value in person.form.multi_items() if it.startswith(_FIELD) and isinstance(value, str)]


def template_of(person: Person) -> str:
    """The template in a form, with the line ends of a file."""
    return person.field("template").replace("\r\n", "\n")


def _given(person: Person) -> list[dict[str, Any]]:
    """The values of parameters; those that are to be kept and have no value keep theirs."""
    found: list[dict[str, Any]] = []
    kept = person.fields("keep")
    for field, value in person.form.multi_items():
        if field.startswith(_FIELD) and isinstance(value, str):
            key = field.removeprefix(_FIELD)
            keeps = not value and key in kept
            found.append({"ParameterKey": key} | ({"UsePreviousValue": True} if keeps else {"ParameterValue": value}))
    return found


async def _form(person: Person, failed: CallFailed | None) -> Response:
    given = {"name": "", "template": "", "role": "", "on_failure": ""} | dict(person.form)
    values = {
        "given": given,
        "typed": typed_of_template(person),
        "chosen": person.fields("capability"),
        "capabilities": CAPABILITIES,
    }
    return person.page("stack_new.html", 400 if failed else 200, failed=failed, **values)


async def parameters(person: Person) -> Response:
    """What CloudFormation says of the template in a form, and the fields of its parameters."""
    text = template_of(person)
    if not text:
        return person.part("stack_parameters.html", failed=None, checked=None, fields=[])
    try:
        checked, kept = await asyncio.gather(
            person.aws.call("cloudformation", "validate_template", TemplateBody=text),
            _current(person.aws, person.query("stack")),
        )
    except CallFailed as failed:
        return person.part("stack_parameters.html", failed=failed, checked=None, fields=[])
    summary = await attempt(person.aws.call("cloudformation", "get_template_summary", TemplateBody=text))
    told = summary.value["Parameters"] if summary.value is not None else checked["Parameters"]
    fields = [_field(it, kept, person) for it in told]
    return person.part("stack_parameters.html", failed=None, checked=checked, fields=fields)


async def _current(aws: Aws, stack: str) -> dict[str, str]:
    """The values that a stack's parameters have. Raises CallFailed."""
    if not stack:
        return {}
    found = (await aws.call("cloudformation", "describe_stacks", StackName=stack))["Stacks"]
    return {it["ParameterKey"]: it.get("ParameterValue", "") for it in found[0].get("Parameters", ())}


def _field(told: dict[str, Any], kept: dict[str, str], person: Person) -> dict[str, Any]:
    """A parameter as a field of a form: what was typed, else what the stack has, else its default."""
    key, hidden = told["ParameterKey"], told.get("NoEcho", False)
    usual = told.get("DefaultValue", "") if hidden else kept.get(key, told.get("DefaultValue", ""))
    typed = person.form.get(_FIELD + key)
    return {
        "key": key,
        "value": typed if isinstance(typed, str) else usual,
        "hidden": hidden,
        "keeps": hidden and key in kept,
        "description": told.get("Description", ""),
        "choices": told.get("ParameterConstraints", {}).get("AllowedValues", ()),
        "type": told.get("ParameterType", "String"),
    }


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("stack-new"), form),
    ("POST", url("stack-new"), create),
    ("POST", url("stack-parameters"), parameters),
)
