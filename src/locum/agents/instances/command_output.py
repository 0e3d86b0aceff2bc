"""The output of commands, written to S3 and CloudWatch Logs in the session of the instance's role, as the agent does.

What the role may not write is not there, as on AWS, and the record of the refused call tells. AWS Systems Manager User
Guide, "Understanding command output", "Configuring Amazon CloudWatch Logs for Run Command".
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from locum.calls.carrying import Make
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Caller
from locum.services.ssm.descriptions import document_name, output_key
from locum.services.ssm.documents import PLUGIN
from locum.services.ssm.scripts import Plan, Printed
from locum.state import Command, CommandInvocation

MOST_EVENT: Final = 200_000
"""Characters of one log event: CloudWatch Logs takes 256 KiB."""

_log: Final = logging.getLogger("locum.agents")


class CommandOutput:
    """Writes what commands print with `make`."""

    def __init__(self, make: Make) -> None:
        self._make = make

    async def write(
        self, caller: Caller, command: Command, it: CommandInvocation, plan: Plan, printed: Sequence[Printed]
    ) -> None:
        """Write what the steps of an invocation printed where the command says that it is to be, as `caller`."""
        for step, said in zip(plan.steps, printed, strict=False):
            streams = {"stdout": said.out, "stderr": said.err}
            for stream, text in streams.items():
                if text:
                    await self._tried(self._to_bucket(caller, command, it, step.name, stream, text))
                    await self._tried(self._to_logs(caller, command, it, stream, text))

    async def _tried(self, calls: Iterator[ServiceCall]) -> None:
        for call in calls:
            try:
                await self._make(call, "")
            except Fault as fault:  # on record where it was refused
                if fault.code != "ResourceAlreadyExistsException":
                    _log.info("the output of a command is not written: %s", fault.code)
                    return

    @staticmethod
    def _to_bucket(
        caller: Caller, command: Command, it: CommandInvocation, step: str, stream: str, text: str
    ) -> Iterator[ServiceCall]:
        bucket = command.settings.get("OutputS3BucketName")
        if bucket:
            params = {
                "Bucket": bucket,
                "Key": output_key(command, it, step, stream),
                "Body": text.encode(),
                "ContentType": "text/plain",
            }
            region = str(command.settings.get("OutputS3Region") or command.region)
            yield ServiceCall(caller, "s3", "PutObject", params, region)

    @staticmethod
    def _to_logs(
        caller: Caller, command: Command, it: CommandInvocation, stream: str, text: str
    ) -> Iterator[ServiceCall]:
        config = cast("Mapping[str, Any]", command.settings.get("CloudWatchOutputConfig") or {})
        if not config.get("CloudWatchOutputEnabled"):
            return
        group = config.get("CloudWatchLogGroupName") or f"/aws/ssm/{document_name(command)}"
        name = f"{it.command}/{it.instance}/{PLUGIN.replace(':', '-')}/{stream}"
        named = {"logGroupName": group, "logStreamName": name}
        yield ServiceCall(caller, "logs", "CreateLogGroup", {"logGroupName": group}, command.region)
        yield ServiceCall(caller, "logs", "CreateLogStream", named, command.region)
        at = int(command.requested * 1000)
        for start in range(0, len(text), MOST_EVENT):
            events = [{"timestamp": at, "message": text[start : start + MOST_EVENT]}]
            yield ServiceCall(caller, "logs", "PutLogEvents", {**named, "logEvents": events}, command.region)
