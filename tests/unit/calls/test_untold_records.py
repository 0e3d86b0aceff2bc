"""A call that cannot be told in its record is recorded all the same, and so are those beside it."""

from __future__ import annotations

from typing import Any

import pytest

from locum import wire
from locum.calls.recorder import Recorder
from locum.core.errors import Fault
from support.inprocess import InProcess


class Unreadable(dict[str, Any]):
    """Parameters that nobody can read."""

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("a secret")

    __iter__ = __getitem__ = get = items = keys = values = _fail


def test_what_cannot_be_told_of_one_call_does_not_end_the_recording_of_all(
    plane: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    request = plane.request("ec2", "run_instances", ImageId="ami-1", MinCount=1, MaxCount=1)
    context = plane.node.calls.begin(request)
    context.codec, context.params = wire.codec_of("ec2", "RunInstances"), Unreadable(x=1)
    recorder = Recorder(plane.node.ledger, plane.node.runtime.entropy, "enforce")

    async def recorded() -> None:
        recorder.refused(context, Fault("Broken", "x", 400))
        await plane.node.ledger.flush()

    plane.run(recorded())
    record = plane.record(context.request_id)
    assert (record.operation, record.error_code, record.parameters) == ("RunInstances", "Broken", None)
    assert "RuntimeError" in caplog.text
    assert "a secret" not in caplog.text
    plane.client("iam").create_user(UserName="recorded-after-it")
