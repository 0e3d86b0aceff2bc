"""The calls that mend what an audit found: told as command lines, or made one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from locum.cli.audits.aws_cli import command_line
from locum.cli.home import Plane
from locum.cli.screen import printable

if TYPE_CHECKING:
    from locum.cli.client import CallerClient

Row = dict[str, Any]


class Mending(NamedTuple):
    """The calls of one finding. `stale`: those before it change the same role or profile."""

    finding: Row
    fixes: tuple[Row, ...]
    stale: bool = False


def mendings(findings: list[Row]) -> Iterator[Mending]:
    """What there is to be done about findings that are not accepted."""
    changed: set[tuple[str, str, str]] = set()
    for finding in findings:
        if finding["accepted"] or not finding["fixes"]:
            continue
        places = {
            (finding["account"], member, fix["params"][member])
            for fix in finding["fixes"]
            for member in ("RoleName", "InstanceProfileName")
            if member in fix["params"]
        }
        yield Mending(finding, tuple(finding["fixes"]), bool(places & changed))
        changed |= places


def script(findings: list[Row]) -> Iterator[str]:
    """The command lines, by finding, as a script for a shell."""
    account = ""
    for mending in mendings(findings):
        finding = mending.finding
        if finding["account"] != account:
            account = finding["account"]
            yield f"# -- with credentials of the account {account}"
        yield f"# {finding['severity']}: {printable(finding['what'])} ({finding['id']})"
        if mending.stale:
            yield "# audit again once the calls above were made: they change the same role or profile"
            continue
        yield from (command_line(**fix) for fix in mending.fixes)


def client_of(data: Path, plane: Plane) -> CallerClient:
    """The client of the credentials in the environment, or where there are none of the plane's root user.

    Raises ConfigurationError where an access key has no secret.
    """
    from locum.cli.client import CallerClient, credentials

    return CallerClient(plane, *credentials(data))


class Client(Protocol):
    """Makes calls; `CallerClient` does."""

    def call(self, service: str, operation: str, region: str = "", /, **parameters: Any) -> dict[str, Any]:
        """The answer of a call, by its boto3 name. Raises CallFailed."""


def apply(findings: list[Row], client: Client, confirm: Callable[[str], bool], tell: Callable[[str], object]) -> int:
    """Make the calls of each finding that `confirm` agrees to, and return how many failed or could not be made.

    A call is made in the account of the credentials: what belongs to another account is left.
    """
    own = str(client.call("sts", "get_caller_identity")["Account"])
    failed = 0
    for mending in mendings(findings):
        finding = mending.finding
        tell(f"{finding['severity']}: {printable(finding['what'])}")
        if finding["account"] != own:
            tell(f"  left: it is for credentials of the account {finding['account']}")
            failed += 1
            continue
        if mending.stale:
            tell("  left: audit again, calls before it change the same role or profile")
            failed += 1
            continue
        failed += _made(mending, client, confirm, tell)
    return failed


def _made(mending: Mending, client: Client, confirm: Callable[[str], bool], tell: Callable[[str], object]) -> int:
    """Make the calls of one finding, up to one that fails or is not agreed to; 1 where one failed."""
    from botocore import xform_name

    from locum.cli.client import CallFailed

    for fix in mending.fixes:
        if not confirm(command_line(**fix)):
            tell("  left")
            return 0
        try:
            client.call(fix["service"], xform_name(fix["operation"]), fix["region"], **fix["params"])
        except CallFailed as error:
            tell(f"  failed: {printable(str(error))}")
            return 1
        tell("  done")
    return 0
