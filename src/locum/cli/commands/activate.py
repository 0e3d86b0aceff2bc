"""`locum activate`: let another machine be an instance."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import click

from locum.cli.client import RootClient
from locum.cli.completing import names_of
from locum.cli.home import Plane, data_option, read_plane
from locum.compute import handover
from locum.core.activation import ActivationCode
from locum.core.clock import system_entropy
from locum.core.errors import ConfigurationError
from locum.core.identifiers import AGENT_LAUNCH, OWN_IMAGE, request_id

_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST: Final = 30 * 86_400
"""AWS Systems Manager API Reference, CreateActivation: "an expiration date ... up to 30 days in the future"."""


class Duration(click.ParamType[int]):
    """A duration in seconds: `90s`, `15m`, `2h`, `7d`."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _DURATION.fullmatch(value)
        seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
        if not 0 < seconds <= _LONGEST:
            self.fail(f"{value!r} reads like 90s, 15m, 2h or 7d, and is 30 days at most", param, ctx)
        return seconds


@click.command()
@data_option
@click.option(
    "--profile", shell_complete=names_of("profiles"), help="The name of the instance profile of a new instance."
)
@click.option(
    "--instance-id",
    metavar="ID",
    shell_complete=names_of("instances"),
    help="An instance that is there, in place of a new one.",
)
@click.option("--expires", type=Duration(), default="1h", show_default=True, help="How long the code can be used.")
@click.option("--imdsv1", is_flag=True, help="Let metadata be read without a token (HttpTokens=optional).")
@click.option("--hop-limit", type=click.IntRange(1, 64), help="HttpPutResponseHopLimit; EC2's default otherwise.")
def command(
    data: Path, profile: str | None, instance_id: str | None, expires: int, imdsv1: bool, hop_limit: int | None
) -> None:  # fmt: skip
    """Launch an instance that another machine will be, and print the activation code for `locum agent` there.

    The code is a secret until it is used, which is possible once. It is all that the standard output gets.
    """
    if instance_id is not None and (profile is not None or imdsv1 or hop_limit is not None):
        raise click.UsageError("--instance-id names an instance that is there: it has its profile and options")
    plane = read_plane(data)
    if not plane.agents:
        raise ConfigurationError("this plane serves no agents: start it with `locum up --agents`")
    instance = instance_id or _launched(data, plane, profile, imdsv1, hop_limit)
    question = {"activate": instance, "account": plane.account, "seconds": expires}
    code = str(handover.asked(data, question)["code"])
    fingerprint = ActivationCode.parse(code).fingerprint.hex(":").upper()
    click.echo(
        f"instance: {instance}\n"
        f"authority: {fingerprint} (SHA-256)\n"
        f"there, with the code on its standard input: locum agent --plane {plane.agents} --code-file -",
        err=True,
    )
    click.echo(code)


def _launched(data: Path, plane: Plane, profile: str | None, imdsv1: bool, hop_limit: int | None) -> str:
    metadata: dict[str, object] = {"HttpTokens": "optional" if imdsv1 else "required"}
    if hop_limit is not None:
        metadata["HttpPutResponseHopLimit"] = hop_limit
    parameters: dict[str, object] = {
        "ImageId": OWN_IMAGE,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": f"{AGENT_LAUNCH}{request_id(system_entropy)}",
        "MetadataOptions": metadata,
        "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "locum-agent"}]}],
    }
    if profile is not None:
        parameters["IamInstanceProfile"] = {"Name": profile}
    launched = RootClient(data, plane).call("ec2", "run_instances", **parameters)
    return str(launched["Instances"][0]["InstanceId"])
