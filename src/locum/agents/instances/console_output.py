"""GetConsoleOutput of instances: the end of what those have written that a driver makes real; of others nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from locum.backends import Backend, BackendCall, Carried
from locum.compute.instance_files import InstanceFiles
from locum.core.errors import Fault
from locum.state import Instance, State


class ConsoleOutput(Backend):
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
        if call.params.get("DryRun"):
            raise Fault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        text, when = InstanceFiles(self._data, found.id).output() or (b"", float(found.launched))
        answer = {"InstanceId": found.id, "Timestamp": when, "Output": base64.b64encode(text).decode()}
        return Carried(call.codec.serialize(answer, call.origin.request_id))

    async def close(self) -> None:
        return
