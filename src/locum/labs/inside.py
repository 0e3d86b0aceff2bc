"""What a program in an instance finds: the answers of its metadata service, and the credentials of its role."""

from __future__ import annotations

import json
from typing import Final

from locum.core.errors import LocumError
from locum.labs.world import Broken, Credentials, World

_TOKEN: Final = "X-aws-ec2-metadata-token"  # noqa: S105 - the name of a header
_ROLES: Final = "/latest/meta-data/iam/security-credentials/"


def metadata(world: World, instance: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Status and body of an answer of the metadata service of `instance`. Raises Broken where none comes."""
    if world.inside is None:
        raise Broken("here is no way into instances")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return world.inside.ask(instance, method, path, named)
    except (OSError, LocumError) as error:
        raise Broken(f"the metadata service of {instance} does not answer: {error}") from error


def read(world: World, instance: str, path: str) -> tuple[int, str]:
    """The same with a token, as a current SDK asks."""
    status, token = metadata(
        world, instance, "/latest/api/token", "PUT", **{f"{_TOKEN}-ttl-seconds".replace("-", "_"): "60"}
    )
    if status != 200:
        raise Broken(f"the metadata service of {instance} gives no token: it answers {status}")
    return metadata(world, instance, path, **{_TOKEN.replace("-", "_"): token})


def worn(world: World, instance: str) -> str:
    """The name of the role that `instance` has. Raises Broken where it has none."""
    status, role = read(world, instance, _ROLES)
    if status != 200:
        raise Broken(f"{instance} has no role: its metadata service answers {status} to iam/security-credentials/")
    return role.strip()


def of_instance(world: World, instance: str) -> Credentials:
    """The credentials that a program in `instance` finds. Raises Broken."""
    role = worn(world, instance)
    status, text = read(world, instance, _ROLES + role)
    answer = json.loads(text) if status == 200 else {"Code": status}
    if answer["Code"] != "Success":
        raise Broken(f"{instance} gets no credentials of {role}: {answer['Code']} {answer.get('Message', '')}".strip())
    return Credentials.of(answer)
