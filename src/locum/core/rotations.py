"""Secrets of Secrets Manager that a function rotates, as values, and the port of what keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol


class Secret(NamedTuple):
    """A secret as it is rotated: by `function` (an ARN; empty: by none), by `rules`, RotationRules of the API.

    `managed` is the service that has it, and rotates it itself. `enabled` is whether it is rotated by itself.
    `current` and `pending` are the ids of the versions with AWSCURRENT and AWSPENDING, or empty.
    """

    account: str
    region: str
    arn: str
    name: str
    function: str
    rules: Mapping[str, Any]
    managed: str
    enabled: bool
    current: str
    pending: str


class Secrets(Protocol):
    """The store of secrets. A `Secret` names one; its other members may be those of before."""

    def find(self, account: str, region: str, name: str) -> Secret | None:
        """The secret with that name or ARN; None where there is none, or it is being deleted."""

    def configure(self, secret: Secret, function: str, rules: Mapping[str, Any]) -> None:
        """Have it be rotated by `function`, by `rules`."""

    def begin(self, secret: Secret, version: str, *, copied: bool) -> None:
        """Give it a version with AWSPENDING, without a value; `copied`: with that of the current version."""

    def end(self, secret: Secret, version: str, *, kept: bool) -> None:
        """Take AWSPENDING from a version, which goes where it is not `kept`."""

    def tell(self, secret: Secret, rotated: float | None, due: float) -> None:
        """Have it tell when it was rotated last (epoch seconds; None: as before), and when it is next (0: never)."""

    def under_way(self) -> list[tuple[Secret, float]]:
        """The secrets of all accounts that are rotated by themselves, each with the time that it was told last."""
