"""Labs about the instance metadata service and the credentials that it gives."""

from __future__ import annotations

import json
from typing import Any, Final

from locum.labs import inside, making
from locum.labs.documents import allow, deny, document
from locum.labs.lab import INSIDE, written
from locum.labs.world import Broken, Credentials, World

_ID: Final = "/latest/meta-data/instance-id"

# -- IMDSv2 and an old client ----------------------------------------------------------------------------


def _build_clients(world: World) -> None:
    making.instance(world, "web", tokens="optional")
    making.instance(world, "legacy", tokens="required")


def _check_clients(world: World) -> None:
    web, legacy = world.notes["web"], world.notes["legacy"]
    making.described(world, web)
    making.described(world, legacy)
    if (status := inside.metadata(world, legacy, _ID)[0]) != 200:
        raise Broken(f"The old client on {legacy} asks without a token, and is answered {status}")
    if inside.metadata(world, web, _ID)[0] == 200:
        raise Broken(f"{web} answers without a token: whatever makes a server fetch a URL can read its credentials")
    if (status := inside.read(world, web, _ID)[0]) != 200:
        raise Broken(f"The client on {web} asks with a token, and is answered {status}")


def _solve_clients(world: World) -> None:
    for name, tokens in (("web", "required"), ("legacy", "optional")):
        world.do("ec2", "modify_instance_metadata_options", InstanceId=world.notes[name], HttpTokens=tokens)


OLD_CLIENT: Final = written(
    "old-client", _build_clients, _check_clients, _solve_clients, services=("ec2",), requires=(INSIDE,)
)

# -- a container -----------------------------------------------------------------------------------------


def _build_hops(world: World) -> None:
    making.instance(world, "instance", making.profile(world, "app", allow("ec2:DescribeRegions")), hops=1)


def _check_hops(world: World) -> None:
    instance = world.notes["instance"]
    options = making.described(world, instance)["MetadataOptions"]
    if options["HttpEndpoint"] != "enabled":
        raise Broken("The metadata service is turned off: nobody gets credentials")
    if inside.metadata(world, instance, _ID)[0] == 200:
        raise Broken("Tokens are not required any more: that was not the fault")
    if (hops := options["HttpPutResponseHopLimit"]) < 2:
        raise Broken(f"The answer to PUT /latest/api/token may make {hops} hop: it does not come to the container")
    if hops > 2:
        raise Broken(f"{hops} hops are more than the container needs: its bridge is one, so that 2 are enough")
    world.may("The role has lost its permission", "ec2", "describe_regions", inside.of_instance(world, instance))


def _solve_hops(world: World) -> None:
    options: dict[str, Any] = {"HttpPutResponseHopLimit": 2, "HttpTokens": "required", "HttpEndpoint": "enabled"}
    world.do("ec2", "modify_instance_metadata_options", InstanceId=world.notes["instance"], **options)


CONTAINER_HOPS: Final = written(
    "container-hops", _build_hops, _check_hops, _solve_hops, services=("ec2",), requires=(INSIDE,)
)

# -- a stolen session, and a client that caches ----------------------------------------------------------


def _build_cache(world: World) -> None:
    instance = making.instance(world, "instance", making.profile(world, "app", allow("ec2:DescribeRegions")))
    key, name = inside.of_instance(world, instance), world.name("cache")
    value = json.dumps(key._asdict())
    world.do("ssm", "put_parameter", Name=name, Type="SecureString", Value=value, Tags=world.tags)
    world.note("parameter", name)


def _cached(world: World) -> Credentials:
    answer = world.do("ssm", "get_parameter", Name=world.notes["parameter"], WithDecryption=True)
    return Credentials(**json.loads(answer["Parameter"]["Value"]))


def _check_cache(world: World) -> None:
    instance, stolen = world.notes["instance"], _cached(world)
    making.described(world, instance)
    world.must_not(
        "The copied session still works: it is good until it expires, whoever deletes its copy",
        "ec2", "describe_regions", stolen,
    )  # fmt: skip
    if (worn := inside.worn(world, instance)) != world.name("app"):
        raise Broken(f"{instance} runs as {worn}, and not as {world.name('app')}")
    fresh = inside.of_instance(world, instance)
    if fresh == stolen:
        raise Broken(
            "The copied session is dead. But the instance still gives the same one to its program: it keeps a session "
            "until it is renewed, or the instance has its profile anew"
        )
    world.may("The program in the instance is locked out with a fresh session", "ec2", "describe_regions", fresh)


def _solve_cache(world: World) -> None:
    instance = world.notes["instance"]
    before = {"aws:TokenIssueTime": world.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
    world.do(
        "iam", "put_role_policy",
        RoleName=world.name("app"), PolicyName="revoked", PolicyDocument=document(deny("*", DateLessThan=before)),
    )  # fmt: skip
    there = making.attached(world, instance)["AssociationId"]
    world.do("ec2", "disassociate_iam_instance_profile", AssociationId=there)
    making.attach(world, instance, "app")


CACHED_CLIENT: Final = written(
    "cached-client", _build_cache, _check_cache, _solve_cache, services=("ec2", "ssm"), requires=(INSIDE,)
)
