"""Whatever a call of a guarded service has in it, it is answered and recorded, and Locum itself does not fail."""

from __future__ import annotations

import logging
import os

import pytest
from botocore.exceptions import BotoCoreError, ParamValidationError

from locum.backends.moto.workers import MotoFailed
from support.generated_calls import GeneratedCall, generated_calls
from support.inprocess import Answer, InProcess, Key

_OF_MOTO = f"{MotoFailed.__module__}.{MotoFailed.__qualname__}:"
"""The beginning of the last line of a traceback of what moto raised."""

SEED = int(os.environ.get("LOCUM_GENERATED_SEED", "9"))


def sent(plane: InProcess, call: GeneratedCall, key: Key) -> Answer | None:
    """The answer to `call`; None where boto3 cannot send it."""
    try:
        request = plane.request_of(call.service, call.operation, call.params, key)
    except (BotoCoreError, ParamValidationError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return plane.send(request)


def failures(plane: InProcess, calls: list[GeneratedCall], key: Key, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is wrong with the answers to `calls` and with their records."""
    found = []
    for call in calls:
        caplog.clear()
        answer = sent(plane, call, key)
        if answer is None:
            continue
        request_id = answer.headers.get("x-amzn-requestid") or answer.headers.get("x-amz-request-id")
        if request_id is None:
            found.append(f"{call}: no request id in {answer}")
            continue
        own = [
            record
            for record in caplog.records
            if record.levelno >= logging.ERROR and not record.getMessage().splitlines()[-1].startswith(_OF_MOTO)
        ]
        if own:
            found.append(f"{call}: {own[0].getMessage()}")
        if plane.record(request_id).operation != call.operation:
            found.append(f"{call}: recorded as {plane.record(request_id).operation}")
    return found


@pytest.mark.parametrize("part", range(4))
def test_generated_calls_are_answered_and_recorded(
    plane: InProcess, caplog: pytest.LogCaptureFixture, part: int
) -> None:
    key = plane.account(f"{900_000_000_000 + part}")  # of its own: what is left there is in nobody's way
    assert failures(plane, list(generated_calls(SEED + part, 250)), key, caplog) == []


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(20))
def test_twenty_thousand_generated_calls_are_answered_and_recorded(
    plane: InProcess, caplog: pytest.LogCaptureFixture, part: int
) -> None:
    key = plane.account(f"{910_000_000_000 + part}")
    assert failures(plane, list(generated_calls(1000 * SEED + part, 1000)), key, caplog) == []
