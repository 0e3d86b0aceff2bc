"""The options of commands that ask about calls that nobody made, and the asking."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from locum.cli.home import read_plane
from locum.cli.moments import Moment
from locum.compute import handover
from locum.core.errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])

with_option: Final = click.option("--with", "given", multiple=True, metavar="KEY=VALUE",
    help="The value of a condition key of the call; repeatable, also for a key with several values.")  # fmt: skip
without_option: Final = click.option("--without", "absent", multiple=True, metavar="KEY",
    help="A condition key that the call does not have; repeatable.")  # fmt: skip
region_option: Final = click.option("--region", default="", metavar="NAME", help="The Region; the plane's by default.")
at_option: Final = click.option("--at", type=Moment(), metavar="TIME",
    help="At an earlier time: 2026-11-28T12:00:00Z, or 2h for two hours ago.")  # fmt: skip
account_option: Final = click.option("--account", default="", metavar="ID",
    help="The account of names, and of resources whose ARN has none; the plane's by default.")  # fmt: skip


def asked(
    data: Path, kind: str, *, given: tuple[str, ...], absent: tuple[str, ...] = (), **question: Any
) -> dict[str, Any]:
    """The answer of the plane. Raises LocumError where it is none."""
    plane = read_plane(data)
    told: dict[str, Any] = {
        "type": kind,
        **question,
        "account": question.get("account") or plane.account,
        "region": question.get("region") or plane.region,
        "given": [_pair(one) for one in given],
        "absent": list(absent),
    }
    if sum(map(len, (*given, *absent))) > handover.MAX_MESSAGE // 8:  # of six octets a character, in JSON
        raise ConfigurationError("these are more keys than a plane is asked with")
    return handover.asked(data, {"hypothetical": told})


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ConfigurationError(f"--with {text} is no KEY=VALUE")
    return key, value
