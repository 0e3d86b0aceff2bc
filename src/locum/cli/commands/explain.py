"""`locum explain`: the explanation of a call that was allowed or denied, or of one that nobody made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import click

from locum.cli import could
from locum.cli.home import data_option, read_plane
from locum.cli.hypothetical import account_option, asked, region_option, with_option
from locum.cli.screen import folded, printable
from locum.compute.handover import ask, connect
from locum.core.clock import iso8601
from locum.core.errors import LocumError

_NEAR_MISSES: Final = 2
_RESOURCES: Final = 3
_VALUES: Final = 4
_PARAMETERS: Final = 180
"""The limits above are for items and characters in an explanation."""

_ENCODED: Final = "Encoded authorization failure message: "


@click.command()
@data_option
@click.argument("what", nargs=-1, metavar="[REQUEST_ID | ACTION RESOURCE]")
@click.option(
    "--last", type=click.IntRange(1, 50), default=1, show_default=True, help="How many of the latest denials."
)
@click.option("--all", "everything", is_flag=True, help="The latest calls, allowed ones too, in place of denials.")
@click.option("--as", "acting", default="", metavar="PRINCIPAL",
              help="Explain a call that nobody made: of this user, role or root user, by its ARN or name.")  # fmt: skip
@with_option
@region_option
@account_option
@click.option("--json", "as_json", is_flag=True, help="The record itself, as JSON.")
def command(
    data: Path,
    what: tuple[str, ...],
    last: int,
    everything: bool,
    acting: str,
    given: tuple[str, ...],
    region: str,
    account: str,
    as_json: bool,
) -> None:
    """Tell why the call REQUEST_ID was allowed or denied; without one, why the latest denied call was.

    With --as, tell why PRINCIPAL may do ACTION (s3:GetObject) on RESOURCE, or not.
    """
    if acting:
        _supposed(data, acting, what, as_json=as_json, given=given, region=region, account=account)
        return
    if given or region or account or len(what) > 1:
        raise LocumError("a call that nobody made is explained with --as PRINCIPAL")
    _recorded(data, "".join(what), last, everything=everything, as_json=as_json)


def _supposed(data: Path, acting: str, what: tuple[str, ...], *, as_json: bool, **more: Any) -> None:
    if len(what) != 2:
        raise LocumError("with --as an action and a resource are named: locum explain --as ROLE s3:GetObject ARN")
    action, resource = what
    found = asked(data, "why", principal=acting, action=action, resource=resource, **more)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(_supposed_lines(found, action)))


def _supposed_lines(found: dict[str, Any], action: str) -> Iterator[str]:
    verdict = found["verdict"]
    allowed = click.style("WOULD BE ALLOWED", fg="green")
    word = allowed if verdict == "allow" else click.style(f"WOULD BE DENIED ({verdict.replace('-', ' ')})", fg="red")
    yield f"{word}  {printable(action)}"
    denial = [f"  answer   {_without_encoded(found['denial'])}"] if found["denial"] else []
    decided = [f"  decided  {statement}" for statement in found["determining"]]
    yield from folded([f"  who      {found['principal']}", *denial, *decided, *could.depends(found)])
    yield from folded(_explanation(found["explanation"]))


def _recorded(data: Path, request_id: str, last: int, *, everything: bool, as_json: bool) -> None:
    read_plane(data)
    with connect(data) as connection:
        question = {"records": request_id, "count": last, "denied": not everything}
        records = ask(connection, question)["records"]
    if not records:
        raise LocumError(f"no call {request_id} is recorded" if request_id else "no denied call is recorded")
    for number, record in enumerate(reversed(records)):
        if as_json:
            click.echo(json.dumps(record, indent=2))
        else:
            click.echo("\n" * bool(number) + "\n".join(lines(record)))


def lines(record: dict[str, Any]) -> Iterator[str]:
    """The explanation of one record: the call, its result, the reasons, and remedies.

    Text from callers is escaped, so that it cannot control the terminal.
    """
    call = printable(f"{record['service']}:{record['operation'] or '(unnamed call)'}")
    yield f"{_headline(record)}  {call}"
    yield from folded(_particulars(record))
    yield from folded(_explanation(record["explanation"]))


def _particulars(record: dict[str, Any]) -> Iterator[str]:
    identity = record["identity"]
    yield f"  who      {identity['arn']}" + (f"  key {identity['access_key_id']}" if identity["access_key_id"] else "")
    if record["via"]:
        yield f"  through  {', '.join(record['via'])}, with the caller's permissions"
    elif record["invoked_by"] and record["invoked_by"] != identity["arn"]:
        yield f"  through  {record['invoked_by']}"
    if record["source_arn"]:
        yield f"  for      {record['source_arn']}"
    if record["cause"]:
        yield f"  because  of request {record['cause']}"
    if identity["instance_id"]:
        yield f"  inside   {identity['instance_id']}"
    source = f" from {record['source_ip']}" if record["source_ip"] else ""
    yield f"  when     {iso8601(record['at'])}{source} in {record['region']}"
    yield f"  request  {record['request_id']}"
    resources = [resource["arn"] for resource in record["resources"]]
    for arn in resources[:_RESOURCES]:
        yield f"  on       {arn}"
    if len(resources) > _RESOURCES:
        yield f"           and {len(resources) - _RESOURCES} more"
    if record["parameters"]:
        yield f"  with     {_clipped(json.dumps(record['parameters']), _PARAMETERS)}"
    if record["error_code"]:
        yield f"  answer   {record['status']} {record['error_code']}: {_without_encoded(record['error_message'])}"
    if record["injected"]:
        yield f"  fault    on request, by `locum fault`: {record['injected']}"
    for statement in record["determining"]:
        yield f"  decided  {statement}"


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def _without_encoded(message: str) -> str:
    """The message without its encoded part (for sts:DecodeAuthorizationMessage), which the explanation has in text."""
    before, encoded, _ = message.partition(_ENCODED)
    return f"{before}{encoded}..." if encoded else before


def _headline(record: dict[str, Any]) -> str:
    verdict = record["verdict"]
    if verdict == "allow":
        return click.style("ALLOWED", fg="green") if record["status"] < 400 else click.style("FAILED", fg="yellow")
    if verdict:
        enforced = record["mode"] == "enforce" or record["error_message"].startswith(record["denial"])
        word = "DENIED" if enforced else "WOULD BE DENIED"
        return click.style(f"{word} ({verdict.replace('-', ' ')})", fg="red")
    if record["status"] < 400:
        return click.style("DONE", fg="green")  # by a service to what is its own
    return click.style("REFUSED", fg="red")


def _explanation(explanation: dict[str, Any] | None) -> Iterator[str]:
    if explanation is None:
        return
    if explanation.get("gone"):
        yield from ("", "  The user or role behind these credentials does not exist any more.")
    if explanation.get("limit"):
        yield from ("", f"  {explanation['limit']}")
    for (verdict, action), group in groupby(explanation["checks"], lambda check: (check["verdict"], check["action"])):
        checks = list(group)
        if verdict == "ALLOW" and len(explanation["checks"]) > 1:
            more = f" and {len(checks) - 1} more" if len(checks) > 1 else ""
            yield from ("", f"  allow: {action} on {checks[0]['resource']}{more}")
        else:
            for check in checks:
                yield from ("", *_check(check))


def _check(check: dict[str, Any]) -> Iterator[str]:
    """The explanation of one permission that the call takes: the outcomes of policies, and remedies."""
    inner = check["explanation"]
    yield f"  {check['verdict'].lower().replace('_', ' ')}: {check['action']} on {check['resource']}"
    if check["reason"]:
        yield f"    {check['reason']}"
    for policy_type, outcome in inner["outcomes"].items():
        if outcome.upper() != "ABSENT":
            yield f"    {policy_type}: {outcome.lower()}"
    for statement in inner["statements"]:
        if statement["met"]:
            yield f"    denied by: {statement['place']}"
            yield from (f"      {condition}" for condition in statement["met"])
    for miss in inner["nearMisses"][:_NEAR_MISSES]:
        yield from _near_miss(miss)
    for change in inner["changes"]:
        yield f"    to change it: {change}"


def _near_miss(miss: dict[str, Any]) -> Iterator[str]:
    """A statement that almost allowed the call, and its element that did not match."""
    yield f"    near miss: {miss['place']}"
    if failed := miss["failed"]:
        yield f"      {failed['element']} has {_few(failed['policy'])}; the request has {_few(failed['request'])}"
        if failed["hint"]:
            yield f"      {failed['hint']}"


def _few(values: Sequence[str]) -> str:
    more = f" and {len(values) - _VALUES} more" if len(values) > _VALUES else ""
    return f"{', '.join(values[:_VALUES]) or 'nothing'}{more}"
