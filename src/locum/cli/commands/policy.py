"""`locum policy`: least-privilege policies from what was done, and proposed policies tried on it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from locum import analysis, policy
from locum.calls import policy_texts
from locum.cli import policies
from locum.cli.home import data_option, plane_time, read_plane
from locum.cli.moments import Moment
from locum.cli.screen import folded
from locum.compute import handover
from locum.core.errors import ConfigurationError, LocumError
from locum.policy import MalformedPolicy, PolicyKind

F = TypeVar("F", bound=Callable[..., Any])


def _principal(*, required: bool) -> Callable[[F], F]:
    return click.option("--principal", required=required, metavar="ARN", help="The user or role, by its ARN.")


_since: Final = click.option("--since", type=Moment(), default=0.0, metavar="TIME",
                             help="Only calls from then on: 2026-11-28T12:00:00Z, or 2h for two hours.")  # fmt: skip
_json: Final = click.option("--json", "as_json", is_flag=True, help="All of the answer, as one JSON object.")
_denied: Final = click.option(
    "--include-denied", is_flag=True, help="Count calls that were denied for want of a policy."
)


def _files(*, required: bool, text: str) -> Callable[[F], F]:
    kind = click.Path(exists=True, dir_okay=False, allow_dash=True)
    return click.option("--policy", "files", multiple=True, required=required, type=kind, metavar="FILE", help=text)


@click.group()
def command() -> None:
    """Write policies from what principals did, and try policies on it."""


@command.command("from-activity")
@data_option
@_principal(required=True)
@_since
@_denied
@_json
def from_activity(data: Path, principal: str, since: float, include_denied: bool, as_json: bool) -> None:
    """Write the least-privilege policy of what a principal really did.

    The policy goes to the standard output, what is to be known of it to the standard error. It is tried on the calls
    that it was written from: exit code 1 where it does not allow one of them, or cannot be known to.
    """
    found = _taken(data, principal, since, include_denied=include_denied)
    written = analysis.documents(analysis.write(policy_texts.permissions(found)))
    tried = _proposed(data, _named(written), principal, since, until=found["until"])
    denied = policy_texts.still_denied(found, tried)
    if as_json:
        shown = {name: value for name, value in found.items() if name not in ("policies", "permissions")}
        click.echo(json.dumps({"documents": written, "denied": denied, **shown}, indent=2))
    else:
        click.echo("\n".join(json.dumps(document, indent=2) for document in written))
        click.echo("\n".join(folded(policy_texts.about_written(found, written, denied))), err=True)
    raise SystemExit(1 if denied or policy_texts.incomplete(found) else 0)


@command.command("diff")
@data_option
@_principal(required=True)
@_files(required=False, text="Compare this policy, in place of those that the principal has. Repeatable.")
@_since
@_denied
@_json
def diff(data: Path, principal: str, files: tuple[str, ...], since: float, include_denied: bool, as_json: bool) -> None:
    """Tell what a principal may do and did not, and what it did and may not.

    Its identity policies are compared with the policy that `from-activity` writes.
    """
    given = _read(files)
    found = _taken(data, principal, since, include_denied=include_denied)
    held = given or policies.held(found)
    written = analysis.write(policy_texts.permissions(found))
    comparison = analysis.compare([analysis.Held(*one) for one in held.items()], written)
    tried = _proposed(data, held, principal, since, until=found["until"])
    denied = policy_texts.still_denied(found, tried)
    if as_json:
        click.echo(json.dumps(policies.difference(found, written, comparison, denied), indent=2))
    else:
        click.echo("\n".join(folded(policies.about_difference(found, comparison, denied))))


@command.command("replay")
@data_option
@_files(required=True, text="The proposed policy (- for the standard input). Repeatable: all of them together.")
@_principal(required=False)
@click.option("--add", is_flag=True, help="In addition to the identity policies there are, not in place of them.")
@_since
@_json
def replay(data: Path, files: tuple[str, ...], principal: str | None, add: bool, since: float, as_json: bool) -> None:
    """Decide the recorded calls anew under a proposed policy.

    Names the calls whose verdict changes. Exit code 1 where one that was allowed would be denied.
    """
    found = _proposed(data, _read(files), principal or "", since, add=add)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo("\n".join(folded(policies.about_replay(found))))
    raise SystemExit(1 if any(change["was"] == "allow" for change in found["changed"]) else 0)


def _taken(data: Path, principal: str, since: float, *, include_denied: bool) -> dict[str, Any]:
    """The permissions that the calls took, up to now, which is `until`. Raises LocumError where there is no call."""
    until = plane_time(data)
    asked = {"type": "taken", "principal": principal, "since": since, "until": until, "include_denied": include_denied}
    found = _asked(data, asked)
    if not found["records"]:
        raise LocumError(f"no call of {principal} is recorded")
    return {**found, "until": until}


def _proposed(
    data: Path,
    documents: dict[str, str],
    principal: str,
    since: float,
    *,
    until: float | None = None,
    add: bool = False,
) -> dict[str, Any]:
    asked = {"type": "proposed", "policies": documents, "principal": principal, "since": since, "until": until}
    return _asked(data, {**asked, "add": add})


def _asked(data: Path, question: dict[str, Any]) -> dict[str, Any]:
    read_plane(data)
    return handover.asked(data, {"policies": question})


def _named(written: list[dict[str, Any]]) -> dict[str, str]:
    return {f"written {number}": json.dumps(document) for number, document in enumerate(written, 1)}


def _read(files: tuple[str, ...]) -> dict[str, str]:
    """The policies in `files` by name. Raises ConfigurationError where one is no identity policy."""
    found: dict[str, str] = {}
    for name in files:
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            text = raw.decode("utf-8-sig")
            policy.parse(text, PolicyKind.IDENTITY)
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{name} is not UTF-8 text") from error
        except MalformedPolicy as error:
            raise ConfigurationError(f"{name} is no identity policy: {error.message}") from error
        found[name] = text
    return found
