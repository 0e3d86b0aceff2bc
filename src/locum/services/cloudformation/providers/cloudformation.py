"""CloudFormation's own: nested stacks, and what waits for somebody else: wait conditions and custom resources.

CloudFormation Template Reference, AWS::CloudFormation::Stack, AWS::CloudFormation::WaitCondition; CloudFormation User
Guide, "Custom resource reference".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Began,
    Ending,
    Made,
    Nested,
    Properties,
    Provider,
    Reply,
    Request,
    Resource,
    ResponseUrl,
    Work,
)
from locum.services.cloudformation.providers.steps import Steps, listed, own_tags, pairs

_LONGEST_WAIT: Final = 43_200
_LONGEST_RESPONSE: Final = 3600
"""Seconds. ServiceTimeout: "The default value is 3600 seconds (1 hour)", which is the longest as well."""
_NO_RESPONSE: Final = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
    "[{request}]. If you are using the Python cfn-response module, you may need to update your Lambda function code so "
    "that CloudFormation can attach the updated version."
)
_UNCHANGED: Final = "No updates are to be performed."


def _refusal(message: str) -> Fault:
    return Fault("InvalidRequest", message, 400)


def _number(properties: Properties, name: str, default: int, least: int, most: int) -> int:
    """A property that is a number, or the text of one."""
    given = str(properties.get(name, default))
    if not (given.isascii() and given.isdigit() and len(given) < 10 and least <= int(given) <= most):
        raise _refusal(f"{name} must be a number from {least} to {most}")
    return int(given)


def _nothing(_resource: Resource) -> Ending:
    yield from ()


# -- wait conditions -------------------------------------------------------------------------------------


def _handle(_resource: Resource) -> Work:
    told = yield ResponseUrl()
    return Made(told["URL"])


def _kept(resource: Resource, _before: Properties) -> Work:
    yield from ()
    return Made(resource.physical, resource.attributes)


def _condition(resource: Resource) -> Work:
    """Wait for the signals of a handle, whose name the physical id has. One without a handle has a creation policy."""
    properties, physical = resource.properties, f"{resource.stack_arn}/{resource.logical}"
    count = _number(properties, "Count", 1, 0, 1000)
    if "Handle" not in properties:
        yield from ()
        return Made(physical, {"Data": "{}"})
    seconds = _number(properties, "Timeout", _LONGEST_WAIT, 0, _LONGEST_WAIT)
    url = str(properties["Handle"])
    physical = f"{resource.stack_arn}/{(yield Reply(url, 0, 0))['Of']}"
    yield Began(physical)
    signals = (yield Reply(url, count, seconds))["Received"]
    for signal in signals.values():
        if signal["Status"] != "SUCCESS":
            told = f"failed message: '{signal['Reason']}' for uniqueId: {signal['UniqueId']}"
            raise _refusal(f"WaitCondition received {told}")
    if len(signals) < count:
        raise _refusal(f"WaitCondition timed out. Received {len(signals)} conditions when expecting {count}")
    return Made(physical, {"Data": json.dumps({name: signal["Data"] for name, signal in signals.items()})})


def _fixed(resource: Resource, before: Properties) -> Work:
    """WaitCondition: "Updates are not supported"."""
    if resource.properties == before:
        return (yield from _kept(resource, before))
    raise _refusal("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")


# -- macros ----------------------------------------------------------------------------------------------


def _macro(resource: Resource) -> Work:
    """A macro: nothing but its name, by which `macros` finds it."""
    yield from ()
    return Made(str(resource.properties["Name"]))


# -- custom resources ------------------------------------------------------------------------------------


def _create_custom(resource: Resource) -> Work:
    physical = resource.name()
    try:
        response = yield from _asked(resource, "Create", {})
        physical = response["PhysicalResourceId"] or physical
        _check(response)
        if not response["PhysicalResourceId"]:
            raise _refusal("Invalid PhysicalResourceId")
    except Fault:
        yield Began(physical)  # it is told to delete whatever it has made
        raise
    return Made(physical, response["Data"], response["NoEcho"])


def _update_custom(resource: Resource, before: Properties) -> Work:
    """The resource with another physical id is another one: the one before is deleted in the end."""
    if resource.properties == before and not resource.again:  # other tags of the stack
        return Made(resource.physical, resource.attributes, resource.no_echo)
    old = {"PhysicalResourceId": resource.physical, "OldResourceProperties": _texts(before)}
    response = yield from _asked(resource, "Update", old)
    _check(response)
    return Made(response["PhysicalResourceId"] or resource.physical, response["Data"], response["NoEcho"])


def _delete_custom(resource: Resource) -> Ending:
    if "ServiceToken" in resource.properties:
        _check((yield from _asked(resource, "Delete", {"PhysicalResourceId": resource.physical})))


def _asked(resource: Resource, kind: str, more: Mapping[str, Any]) -> Steps[Mapping[str, Any]]:
    """The response to a request of whoever makes the custom resource. Raises Fault where there is none."""
    seconds = _number(resource.properties, "ServiceTimeout", _LONGEST_RESPONSE, 1, _LONGEST_RESPONSE)
    told = yield ResponseUrl(kind)
    identifier, url = str(told["RequestId"]), str(told["URL"])
    if not told["Sent"]:
        request = {
            "RequestType": kind,
            "ServiceToken": resource.properties["ServiceToken"],
            "ResponseURL": url,
            "StackId": resource.stack_arn,
            "RequestId": identifier,
            "LogicalResourceId": resource.logical,
            "ResourceType": resource.type,
            "ResourceProperties": _texts(resource.properties),
            **more,
        }
        yield _sending(str(resource.properties["ServiceToken"]), json.dumps(request))
    answers = (yield Reply(url, 1, seconds))["Received"]
    if identifier not in answers:
        raise _refusal(_NO_RESPONSE.format(request=identifier))
    found: Mapping[str, Any] = {"RequestId": identifier, "NoEcho": False, **answers[identifier]}
    return found


def _check(response: Mapping[str, Any]) -> None:
    """Raise Fault where the response is a failure, or is none (`Status` is empty)."""
    if not response["Status"]:
        raise _refusal(response["Reason"])
    if response["Status"] != "SUCCESS":
        told = f"Message returned: {response['Reason']} (RequestId: {response['RequestId']})"
        raise _refusal(f"Received response status [FAILED] from custom resource. {told}")


def _sending(token: str, message: str) -> Request:
    """The call that hands over a request: of a function, or of a topic."""
    arn = Arn.find(token)
    if arn is not None and arn.service == "lambda":
        function = {"FunctionName": token, "InvocationType": "Event", "Payload": message.encode()}
        return Request("lambda", "Invoke", function, arn.region)
    if arn is not None and arn.service == "sns":
        subject = "AWS CloudFormation custom resource request"
        return Request("sns", "Publish", {"TopicArn": token, "Subject": subject, "Message": message}, arn.region)
    raise _refusal("Invalid service token.")


def _texts(value: Any) -> Any:
    """`value` with texts for numbers and truths: all that a function gets of its properties."""
    if isinstance(value, Mapping):
        return {name: _texts(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_texts(inner) for inner in value]
    return str(value).lower() if isinstance(value, bool) else value if value is None else str(value)


# -- nested stacks ---------------------------------------------------------------------------------------

_UPDATED: Final = ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
_TAKEN_BACK: Final = ("UPDATE_ROLLBACK_COMPLETE",)


def _create_stack(resource: Resource) -> Work:
    """A nested stack that fails stays as it is, until the stack that it is in is rolled back, which deletes it."""
    params = {"StackName": resource.name(128), "DisableRollback": True, "ClientRequestToken": resource.client_token}
    if "TimeoutInMinutes" in resource.properties:
        params["TimeoutInMinutes"] = _number(resource.properties, "TimeoutInMinutes", 0, 1, 43_200)
    made = yield Request("cloudformation", "CreateStack", {**params, **_given(resource)})
    arn = str(made["StackId"])
    yield Began(arn)
    ended = yield Nested(arn)
    if ended["Status"] != "CREATE_COMPLETE":
        raise _refusal(f"Embedded stack {arn} was not successfully created: {ended['Reason']}")
    return (yield from _told(arn))


def _update_stack(resource: Resource, _before: Properties) -> Work:
    """What an interrupted update did already is no update any more. A rollback is the nested stack's own as well.

    The call by which it goes back is the one that updates it, so that it takes no other permission.
    """
    arn = resource.physical
    yield Nested(arn, patient=True)
    try:
        yield Request("cloudformation", "UpdateStack", {"StackName": arn, **_given(resource)})
    except Fault as fault:
        if fault.message != _UNCHANGED:
            raise
    else:
        ended = yield Nested(arn, patient=True, early=not resource.back)
        if ended["Status"] not in (_TAKEN_BACK if resource.back else _UPDATED):
            told = f"Currently in {ended['Status']} with reason: {ended['Reason']}"
            raise _refusal(f"Embedded stack {arn} was not successfully updated. {told}")
    return (yield from _told(arn))


def _delete_stack(resource: Resource) -> Ending:
    arn = resource.physical
    yield Request("cloudformation", "DeleteStack", {"StackName": arn})
    ended = yield Nested(arn, patient=True)
    if ended["Status"] not in ("DELETE_COMPLETE", ""):
        raise _refusal(f"Embedded stack {arn} was not successfully deleted: {ended['Reason']}")


def _told(arn: str) -> Work:
    """A nested stack with its outputs, which are its attributes."""
    (stack,) = (yield Request("cloudformation", "DescribeStacks", {"StackName": arn}))["Stacks"]
    return Made(arn, outputs_in(stack))


def outputs_in(stack: Mapping[str, Any]) -> dict[str, str]:
    """The outputs of a stack that DescribeStacks tells, as attributes of the resource that it is."""
    return {f"Outputs.{it['OutputKey']}": it["OutputValue"] for it in stack.get("Outputs", ())}


def _given(resource: Resource) -> dict[str, Any]:
    """The parameters of a nested stack. The tags of the stack that it is in are its tags as well."""
    properties = resource.properties
    parameters = properties.get("Parameters", {}).items()
    return {
        "TemplateURL": properties["TemplateURL"],
        "Parameters": [{"ParameterKey": name, "ParameterValue": parameter_text(value)} for name, value in parameters],
        "Tags": pairs(own_tags(resource.all_tags(properties.get("Tags")))),
        "NotificationARNs": listed(properties.get("NotificationARNs")),
        "Capabilities": list(resource.capabilities),
    }


def parameter_text(value: Any) -> str:
    """The value of a parameter of a nested stack: lists are joined by commas."""
    return ",".join(parameter_text(item) for item in value) if isinstance(value, (list, tuple)) else str(_texts(value))


PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::CloudFormation::CustomResource": Provider(_create_custom, _delete_custom, _update_custom),
    "AWS::CloudFormation::Macro": Provider(_macro, _nothing, lambda resource, _before: _macro(resource)),
    "AWS::CloudFormation::Stack": Provider(_create_stack, _delete_stack, _update_stack),
    "AWS::CloudFormation::WaitCondition": Provider(_condition, _nothing, _fixed),
    "AWS::CloudFormation::WaitConditionHandle": Provider(_handle, _nothing, _kept),
}
