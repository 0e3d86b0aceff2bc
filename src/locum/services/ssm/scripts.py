"""The plan of a command, and the output of its steps: both sealed under the key ring, as they may hold secrets."""

from __future__ import annotations

from typing import Final

import msgspec

from locum.core.clock import Entropy
from locum.credentials import KeyRing
from locum.state import Command, CommandInvocation

_PLAN: Final = "ssm-command"
_PRINTED: Final = "ssm-output"


class Step(msgspec.Struct, frozen=True):
    """One step of a command: a shell script, the directory that it begins in (empty: the root), seconds that it has."""

    name: str
    script: str
    directory: str
    timeout: int


class Plan(msgspec.Struct, frozen=True):
    """The parameters of a command as they were given, and the steps that come of them."""

    parameters: dict[str, list[str]]
    steps: tuple[Step, ...]


class Printed(msgspec.Struct, frozen=True):
    """The output of one step: standard output and standard error."""

    out: str = ""
    err: str = ""


def sealed_plan(plan: Plan, account: str, command: str, ring: KeyRing, entropy: Entropy) -> bytes:
    """`Command.sealed` of a command."""
    return ring.seal(_PLAN, msgspec.json.encode(plan), entropy, f"{account}/{command}".encode())


def plan_of(command: Command, ring: KeyRing) -> Plan:
    """The plan of `command`. Raises credentials.BrokenSeal."""
    plain = ring.open(_PLAN, command.sealed, f"{command.account}/{command.id}".encode())
    return msgspec.json.decode(plain, type=Plan)


def sealed_output(printed: tuple[Printed, ...], it: CommandInvocation, ring: KeyRing, entropy: Entropy) -> bytes:
    """`CommandInvocation.sealed` of what the steps printed so far."""
    return ring.seal(_PRINTED, msgspec.json.encode(printed), entropy, f"{it.account}/{it.key}".encode())


def output_of(it: CommandInvocation, ring: KeyRing) -> tuple[Printed, ...]:
    """The output of the steps of an invocation so far. Raises credentials.BrokenSeal."""
    if not it.sealed:
        return ()
    plain = ring.open(_PRINTED, it.sealed, f"{it.account}/{it.key}".encode())
    return msgspec.json.decode(plain, type=tuple[Printed, ...])
