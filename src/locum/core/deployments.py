"""Deployments of CodeDeploy to Lambda, as values, and the port of what keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from locum.core.arn import PARTITION


class Deployment(NamedTuple):
    """A deployment: of `platform`, in the service role of its group, by a deployment configuration.

    `revision` is the RevisionLocation of the API, `group` the ARN of the deployment group. `alarms` are the names of
    those that stop it. `rollback` are the events (`DEPLOYMENT_FAILURE`) with which it is taken back.
    """

    account: str
    region: str
    id: str
    group: str
    platform: str
    role: str
    config: str
    revision: Mapping[str, Any]
    alarms: tuple[str, ...]
    rollback: frozenset[str]


def group_arn(account: str, region: str, application: str, name: str) -> str:
    """The ARN of a deployment group."""
    return f"arn:{PARTITION}:codedeploy:{region}:{account}:deploymentgroup:{application}/{name}"


class Deployments(Protocol):
    """The store of deployments."""

    def find(self, account: str, region: str, identifier: str) -> Deployment | None:
        """The deployment with that id, or None."""

    def tell(self, deployment: Deployment, status: str, code: str = "", message: str = "") -> None:
        """Have it tell that its status is `status`, and why."""

    def under_way(self) -> list[Deployment]:
        """The deployments of all accounts to Lambda that have not ended."""
