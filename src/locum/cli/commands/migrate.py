"""`locum migrate`: from an access key to a role."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from locum import analysis
from locum.calls import policy_texts
from locum.cli import migrations
from locum.cli.audits.mending import client_of
from locum.cli.client import CallerClient, CallFailed
from locum.cli.failing import unusable
from locum.cli.home import data_option, plane_time, read_plane
from locum.cli.moments import Moment
from locum.cli.screen import printable
from locum.compute import handover
from locum.core.clock import DAY
from locum.core.errors import ConfigurationError

_LAST: Final = 10
"""How many calls are told of a key that is still used."""


@click.command()
@click.argument("key_id")
@data_option
@click.option("--to", "target", type=click.Choice(migrations.TARGETS), default="ec2", show_default=True,
              help="Where the program runs that has the key.")  # fmt: skip
@click.option("--role", default="", metavar="NAME", help="The name of the role; by default the user's with `-role`.")
@click.option("--repository", default="", metavar="OWNER/NAME", help="Whose jobs may have the role, for CI.")
@click.option(
    "--since", type=Moment(), help="Only calls from then on; all by default, for --check and --retire those of a day."
)
@click.option("--check", is_flag=True, help="Tell whether the key was used since: exit code 1 where it was.")
@click.option("--retire", is_flag=True, help="Deactivate a key that was not used since, and delete an inactive one.")
@click.option("--json", "as_json", is_flag=True, help="The calls and the policies as one JSON object.")
def command(data: Path, key_id: str, since: float | None, *, check: bool, retire: bool, **given: Any) -> None:
    """Tell how the program that has the access key KEY_ID does with a role: which, and what is to be done.

    The role may do what the recorded calls with the key took. Exit code 2: there is no such key of a user.
    """
    with unusable():
        client = client_of(data, read_plane(data))
        key = _key(client, key_id)
        if check or retire:
            since = plane_time(data) - DAY if since is None else since
            raise SystemExit(_checked(data, client, key, since, retire=retire))
        click.echo(_planned(data, client, key, 0.0 if since is None else since, given))


def _key(client: CallerClient, key_id: str) -> dict[str, Any]:
    """The key and its user. Raises ConfigurationError where there is none."""
    try:
        told = client.call("iam", "get_access_key_last_used", AccessKeyId=key_id)
    except CallFailed as error:
        raise ConfigurationError(f"{key_id} is no access key of a user of the account: {error}") from error
    name = told.get("UserName")
    if name is None:
        raise ConfigurationError(f"{key_id} is an access key of the root user, who needs none: delete it")
    keys = client.call("iam", "list_access_keys", UserName=name)["AccessKeyMetadata"]
    found = next(key for key in keys if key["AccessKeyId"] == key_id)
    user = client.call("iam", "get_user", UserName=name)["User"]
    last = told["AccessKeyLastUsed"].get("LastUsedDate")
    return {
        "id": key_id,
        "owner": user["Arn"],
        "user": name,
        "active": found["Status"] == "Active",
        "created": found["CreateDate"].strftime("%Y-%m-%d"),
        "used": None if last is None else last.timestamp(),
    }


def _planned(data: Path, client: CallerClient, key: Mapping[str, Any], since: float, given: Mapping[str, Any]) -> str:
    asked = {"type": "taken", "principal": key["owner"], "since": since, "access_key": key["id"]}
    found = handover.asked(data, {"policies": {**asked, "until": plane_time(data)}})
    if not found["records"]:
        raise ConfigurationError(f"no call with the access key {key['id']} is recorded: there is nothing to go by")
    documents = analysis.documents(analysis.write(policy_texts.permissions(found)))
    account = str(client.call("sts", "get_caller_identity")["Account"])
    role = given["role"] or f"{key['user'][:59]}-role"
    made = migrations.migration(account, given["target"], role, documents, given["repository"])
    if given["as_json"]:
        calls = [{"service": it.service, "operation": it.operation, "params": dict(it.params)} for it in made.calls]
        return json.dumps({"key": dict(key), "documents": documents, "calls": calls, "steps": made.steps}, indent=2)
    return "\n".join(migrations.lines(key, made, list(policy_texts.about_written(found, documents, []))))


def _checked(data: Path, client: CallerClient, key: Mapping[str, Any], since: float, *, retire: bool) -> int:
    """Tell whether a key was used since a time, and take it out of service where that is asked for; the exit code."""
    selection = {"access_key": key["id"], "since": since}
    records = handover.asked(data, {"records": "", "count": _LAST, "selection": selection})["records"]
    if records or (key["used"] is not None and key["used"] >= since):  # the history may be shorter than that
        click.echo(f"{key['id']} is still used; the last calls since then that are recorded:")
        click.echo("\n".join(f"  {printable(migrations.used(record))}" for record in records) or "  none")
        return 1
    click.echo(f"{key['id']} was not used since then")
    if not retire:
        return 0
    named = {"UserName": key["user"], "AccessKeyId": key["id"]}
    operation, more = ("update_access_key", {"Status": "Inactive"}) if key["active"] else ("delete_access_key", {})
    if click.confirm("deactivate it?" if key["active"] else "delete it?"):
        client.call("iam", operation, **named, **more)
        click.echo("deactivated: delete it by the same command, later" if key["active"] else "deleted")
    return 0
