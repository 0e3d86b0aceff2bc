"""GetConsoleOutput of instances that a driver makes real: the end of what they have written."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from locum.backends import BackendCall, Carried
from locum.compute.instance_files import InstanceFiles
from locum.core.errors import Fault
from locum.core.resources import UNKNOWN, ResourceFacts
from locum.state import Instance, State


class ConsoleOutput:
    """The backend of GetConsoleOutput, over the files in the data directory `data`. `view` is the current state.

    EC2 API: the output is in base64, and "limited to the most recent 64 KB"; its time that of the last line here.
    """

    forgets = False

    def __init__(self, data: Path, view: Callable[[], State]) -> None:
        self._data = data
        self._view = view

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        name = call.params["InstanceId"]
        found = self._view().get(Instance, call.account, name)
        if found is None or found.region != call.region:
            raise Fault("InvalidInstanceID.NotFound", f"The instance ID '{name}' does not exist")
        text, when = InstanceFiles(self._data, found.id).output() or (b"", float(found.launched))
        answer = {"InstanceId": found.id, "Timestamp": when, "Output": base64.b64encode(text).decode()}
        return Carried(call.codec.serialize(answer, call.origin.request_id))

    async def facts(
        self, service: str, arn: str, account: str, region: str, parts: Collection[str] = ()
    ) -> ResourceFacts:
        return UNKNOWN

    async def told(
        self, service: str, operation: str, params: Mapping[str, Any], account: str, region: str
    ) -> dict[str, Any] | None:
        return None

    def in_use(self, service: str) -> bool:
        return True

    async def close(self) -> None:
        return
