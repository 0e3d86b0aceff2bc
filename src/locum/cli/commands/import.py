"""`locum import`: the identities of a real account, on the plane."""  # noqa: N999 - what people type

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from locum.cli.accounts import details
from locum.cli.accounts.model import Account
from locum.cli.failing import unusable
from locum.cli.home import data_option, read_plane
from locum.cli.screen import folded, printable
from locum.core.errors import ConfigurationError

if TYPE_CHECKING:
    from locum.cli.client import LastingClient

_RENAMED: Final = re.compile(r"([0-9]{12})(?:=([0-9]{12}))?")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(exists=True, dir_okay=False, allow_dash=True))  # fmt: skip
@data_option
@click.option("--account", default="", metavar="ID", help="Only if the credentials are of this account of the plane.")
@click.option("--rename-account", "renamed", multiple=True, metavar="OLD[=NEW]",
              help="In documents, too: by default NEW is the plane's account. Repeatable.")  # fmt: skip
@click.option("--keep-account", is_flag=True, help="Only if the plane's account has the id of that in FILE.")
@click.option("--replace", is_flag=True, help="Bring in line what is there and differs.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="What was done as one JSON object.")
def command(
    files: tuple[str, ...], data: Path, renamed: tuple[str, ...], *, replace: bool, dry_run: bool, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Make the users, groups, roles, policies and instance profiles of a real account here.

    FILE (- for the standard input) is what `aws iam get-account-authorization-details` prints there. In documents, the
    account's id becomes that of the plane's account. Exit code 0: all is as in FILE; 1: something is not, and is told;
    2: nothing was done.
    """
    from locum.cli.accounts import bringing, summary
    from locum.cli.accounts.reading import account_of
    from locum.cli.client import LastingClient, credentials

    with unusable():
        pages = [page for name in files for page in details.pages(printable(name), _read(name))]
        found = details.account(pages)
        client = LastingClient(read_plane(data), *credentials(data))
        wanted = _of_plane(found, client, renamed, **given)
        present = account_of(client)
    notes = ["the last page says that more follow: give all of them"] if pages[-1].goes_on else []
    works = bringing.planned(wanted, present, change=replace)
    notes += bringing.about_aws_policies(wanted, client)
    if not dry_run:
        bringing.carry_out(works, client)
    client.close()
    if as_json:
        click.echo(json.dumps(summary.as_json(works, notes), indent=2))
    else:
        click.echo("\n".join(folded(summary.lines(works, notes, tried=dry_run))))
    raise SystemExit(0 if summary.is_complete(works) and not pages[-1].goes_on else 1)


def _read(name: str) -> str:
    """The text of a file. Raises ConfigurationError."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            raw = file.read(details.LARGEST + 1)
        if len(raw) > details.LARGEST:
            raise ConfigurationError(f"{name} is larger than {details.LARGEST >> 20} MiB")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text") from error
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from error


def _of_plane(
    found: Account, client: LastingClient, renamed: tuple[str, ...], account: str, keep_account: bool
) -> Account:
    """The account as the plane is to have it. Raises ConfigurationError where it cannot."""
    own = str(client.call("sts", "get_caller_identity")["Account"])
    if account and account != own:
        raise ConfigurationError(f"the credentials are of the account {own}, not of {account}")
    if keep_account and found.id not in ("", own):
        raise ConfigurationError(
            f"this plane's account is {own}: start another one for {found.id}, with "
            f"`locum up --account {found.id} --data DIRECTORY`"
        )
    renaming = {found.id: own} if found.id else {}
    for one in renamed:
        parts = _RENAMED.fullmatch(one)
        if parts is None:
            raise ConfigurationError(f"--rename-account {one!r} reads like 111122223333 or 111122223333=444455556666")
        renaming[parts[1]] = parts[2] or own
    return details.renamed_account(found, renaming, own)
