"""Instances that the backend of EC2 runs: one that keeps what it has (an HTTP endpoint), not the embedded one.

A launch has such a backend run the instances and takes their ids, addresses and network from it. What becomes of them
is Locum's decision and is carried out there before it is committed here; the role that they wear and their metadata
options stay Locum's, and are not sent. An instance of this machine's own image is run by nobody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import OWN_IMAGE
from locum.core.system_tags import RESERVED
from locum.services.asking import Asking, asking
from locum.services.ec2.addresses import mac_of
from locum.services.ec2.held import Answer, filters, held
from locum.services.verbs import Context, Operation, Params, Verb, asks_and_writes
from locum.state import Instance

_KEPT_HERE: Final = frozenset(
    {"ClientToken", "DryRun", "IamInstanceProfile", "LaunchTemplate", "MetadataOptions", "TagSpecifications"}
)
"""The parameters of RunInstances that the backend does not get as they are; the template's are among the others."""
_NETWORK: Final = ("SubnetId", "VpcId")


def is_run_elsewhere(ctx: Context, params: Params) -> bool:
    """Whether a launch with `params` is the backend's to run."""
    return ctx.settings.instances_at_backend and params.get("ImageId") != OWN_IMAGE


def run_elsewhere(ctx: Context, params: Params, template: Instance) -> Generator[Ask, Answer, list[Instance]]:
    """The instances that the backend runs for `params`: `template` in all that Locum decides. Raises Fault.

    The launch is the same one however often it is asked for: its client token is derived from the caller's, or from
    the request. It ends again where the call that asked for it is not committed.
    """
    sent = {name: value for name, value in params.items() if name not in _KEPT_HERE}
    if tags := list(_accepted_tags(params)):
        sent["TagSpecifications"] = tags
    asked = held(ctx, "RunInstances", {**sent, "ClientToken": _token(ctx, params, sent)})
    answer = yield asked._replace(changes=True, undo=_terminating)
    return [_instance(template, answer["ReservationId"], shape) for shape in answer["Instances"]]


def there_too(operation: str, member: str, verb: Verb) -> Operation:
    """Register a verb that may have events, and whose call is carried out at the backend for the instances there.

    `member` has the ids of the instances.
    """

    def run(ctx: Context, params: Params) -> Asking:
        outcome = verb(ctx, params)
        yield from carry_out_there(ctx, operation, params, member)
        return outcome

    return asks_and_writes(asking(run))


def carry_out_there(ctx: Context, operation: str, params: Params, member: str) -> Generator[Ask, Answer, None]:
    """Have the backend carry out a call on those of the instances in `member` that it runs. Raises Fault."""
    given: str | Sequence[str] = params.get(member) or ()
    several = not isinstance(given, str)
    named = [given] if isinstance(given, str) else given
    there = [name for name in named if _is_there(ctx, name)]
    if not there:
        return
    sent = {name: value for name, value in params.items() if name != "DryRun"}
    asked = held(ctx, operation, {**sent, member: there if several else there[0]})
    try:
        yield asked._replace(changes=True)
    except Fault as fault:
        if operation != "TerminateInstances" or fault.code != "InvalidInstanceID.NotFound":
            raise
        yield from _terminate_the_rest(ctx, there)


def _terminate_the_rest(ctx: Context, ids: Sequence[str]) -> Generator[Ask, Answer, None]:
    """Terminate those of `ids` that the backend still has: the others have ended."""
    answer = yield held(ctx, "DescribeInstances", {"Filters": filters(instance_id=ids)})
    left = [each["InstanceId"] for found in answer.get("Reservations", ()) for each in found["Instances"]]
    if left:
        yield held(ctx, "TerminateInstances", {"InstanceIds": left})._replace(changes=True)


def _is_there(ctx: Context, name: str) -> bool:
    found = ctx.state.get(Instance, ctx.account, name)
    return ctx.settings.instances_at_backend and found is not None and found.at_backend


def _accepted_tags(params: Params) -> Iterator[dict[str, Any]]:
    """The tag specifications without the tags of AWS's services, which a backend takes from nobody."""
    for specification in params.get("TagSpecifications") or ():
        tags = [tag for tag in specification.get("Tags") or () if not tag["Key"].startswith(RESERVED)]
        if tags:
            yield {**specification, "Tags": tags}


def _token(ctx: Context, params: Params, sent: Params) -> str:
    """The client token of a launch at the backend (EC2 API: of 64 characters at most)."""
    request = params.get("ClientToken") or ctx.call_of("ec2", "RunInstances", params).request_id
    told = json.dumps([ctx.account, ctx.region, request, sent], sort_keys=True, default=repr)
    return f"locum-{hashlib.sha256(told.encode()).hexdigest()[:48]}"


def _terminating(call: ServiceCall, answer: Answer) -> ServiceCall:
    ids = [each["InstanceId"] for each in answer["Instances"]]
    return call._replace(operation="TerminateInstances", params={"InstanceIds": ids})


def _instance(template: Instance, reservation: str, shape: Mapping[str, Any]) -> Instance:
    """`template` as the instance of which the backend answered `shape`, an `Instance`."""
    address = shape.get("PrivateIpAddress", "")
    macs = [each["MacAddress"] for each in shape.get("NetworkInterfaces") or () if each.get("MacAddress")]
    network = {name: shape[name] for name in _NETWORK if shape.get(name)}
    if network:
        network["Groups"] = [dict(group) for group in shape.get("SecurityGroups") or ()]
    return replace(
        template,
        id=shape["InstanceId"],
        reservation=reservation,
        launch_index=shape.get("AmiLaunchIndex", 0),
        instance_type=shape.get("InstanceType") or template.instance_type,
        zone=(shape.get("Placement") or {}).get("AvailabilityZone") or template.zone,
        private_ip=address,
        mac=macs[0] if macs else mac_of(address) if address else "",
        at_backend=True,
        attributes={**template.attributes, **network},
    )
