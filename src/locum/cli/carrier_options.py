"""The options of `locum run` for what is no instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import click

from locum.cli.completing import names_of
from locum.core.carriers import Kind

F = TypeVar("F", bound=Callable[..., object])
KINDS: Final = ("ec2", *(kind.value for kind in Kind))

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


class Named(NamedTuple):
    """The options of a carrier of a role as the user gave them; None: not given."""

    role: str | None
    cluster: str | None
    namespace: str | None
    service_account: str | None
    trust_anchor_arn: str | None
    profile_arn: str | None
    certificate: Path | None
    private_key: Path | None
    intermediates: Path | None

    @property
    def of_anywhere(self) -> tuple[object, ...]:
        """The options that IAM Roles Anywhere requires: trust anchor, profile, certificate and private key."""
        return self.trust_anchor_arn, self.profile_arn, self.certificate, self.private_key


def carrier_options(function: F) -> F:
    """Add the options to a command, which is given `Named` as keywords."""
    made = (
        click.option("--as", "kind", type=click.Choice(KINDS), default="ec2", show_default=True,
                     help="An EC2 instance, a task of ECS, a pod with Pod Identity or IRSA, a Lambda function, or "
                     "any machine with a certificate (IAM Roles Anywhere)."),
        click.option("--role", shell_complete=names_of("roles"),
                     help="The role of what is no instance: its name or ARN."),
        click.option("--cluster", help="The cluster of a task or a pod.  [default: default]"),
        click.option("--namespace", help="The namespace of a pod.  [default: default]"),
        click.option("--service-account", help="The service account of a pod.  [default: default]"),
        click.option("--trust-anchor-arn", help="The trust anchor (anywhere)."),
        click.option("--profile-arn", help="The profile of IAM Roles Anywhere (anywhere)."),
        click.option("--certificate", type=_FILE, help="The certificate in PEM (anywhere)."),
        click.option("--private-key", type=_FILE, help="Its key in PEM (anywhere)."),
        click.option("--intermediates", type=_FILE, help="The certificates between it and the anchor (anywhere)."),
    )  # fmt: skip
    for option in reversed(made):
        function = option(function)
    return function


def check(kind: str, named: Named, of_instance: Mapping[str, object]) -> None:
    """Raise UsageError where options do not go together. `of_instance`: those of an instance, by name, if given."""
    if kind == "ec2":
        if any(named):
            raise click.UsageError("an instance takes --profile; --role and the like are for other carriers (--as)")
        return
    if wrong := [name for name, value in of_instance.items() if value]:
        instead = f"--as {kind} takes --role NAME" if "--profile" in wrong else f"it cannot be given with --as {kind}"
        raise click.UsageError(f"{wrong[0]} is an option of an instance: {instead}")
    if named.role is None:
        raise click.UsageError(f"--as {kind} takes the role: --role NAME")
    if kind == Kind.ANYWHERE and not all(named.of_anywhere):
        raise click.UsageError("--as anywhere takes --trust-anchor-arn, --profile-arn, --certificate and --private-key")
    if kind != Kind.ANYWHERE and any((*named.of_anywhere, named.intermediates)):
        raise click.UsageError("--certificate and the like are for --as anywhere")
