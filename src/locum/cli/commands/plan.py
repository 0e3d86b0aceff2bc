"""`locum plan`: which permissions a deployment takes, and which of them who deploys lacks."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from locum import analysis, policy
from locum.calls.activity import decoded
from locum.cli import plans
from locum.cli.failing import unusable
from locum.cli.home import data_option, read_plane
from locum.cli.screen import folded
from locum.compute import handover
from locum.compute.handover import MAX_MESSAGE
from locum.core.clock import system_clock
from locum.core.errors import ConfigurationError
from locum.policy import MalformedPolicy, PolicyKind

PHASES: Final = ("create", "update", "delete")
_LARGEST: Final = MAX_MESSAGE - 4096
"""Octets of a question that a plane takes, with what is around it."""

_ACCOUNT: Final = "000000000000"
_REGION: Final = "us-east-1"


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@data_option
@click.option("--as", "acting", default="", metavar="ROLE", help="The stack's role, or a user who deploys, by its ARN "
              "or name; of a Terraform plan, who runs Terraform.")  # fmt: skip
@click.option("--caller", default="", metavar="PRINCIPAL", help="Who calls CloudFormation, and passes the role; by "
              "default the owner of the access key in the environment.")  # fmt: skip
@click.option("--for", "phases", multiple=True, type=click.Choice(PHASES), help="Only for this; repeatable.")
@click.option("--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter; repeatable.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the stack; repeatable.")
@click.option("--stack-name", default="", metavar="NAME", help="The name of the stack; that of FILE by default.")
@click.option("--region", default="", metavar="NAME", help="The Region; the plane's by default.")
@click.option("--identity-policy", "files", multiple=True, metavar="FILE",
              type=click.Path(exists=True, dir_okay=False),
              help="A policy in place of the identity policies of who makes the resources; repeatable.")  # fmt: skip
@click.option("--offline", is_flag=True, help="Ask no plane: nothing is known but FILE and the policies given.")
@click.option("--account", default=_ACCOUNT, metavar="ID", help="The account, with --offline.")
@click.option("--policy", "as_policy", is_flag=True, help="Print the policy that grants what is needed, and no more.")
@click.option("--json", "as_json", is_flag=True, help="All of the answer, as one JSON object.")
def command(
    file: str, data: Path, files: tuple[str, ...], *, offline: bool, as_policy: bool, as_json: bool, **given: Any
) -> None:
    """Tell which permissions a deployment of FILE takes, and which lack, and why.

    FILE (- for the standard input) is a CloudFormation template, or a plan of Terraform as `terraform show -json`
    prints it. Exit code 0: all is allowed; 1: something lacks, or is not known; 2: FILE cannot be used.
    """
    with unusable():
        question = _question(file, files, given)
        found = _offline(question, given["account"]) if offline else _asked(data, question)
    written = _documents(found["permissions"])
    if as_json:
        ofcaller = {"documentsOfCaller": _documents(found["permissionsOfCaller"])}
        hidden = ("permissions", "permissionsOfCaller")
        shown = {name: value for name, value in found.items() if name not in hidden}
        click.echo(json.dumps({**shown, "documents": written, **ofcaller}, indent=2))
    elif as_policy:
        click.echo("\n".join(json.dumps(document, indent=2) for document in written))
        click.echo("\n".join(folded(plans.about_policy(found, len(written)))), err=True)
    else:
        click.echo("\n".join(folded(plans.about(found))))
    raise SystemExit(1 if not as_policy and plans.lacks(found) else 0)


def _question(file: str, files: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    """The question. Raises ConfigurationError where the command line cannot be used."""
    text = _read(file)
    name = given["stack_name"] or _stack_name(file)
    return {
        "text": text,
        "terraform": plans.is_terraform(text),
        "acting": given["acting"],
        "caller": given["caller"],
        "access_key": os.environ.get("AWS_ACCESS_KEY_ID", ""),
        "region": given["region"],
        "stack_name": name,
        "parameters": _pairs("--parameter", given["parameters"]),
        "tags": _pairs("--tag", given["tags"]),
        "policies": {path: _policy(path) for path in files},
        "phases": list(given["phases"] or PHASES),
    }


def _asked(data: Path, question: dict[str, Any]) -> dict[str, Any]:
    plane = read_plane(data)
    known = {**question, "account": plane.account, "region": question["region"] or plane.region}
    if question["terraform"]:
        known["text"] = plans.essential(question["text"])
    if len(json.dumps(known)) > _LARGEST:
        raise ConfigurationError(f"this is larger than the {_LARGEST} octets that a plane is asked with: use --offline")
    return handover.asked(data, {"plan": known})


def _offline(question: dict[str, Any], account: str) -> dict[str, Any]:
    from locum.agents.plans.question import answer_offline

    if question["acting"] or question["caller"]:
        raise ConfigurationError("with --offline there are no users and roles: give policies by --identity-policy")
    known = {**question, "access_key": "", "account": account, "region": question["region"] or _REGION}
    return asyncio.run(answer_offline(known, system_clock()))


def _read(name: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text") from error


def _policy(name: str) -> str:
    text = _read(name)
    try:
        policy.parse(text, PolicyKind.IDENTITY)
    except MalformedPolicy as error:
        raise ConfigurationError(f"{name} is no identity policy: {error.message}") from error
    return text


def _stack_name(file: str) -> str:
    """A name for the stack of a file: its own, as far as stacks can be called so."""
    stem = "" if file == "-" else Path(file).name.partition(".")[0]
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem).strip("-")
    return name if name[:1].isalpha() else f"stack-{name}".rstrip("-")


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    for one in given:
        if "=" not in one:
            raise ConfigurationError(f"{option} {one} is no KEY=VALUE")
    return {key: value for key, _, value in (one.partition("=") for one in given)}


def _documents(permissions: list[Any]) -> list[dict[str, Any]]:
    return analysis.documents(analysis.write([decoded(row) for row in permissions]))
