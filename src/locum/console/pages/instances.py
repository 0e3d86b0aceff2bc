"""Instances: the list, the launch of one, and the page of one."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Aws, CallFailed, attempt
from locum.console.pages.forms import filled, number
from locum.console.person import Person, View, url
from locum.console.rendering import tags_of
from locum.core.identifiers import OWN_IMAGE

OPTIONS: Final = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags")
"""The options of the metadata service that forms have, under these names."""
_NAMES: Final = {"name": "", "image": OWN_IMAGE, "type": "t3.micro", "count": "1", "profile": "", "user_data": ""}
_USUAL: Final = _NAMES | {
    "HttpTokens": "required", "HttpPutResponseHopLimit": "2", "HttpEndpoint": "enabled",
    "InstanceMetadataTags": "disabled",
}  # fmt: skip
_DENIALS: Final = 10


async def listing(person: Person) -> Response:
    """All instances of the account in the region, those that have ended last."""
    reservations, profiles = await asyncio.gather(
        person.aws.listed("ec2", "describe_instances", "Reservations"), attempt(profiles_of(person.aws))
    )
    found = [it for reservation in reservations for it in reservation["Instances"]]
    found.sort(key=lambda it: (it["State"]["Name"] == "terminated", -it["LaunchTime"].timestamp()))
    roles = {it["Arn"]: it["Roles"] for it in profiles.value or ()}
    return person.page("instances.html", instances=found, roles=roles, more=reservations.more, tags_of=tags_of)


async def profiles_of(aws: Aws) -> list[dict[str, Any]]:
    """The instance profiles of the account. Raises CallFailed."""
    return await aws.listed("iam", "list_instance_profiles", "InstanceProfiles")


async def form(person: Person) -> Response:
    """The form of a launch."""
    return await _form(person, {}, None)


async def launch(person: Person) -> Response:
    """Launch instances."""
    try:
        answer = await person.aws.change("ec2", "run_instances", **_launch(person))
    except CallFailed as failed:
        return await _form(person, dict(person.form), failed)
    made = [it["InstanceId"] for it in answer["Instances"]]
    where = url("instances", made[0]) if len(made) == 1 else url("instances")
    return person.done(f"Launched: {', '.join(made)}.", where)


def _launch(person: Person) -> dict[str, Any]:
    """The parameters of RunInstances that the form asks for. Raises CallFailed."""
    name, profile, count = person.field("name"), person.field("profile"), number(person, "count")
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": name}]}]
    return filled(
        ImageId=person.field("image"),
        InstanceType=person.field("type"),
        MinCount=count,
        MaxCount=count,
        IamInstanceProfile={"Arn": profile} if profile else None,
        TagSpecifications=tags if name else None,
        UserData=person.field("user_data").replace("\r\n", "\n"),
        MetadataOptions=options_of(person),
    )


def options_of(person: Person) -> dict[str, Any]:
    """The options of the metadata service in a form. Raises CallFailed."""
    given = filled(**{name: person.field(name) for name in OPTIONS})
    if "HttpPutResponseHopLimit" in given:
        given["HttpPutResponseHopLimit"] = number(person, "HttpPutResponseHopLimit")
    return given


async def _form(person: Person, given: dict[str, Any], failed: CallFailed | None) -> Response:
    profiles = await attempt(profiles_of(person.aws))
    values = {"profiles": profiles, "given": _USUAL | given, "own_image": OWN_IMAGE}
    return person.page("instance_new.html", 400 if failed else 200, failed=failed, **values)


async def show(person: Person) -> Response:
    """The page of one instance."""
    own_id = person.path["id"]
    found = await instance_of(person.aws, own_id)
    profile, profiles, user_data = await asyncio.gather(
        attempt(profile_of(person.aws, found)),
        attempt(profiles_of(person.aws)),
        attempt(_user_data(person.aws, own_id)),
    )
    values = {"profile": profile, "profiles": profiles, "user_data": user_data}
    return person.page("instance.html", instance=found, name=tags_of(found).get("Name", ""), **values)


async def instance_of(aws: Aws, own_id: str) -> dict[str, Any]:
    """An instance, as EC2 describes it. Raises CallFailed."""
    answer = await aws.call("ec2", "describe_instances", InstanceIds=[own_id])
    found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return found


async def profile_of(aws: Aws, instance: dict[str, Any]) -> dict[str, Any] | None:
    """The instance profile of an instance, with its roles. Raises CallFailed."""
    if "IamInstanceProfile" not in instance:
        return None
    name = instance["IamInstanceProfile"]["Arn"].rsplit("/", 1)[1]
    profile: dict[str, Any] = (await aws.call("iam", "get_instance_profile", InstanceProfileName=name))[
        "InstanceProfile"
    ]
    return profile


async def _user_data(aws: Aws, own_id: str) -> str:
    answer = await aws.call("ec2", "describe_instance_attribute", InstanceId=own_id, Attribute="userData")
    return base64.b64decode(answer["UserData"].get("Value", "")).decode(errors="replace")


async def watch(person: Person) -> Response:
    """Has the page of an instance be loaded again once its state is another one than the query says."""
    found = await instance_of(person.aws, person.path["id"])
    changed = found["State"]["Name"] != person.query("state")
    return Response(status_code=204, headers={"hx-refresh": "true"} if changed else {})


async def output(person: Person) -> Response:
    """What an instance wrote to its console."""
    told = await attempt(person.aws.call("ec2", "get_console_output", InstanceId=person.path["id"]))
    text = told.value.get("Output", "") if told.value is not None else ""
    return person.part("instance_output.html", error=told.error, text=text)


async def denials(person: Person) -> Response:
    """The last calls of an instance that were denied: of the sessions of its role that have its id as their name."""
    own_id = person.path["id"]
    return person.part("instance_denials.html", denials=await attempt(_denials(person.aws, own_id)))


async def _denials(aws: Aws, own_id: str) -> list[dict[str, Any]]:
    instance = await instance_of(aws, own_id)
    profile = await profile_of(aws, instance)
    found: list[dict[str, Any]] = []
    for role in profile["Roles"] if profile else ():
        account = role["Arn"].split(":")[4]
        session = f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{own_id}"
        answer = await aws.call("locum", "list_records", Verdict="denied", PrincipalArn=session, MaxResults=_DENIALS)
        found += answer["Records"]
    return found


_PATH: Final = f"{url('instances')}/{{id}}"

ROUTES: Final[tuple[tuple[str, str, View], ...]] = (
    ("GET", url("instances"), listing),
    ("GET", url("instances", "new"), form),
    ("POST", url("instances", "new"), launch),
    ("GET", _PATH, show),
    ("GET", f"{_PATH}/watch", watch),
    ("GET", f"{_PATH}/output", output),
    ("GET", f"{_PATH}/denials", denials),
)
