"""`locum export`: the identities of the plane, for other tools and other planes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from locum.cli.home import data_option, read_plane
from locum.cli.private_files import write_private
from locum.cli.screen import folded
from locum.core.errors import ConfigurationError

if TYPE_CHECKING:
    from locum.cli.accounts.model import Account
    from locum.cli.accounts.ordering import Exported
    from locum.cli.accounts.resources import Other

FORMATS: Final = ("json", "terraform", "cloudformation")


@click.command()
@data_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="json", show_default=True,
              help="What `locum import` reads, a configuration, or templates.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="The file, or the directory; else the standard output.")
@click.option("--account", default="", metavar="ID", help="Only if the credentials are of this account.")
@click.option("--import-blocks", is_flag=True, help="Have Terraform import what is there, not make it.")
@click.option("--type", "types", multiple=True, metavar="TYPE",
              help="With cloudformation: resources of this type, too (AWS::S3::Bucket). Repeatable.")  # fmt: skip
def command(
    data: Path, form: str, out: Path | None, account: str, types: tuple[str, ...], *, import_blocks: bool
) -> None:
    """Write the users, groups, roles, policies and instance profiles of an account.

    What no export has (keys, passwords), or not this format, is told on the standard error.
    """
    from locum.cli.accounts import details, reading, resources, secrets
    from locum.cli.accounts.values import Place
    from locum.cli.client import LastingClient, credentials

    if import_blocks and form != "terraform":
        raise click.UsageError("--import-blocks goes with --format terraform")
    if types and form != "cloudformation":
        raise click.UsageError("--type goes with --format cloudformation")
    client = LastingClient(read_plane(data), *credentials(data))
    own = str(client.call("sts", "get_caller_identity")["Account"])
    if account not in ("", own):
        raise ConfigurationError(f"the credentials are of the account {own}, not of {account}")
    told = reading.details_of(client)
    found = details.account([details.Page(Place(told, "the plane's answer: "))])
    secret = secrets.left_out([one.name for one in found.users.values()], client)
    others = [one for kind in types for one in resources.of_type(kind, client)]
    client.close()
    made = _made(form, told, found, others, imports=import_blocks)
    _write(made, out)
    for line in folded(f"left out: {one}" for one in (*secret, *made.told)):
        click.echo(line, err=True)


def _made(form: str, told: dict[str, Any], found: Account, others: list[Other], *, imports: bool) -> Exported:
    from locum.cli.accounts import cloudformation, terraform
    from locum.cli.accounts.ordering import Exported

    if form == "terraform":
        return terraform.exported(found, imports=imports)
    if form == "cloudformation":
        return cloudformation.exported(found, others)
    return Exported({"details.json": json.dumps(told, indent=2) + "\n"}, [])


def _write(made: Exported, out: Path | None) -> None:
    """Write the files: into a directory where `out` is one, or there are several; nobody else may read them."""
    if out is None:
        if len(made.files) > 1:
            raise ConfigurationError(f"this takes {len(made.files)} files: name a directory with --out")
        click.echo(next(iter(made.files.values())), nl=False)
        return
    try:
        if len(made.files) > 1 or out.is_dir():
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, text in made.files.items():
                write_private(out / name, text.encode())
        else:
            write_private(out, next(iter(made.files.values())).encode())
    except OSError as error:
        raise ConfigurationError(f"{error.filename or out} cannot be written: {error.strerror}") from error
