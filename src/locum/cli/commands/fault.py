"""`locum fault`: have calls, metadata, credentials or instances fail on request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from locum.cli.completing import names_of
from locum.cli.home import data_option, read_plane
from locum.cli.units import Duration, Rate
from locum.compute import handover

F = TypeVar("F", bound=Callable[..., Any])

_OF_CALLS: Final = "SERVICE[:OPERATION]"
_CODES: Final = ("instance-reboot", "instance-retirement", "instance-stop", "system-maintenance", "system-reboot")
_delay: Final = click.option("--delay", type=Duration(), default=0.0, metavar="DURATION",
                             help="Answer so much later, at most a minute.")  # fmt: skip
_status: Final = click.option("--status", type=int, default=None, metavar="N", help="The HTTP status of the error.")


class _Group(click.Group):
    """A group whose further subcommands are the services: `locum fault sts`, `locum fault s3:GetObject`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is not None or cmd_name.startswith("-"):
            return found
        ctx.obj = cmd_name
        return super().get_command(ctx, _OF_CALLS)


@click.group(cls=_Group)
def command() -> None:
    """Have something fail on request, until it is cleared or the plane stops."""


@command.command(_OF_CALLS)
@data_option
@click.option("--throttle", type=Rate(), metavar="RATE", help="Throttle such a share of the calls: 50%.")
@click.option("--error", metavar="CODE", help="Refuse calls with this error code.")
@click.option("--rate", type=Rate(), metavar="RATE", help="The share of the calls that get the error; all by default.")
@_status
@_delay
@click.pass_context
def of_calls(
    ctx: click.Context, data: Path, throttle: float | None, error: str | None, rate: float | None,
    status: int | None, delay: float,
) -> None:  # fmt: skip
    """Throttle, refuse or delay the calls of a service (`*`: of all) or of one operation."""
    if (throttle is not None) + (error is not None) > 1:
        raise click.UsageError("--throttle and --error are two faults: set one after the other")
    if error is None and rate is not None:
        raise click.UsageError("--rate goes with --error: write --throttle 50% to throttle")
    if throttle is None and error is None and not delay:
        raise click.UsageError("a fault takes --throttle, --error or --delay")
    share = throttle if throttle is not None else (0.0 if error is None else 1.0 if rate is None else rate)
    service, _, operation = str(ctx.obj or _OF_CALLS).partition(":")
    fault = {"service": service, "operation": operation, "error": error or "", "status": status or 0}
    _inject(data, {"kind": "calls", **fault, "rate": share, "delay": delay})


@command.command()
@data_option
@click.option("--fail", type=Rate(), default=0.0, metavar="RATE", help="Fail such a share of the requests: 30%.")
@click.option("--instance", default="", metavar="ID", help="Only those of this instance.")
@_status
@_delay
def imds(data: Path, fail: float, instance: str, status: int | None, delay: float) -> None:
    """Have the metadata service fail (503) or answer late."""
    if not fail and not delay:
        raise click.UsageError("a fault takes --fail or --delay")
    fault = {"instance": instance, "rate": fail, "delay": delay, "status": status or 503}
    _inject(data, {"kind": "metadata", **fault})


@command.command()
@data_option
@click.option("--expired", is_flag=True, required=True, help="Answer ExpiredToken to those that were issued until now.")
@click.option("--role", default="", metavar="NAME", help="Only sessions of this role, by its name or ARN.")
@click.option("--instance", default="", metavar="ID", help="Only those that this instance was delivered.")
def credentials(data: Path, expired: bool, role: str, instance: str) -> None:
    """Have temporary credentials expire now. The metadata service delivers new ones."""
    _inject(data, {"kind": "sessions", "role": role, "instance": instance})


@command.command()
@data_option
@click.argument("delay", type=Duration())
def propagation(data: Path, delay: float) -> None:
    """Have IAM's changes take effect DELAY after their call, at most 10m."""
    _inject(data, {"kind": "propagation", "seconds": delay})


@command.command()
@data_option
@click.argument("instance", shell_complete=names_of("instances"))
@click.option("--action", type=click.Choice(["terminate", "stop", "hibernate"]), default="terminate",
              show_default=True, help="What is done to the instance.")  # fmt: skip
@click.option("--in", "after", type=Duration(), default=120.0, metavar="DURATION",
              help="How long after the notice; two minutes by default.")  # fmt: skip
def spot(data: Path, instance: str, action: str, after: float) -> None:
    """Announce to INSTANCE its interruption as a Spot Instance, which comes when it is due."""
    _announce(data, {"instance": instance, "interruption": action, "after": after})


@command.command()
@data_option
@click.argument("instance", shell_complete=names_of("instances"))
def rebalance(data: Path, instance: str) -> None:
    """Recommend to INSTANCE that it is rebalanced."""
    _announce(data, {"instance": instance, "rebalance": True})


@command.command()
@data_option
@click.argument("instance", shell_complete=names_of("instances"))
@click.option("--code", type=click.Choice(sorted(_CODES)), default="system-reboot", show_default=True,
              help="The kind of event.")  # fmt: skip
@click.option("--in", "after", type=Duration(), default=86_400.0, metavar="DURATION",
              help="When it begins; in a day by default.")  # fmt: skip
@click.option("--description", default="", metavar="TEXT", help="Its description in place of EC2's.")
def maintenance(data: Path, instance: str, code: str, after: float, description: str) -> None:
    """Schedule an event of maintenance for INSTANCE, which comes when it is due."""
    _announce(data, {"instance": instance, "event": code, "after": after, "description": description})


@command.command("list")
@data_option
def listed(data: Path) -> None:
    """List the faults that are set, with the number of their hits."""
    _show(_asked(data, {"type": "list"}), "no fault is set")


@command.command()
@data_option
@click.argument("fault", required=False, default="", metavar="[ID|INSTANCE]")
def clear(data: Path, fault: str) -> None:
    """Clear the fault ID, or what is announced to INSTANCE; without either, all faults."""
    _show(_asked(data, {"type": "clear", "id": fault}), "no fault was set", "cleared ")


def _inject(data: Path, fault: dict[str, Any]) -> None:
    _show(_asked(data, {"type": "inject", "fault": fault}), "")


def _announce(data: Path, announced: dict[str, Any]) -> None:
    _show(_asked(data, {"type": "announce", **announced}), "")


def _show(answer: dict[str, Any], nothing: str, before: str = "") -> None:
    for one in answer["faults"]:
        hits = f"  ({one['hits']} hits)" if one["hits"] else ""
        click.echo(f"{before}{one['id']}  {one['about']}{hits}")
    if not answer["faults"]:
        click.echo(nothing)


def _asked(data: Path, question: dict[str, Any]) -> dict[str, Any]:
    read_plane(data)
    return handover.asked(data, {"chaos": question})
