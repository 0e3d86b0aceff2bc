"""What somebody does with a stack: an update by a change set that is looked at first, its end, its drift."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import CallFailed
from locum.console.pages.forms import changing
from locum.console.pages.stack_templates import (
    CAPABILITIES,
    parameters_of_template,
    template_text,
    told_of_template,
    typed_of_template,
)
from locum.console.pages.stacks import stack_of
from locum.console.person import Person, View, url
from locum.console.rendering import segment

_MAKING: Final = frozenset({"CREATE_PENDING", "CREATE_IN_PROGRESS"})
"""The states of a change set that is being worked out."""


def _page(person: Person) -> str:
    return url("stacks", person.path["name"])


def _named(person: Person) -> dict[str, Any]:
    return {"StackName": person.path["name"]}


def _of_change(person: Person) -> dict[str, Any]:
    return {"StackName": person.path["name"], "ChangeSetName": person.path["change"]}


def _protection(person: Person) -> dict[str, Any]:
    return {**_named(person), "EnableTerminationProtection": person.field("protection") == "on"}


async def form(person: Person) -> Response:
    """The form of an update, with the template that the stack has."""
    answer = await person.aws.call("cloudformation", "get_template", **_named(person))
    return await _form(person, template_text(answer["TemplateBody"]), None)


async def propose(person: Person) -> Response:
    """Make a change set; its page tells what it would do."""
    name = datetime.fromtimestamp(person.now(), UTC).strftime("console-%Y%m%d-%H%M%S")
    given = {**_named(person), "ChangeSetName": name, "ChangeSetType": "UPDATE", **parameters_of_template(person)}
    try:
        await person.aws.call("cloudformation", "create_change_set", **given)
    except CallFailed as failed:
        return await _form(person, person.field("template"), failed)
    person.aws.tell("cloudformation", "create_change_set", given | told_of_template(person))
    where = url("stacks", person.path["name"], "changes", name)
    return person.done("The change set is being worked out. Nothing is changed yet.", where)


async def _form(person: Person, text: str, failed: CallFailed | None) -> Response:
    stack = await stack_of(person.aws, person.path["name"])
    chosen = person.fields("capability") if failed else stack.get("Capabilities", [])
    role = person.field("role", stack.get("RoleARN", ""))
    values = {"stack": stack, "text": text, "chosen": chosen, "role": role, "capabilities": CAPABILITIES}
    values |= {"typed": typed_of_template(person)}
    return person.page("stack_update.html", 400 if failed else 200, failed=failed, **values)


async def show_change(person: Person) -> Response:
    """The page of a change set: what its execution would do."""
    found = await person.aws.call("cloudformation", "describe_change_set", **_of_change(person))
    return person.page("stack_change.html", change=found, making=found["Status"] in _MAKING)


async def watch_change(person: Person) -> Response:
    """Has the page of a change set be loaded again once it is worked out."""
    found = await person.aws.call("cloudformation", "describe_change_set", **_of_change(person))
    return Response(status_code=204, headers={} if found["Status"] in _MAKING else {"hx-refresh": "true"})


async def delete(person: Person) -> Response:
    """Delete a stack: its page, by its id, has the events as they happen."""
    try:
        own_id = (await stack_of(person.aws, person.path["name"]))["StackId"]
        await person.aws.change("cloudformation", "delete_stack", **_named(person))
    except CallFailed as failed:
        return person.failed(failed, _page(person))
    return person.done("The stack is being deleted.", f"{_page(person)}?id={segment(own_id)}")


async def detect(person: Person) -> Response:
    """Begin to compare the resources of a stack with its template."""
    try:
        answer = await person.aws.change("cloudformation", "detect_stack_drift", **_named(person))
    except CallFailed as failed:
        return person.failed(failed, _page(person))
    where = f"{_page(person)}?detection={segment(answer['StackDriftDetectionId'])}#drift"
    return person.done("The resources are being compared with the template.", where)


_PATH: Final = f"{url('stacks')}/{{name}}"
_CHANGE: Final = f"{_PATH}/changes/{{change}}"
_SERVICE: Final = "cloudformation"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", f"{_PATH}/update", form),
    ("POST", f"{_PATH}/update", propose),
    ("GET", _CHANGE, show_change),
    ("GET", f"{_CHANGE}/watch", watch_change),
    ("POST", f"{_CHANGE}/execute",
     changing(_SERVICE, "execute_change_set", "The change set is being executed.", _of_change, _page)),
    ("POST", f"{_CHANGE}/delete",
     changing(_SERVICE, "delete_change_set", "The change set is deleted; nothing was changed.", _of_change, _page)),
    ("POST", f"{_PATH}/cancel",
     changing(_SERVICE, "cancel_update_stack", "The update is cancelled and rolled back.", _named, _page)),
    ("POST", f"{_PATH}/continue",
     changing(_SERVICE, "continue_update_rollback", "The rollback goes on.", _named, _page)),
    ("POST", f"{_PATH}/protection",
     changing(_SERVICE, "update_termination_protection", "The protection is changed.", _protection, _page)),
    ("POST", f"{_PATH}/delete", delete),
    ("POST", f"{_PATH}/drift", detect),
)  # fmt: skip
