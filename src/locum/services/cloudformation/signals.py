"""Signals of resources that wait for them: SignalResource, and what comes in at the URLs of waiting resources.

A URL is given to whoever makes a custom resource, or is the value of a wait condition's handle. Whoever knows it may
answer, as with the presigned URLs of AWS: its last part is sealed under the key ring, for one resource and one request.

CloudFormation User Guide, "Custom resource response objects", "Wait condition signal syntax".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.credentials import BrokenSeal, KeyRing
from locum.services.cloudformation.drafts import Draft
from locum.services.cloudformation.json_objects import json_object
from locum.services.cloudformation.lookup import existing, resource_of
from locum.services.cloudformation.sealing import Seals
from locum.services.cloudformation.templates import invalid
from locum.services.verbs import RESPONSE_URLS, Context, Operation, Outcome, Params, writes
from locum.state import Stack, StackResource, State, put
from locum.state.autoscaling import regional

HANDLE: Final = "AWS::CloudFormation::WaitConditionHandle"
LONGEST: Final = 4096
"""Octets. "The total size of the response body can't exceed 4096 bytes"."""
TOO_LONG: Final = "Response object is too long."
MOST_SIGNALS: Final = 1000
"""Signals that a handle or a resource keeps. [U] AWS does not publish a limit."""
MOST_OCTETS: Final = 1 << 16
"""The size of the signals that a handle keeps: whoever knows its URL can send some."""

_PURPOSE: Final = "stack-door"
_LONGEST_TOKEN: Final = 2048
_DEEPEST: Final = 32
_LONGEST_PHYSICAL: Final = 1024
_LONGEST_WAIT: Final = 43_200
_DURATION: Final = re.compile(r"PT(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?")
_IN_PROGRESS: Final = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")


class PresignedUrl(NamedTuple):
    """What a URL is for: a resource of a stack, and the id of its request; of a handle, its token."""

    account: str
    region: str
    stack: str
    logical: str
    request: str

    def path(self, ring: KeyRing, entropy: Entropy) -> str:
        """The path of the URL. No two are the same."""
        sealed = ring.seal(_PURPOSE, msgspec.json.encode(list(self)), entropy)
        return RESPONSE_URLS + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def resource(self, state: State) -> StackResource | None:
        """The resource."""
        return state.get(StackResource, self.account, regional(self.region, self.stack, self.logical))


def presigned_url(path: str, ring: KeyRing) -> PresignedUrl | None:
    """The pre-signed URL with this path; None where this installation did not make it."""
    token = path.removeprefix(RESPONSE_URLS)
    if token == path or len(token) > _LONGEST_TOKEN:
        return None
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return PresignedUrl(*msgspec.json.decode(ring.open(_PURPOSE, sealed), type=tuple[str, str, str, str, str]))
    except (BrokenSeal, binascii.Error, ValueError):
        return None


# -- what comes in at a URL ------------------------------------------------------------------------------


def answered(state: State, url: PresignedUrl, body: bytes, seals: Seals) -> Outcome:
    """Keep an answer for the resource of `url`, which nobody needs to sign.

    Raises Fault where nothing is waited for any more, or `body` is no answer for it.
    """
    stack = state.get(Stack, url.account, regional(url.region, url.stack))
    it = url.resource(state)
    if stack is None or it is None or not _waits(stack, it, url):
        raise Fault("AccessDenied", "Request has expired", 403)
    received = dict(seals.open(it.account, it.stack, it.received))
    if it.type == HANDLE:
        signal = _signal(body)
        if signal["UniqueId"] in received:
            return Outcome({})
        if len(received) >= MOST_SIGNALS or len(it.received) + len(body) > MOST_OCTETS:
            raise invalid("The handle has received too many signals.")
        received[signal["UniqueId"]] = signal
    elif url.request in received:
        raise Fault("AccessDenied", "Request has expired", 403)
    else:
        received[url.request] = _response(stack, it, url, body)
    return Outcome({}, (put(replace(it, received=seals.seal(it.account, it.stack, received))),))


def _waits(stack: Stack, it: StackResource, url: PresignedUrl) -> bool:
    """Whether an answer at `url` matters: a replayed one, or one to another request, does not."""
    if it.type == HANDLE:
        return url.request == it.token and it.status.endswith("_COMPLETE") and stack.status in _IN_PROGRESS
    return it.asked is not None and bool(url.request) and it.asked.id == url.request


def _signal(body: bytes) -> Mapping[str, Any]:
    """The signal in `body`."""
    if len(body) > LONGEST:
        raise Fault("EntityTooLarge", TOO_LONG, 400)
    told = _object(body)
    if told.get("Status") not in ("SUCCESS", "FAILURE"):
        raise invalid("Status must be SUCCESS or FAILURE.")
    if not told.get("UniqueId") or any(not isinstance(told.get(name, ""), str) for name in ("UniqueId", "Reason")):
        raise invalid("UniqueId and Reason must be strings.")
    return {name: told.get(name, "") for name in ("Status", "UniqueId", "Reason", "Data")}


def _response(stack: Stack, it: StackResource, url: PresignedUrl, body: bytes) -> Mapping[str, Any]:
    """The response of a custom resource in `body`. One that is too long fails the resource, as on AWS."""
    if len(body) > LONGEST:
        return {"Status": "", "Reason": TOO_LONG, "PhysicalResourceId": "", "Data": {}}
    told = _object(body)
    wanted = {"StackId": stack.arn, "RequestId": url.request, "LogicalResourceId": it.logical}
    for name, value in wanted.items():
        if told.get(name) != value:
            raise invalid(f"Invalid response object: Value of property {name} must be that of the request")
    if told.get("Status") not in ("SUCCESS", "FAILED"):
        raise invalid("Invalid response object: Value of property Status must be SUCCESS or FAILED")
    physical, reason, data = told.get("PhysicalResourceId"), told.get("Reason"), told.get("Data")
    if not isinstance(physical, str | None) or len(physical or "") > _LONGEST_PHYSICAL:
        raise invalid("Invalid PhysicalResourceId")
    if not isinstance(data, dict | None):
        raise invalid("Invalid response object: Value of property Data must be an object")
    shown = reason if isinstance(reason, str) else ""
    answer = {"Status": told["Status"], "Reason": shown, "PhysicalResourceId": physical or "", "Data": data or {}}
    return answer | {"NoEcho": str(told.get("NoEcho")).lower() == "true"}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return json_object(body, _DEEPEST)
    except ValueError as error:
        raise invalid("Invalid JSON.") from error


# -- creation policies -----------------------------------------------------------------------------------


class CreationPolicy(NamedTuple):
    """The signals that the creation of a resource waits for, `seconds` at most; `least` percent are of success."""

    number: int
    seconds: int
    least: int


def policy_of(declared: Mapping[str, Any]) -> CreationPolicy | None:
    """A creation policy as its template has it; None where it waits for no signals. Raises Fault ValidationError.

    CloudFormation Template Reference, "CreationPolicy attribute": Count is 1 and Timeout five minutes by default, and
    "the maximum time is 12 hours".
    """
    signals, scaling = declared.get("ResourceSignal"), declared.get("AutoScalingCreationPolicy", {})
    if not isinstance(signals, Mapping):
        return None
    count, seconds = str(signals.get("Count", 1)), duration_of(str(signals.get("Timeout", "PT5M")))
    least = str(scaling.get("MinSuccessfulInstancesPercent", 100)) if isinstance(scaling, Mapping) else ""
    if not all(text.isascii() and text.isdigit() and len(text) < 5 for text in (count, least)) or int(least) > 100:
        raise invalid("Invalid CreationPolicy: Count and MinSuccessfulInstancesPercent must be numbers")
    if seconds is None:
        raise invalid("Invalid CreationPolicy: Timeout must be an ISO 8601 duration, PT#H#M#S")
    return CreationPolicy(int(count), min(seconds, _LONGEST_WAIT), int(least))


def duration_of(text: str) -> int | None:
    """The seconds of an ISO 8601 duration, `PT#H#M#S`; None where it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds


# -- SignalResource --------------------------------------------------------------------------------------


def signal_resource(ctx: Context, params: Params) -> Outcome:
    """cloudformation:SignalResource."""
    stack, logical = existing(ctx, params["StackName"]), params["LogicalResourceId"]
    identifier, status = params["UniqueId"], params["Status"]
    it = resource_of(ctx.state, stack, logical)
    if it is None:
        raise invalid(f"Resource {logical} does not exist for stack {stack.name}")
    if it.status not in _IN_PROGRESS:
        raise invalid(f"Resource {logical} is in {it.status} state and cannot be signaled")
    if identifier in it.signals and (status != "FAILURE" or it.signals[identifier] == status):
        raise invalid(
            f"Signal with ID {identifier} for resource {logical} already exists. "
            "Signals may only be updated with a FAILURE status."
        )
    if len(it.signals) >= MOST_SIGNALS:
        raise invalid(f"Resource {logical} has received too many signals.")
    draft = Draft(stack, ctx.now, ctx.entropy)
    signalled = replace(it, signals={**it.signals, identifier: status})
    draft.resource(signalled, told=f"Received {status} signal with UniqueId {identifier}")
    return Outcome({}, draft.events)


OPERATIONS: Final[dict[str, Operation]] = {"SignalResource": writes(signal_resource)}
