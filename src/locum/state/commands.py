"""Entities of Systems Manager: managed instances, and the commands that were sent to them. Times are epoch seconds.

What somebody wrote into a command, and what it printed, may be secret: it is sealed under the key ring.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from locum.state.entities import Entity

InvocationStatus = Literal["Pending", "InProgress", "Success", "Failed", "TimedOut", "Cancelling", "Cancelled"]


class ManagedInstance(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="managed-instance"):
    """An instance that has registered with Systems Manager. `online`: its agent was heard of, last at `pinged`.

    `platform`, `version` and `computer` are what the agent told of the system.
    """

    id: str
    region: str
    registered: int
    pinged: int
    online: bool = True
    platform: str = ""
    version: str = ""
    computer: str = ""


class Command(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="command"):
    """A command of Run Command. `sealed` are its parameters and its plan (`services.ssm.scripts`).

    `instances` are those that it was sent to, by name or by the `targets`. `settings` are further parameters of
    SendCommand that it is shown with, by the member names of the API. `timeout` is TimeoutSeconds.
    """

    id: str
    region: str
    document: str
    document_version: str
    requested: float
    timeout: int
    instances: tuple[str, ...] = ()
    targets: tuple[dict[str, object], ...] = ()
    max_concurrency: str = "50"
    max_errors: str = "0"
    cancelled: bool = False
    comment: str = ""
    settings: dict[str, object] = {}
    sealed: bytes = b""


class PluginResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The result of one step of a command. `code` is the exit code, -1 while there is none."""

    name: str
    status: InvocationStatus = "Pending"
    details: str = "Pending"
    code: int = -1
    began: float = 0.0
    ended: float = 0.0


class CommandInvocation(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="command-invocation"):
    """A command on one instance. `details` is StatusDetails. `sealed` is what the steps `results` printed."""

    key_field: ClassVar[str] = "command"

    command: str
    instance: str
    region: str
    requested: float
    status: InvocationStatus = "Pending"
    details: str = "Pending"
    results: tuple[PluginResult, ...] = ()
    sealed: bytes = b""

    @property
    def key(self) -> str:
        return f"{self.command}/{self.instance}"
