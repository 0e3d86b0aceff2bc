"""Rotations of secrets by functions: Secrets Manager invokes the function of a secret, step by step.

Each invocation is a call of `secretsmanager.amazonaws.com` for the secret, which the policy of the function has to
allow. What the function does to the secret, it does as its own role. Secrets Manager User Guide, "Rotation by Lambda
function" and "Lambda rotation functions".
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from locum.agents.event_schedules import next_time
from locum.agents.functions.sources import Make
from locum.agents.waiting import cancelled, rung
from locum.backends import Backend, BackendCall, Carried
from locum.core.actors import service_principal
from locum.core.arn import Arn
from locum.core.calls import ServiceCall
from locum.core.clock import Entropy, MovableClock
from locum.core.errors import Fault, LocumError
from locum.core.identifiers import request_id
from locum.core.rotations import Secret, Secrets

SECRETS: Final = "secretsmanager.amazonaws.com"
STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
TEST: Final = ("testSecret",)
MOST_ATTEMPTS: Final = 5
FIRST_WAIT: Final = 60.0
"""Seconds until a rotation that failed is attempted again; then twice as many, each time."""

_DAY: Final = 86_400
_SHORTEST: Final = 4 * 3_600
_LONGEST: Final = 999 * _DAY
"""Seconds between the times of a schedule."""
_SCHEDULE: Final = re.compile(r"rate\(\d+ (hour|day)s?\)|cron\(0( \S+){4} \*\)")
"""Secrets Manager User Guide, "Rotation schedules": the minute is 0, and the year any."""
_DAYS: Final = "AutomaticallyAfterDays"
_EXPRESSION: Final = "ScheduleExpression"
_RULES: Final = frozenset({_DAYS, _EXPRESSION, "Duration"})
_TAKEN: Final = frozenset({"ClientRequestToken", "RotateImmediately", "RotationLambdaARN", "RotationRules", "SecretId"})
_NO_FUNCTION: Final = (
    "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN configured and you "
    "didn't include such an ARN as a parameter in this call."
)
_NOT_INVOKED: Final = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    "principal secretsmanager.amazonaws.com."
)
_log: Final = logging.getLogger("locum.agents")


@dataclass(slots=True)
class _Rotated:
    """A secret that is rotated: when next (0: never), and the version of a rotation that is to be attempted again."""

    due: float = 0.0
    version: str = ""
    attempts: int = 0


class RotationHost(Backend):
    """Carries out RotateSecret for `secrets`, and rotates them when they are due by `clock`.

    `behind` has the secrets that other services manage.
    """

    forgets = True

    def __init__(self, behind: Backend, secrets: Secrets, make: Make, clock: MovableClock, entropy: Entropy) -> None:
        self._behind = behind
        self._secrets = secrets
        self._make = make
        self._clock = clock
        self._entropy = entropy
        self._rotated: dict[tuple[str, str, str], _Rotated] = {}
        self._tested: set[str] = set()  # versions
        self._under_way: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        clock.on_move(self._changed.set)

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        secret = self._secrets.find(call.account, call.region, call.params["SecretId"])
        if secret is None:  # which the other one tells the reason of
            call = replace(call, params={"SecretId": call.params["SecretId"]})
        if secret is None or secret.managed:
            return await self._behind.call(call)
        output = await self._rotate(secret, call.params, call.origin.request_id)
        return Carried(call.codec.serialize(output, call.origin.request_id))

    async def close(self) -> None:
        tasks = [*self._under_way, *(() if self._task is None else (self._task,))]
        await cancelled(*tasks)

    async def resume(self) -> None:
        for secret, due in await asyncio.to_thread(self._secrets.under_way):
            key = secret.account, secret.region, secret.arn
            if key not in self._rotated:
                interrupted = "" if secret.pending == secret.current else secret.pending
                self._rotated[key] = _Rotated(due, interrupted)
                if interrupted:
                    self._begin(self._attempt(*key))
        self._follow()

    async def _rotate(self, secret: Secret, params: Mapping[str, Any], cause: str) -> dict[str, Any]:
        """Configure the rotation of a secret, and begin one. Raises Fault."""
        if strange := sorted(params.keys() - _TAKEN):
            text = f"The embedded backend does not implement secretsmanager:RotateSecret with {strange[0]}."
            raise Fault("NotImplemented", text, 501)
        function, rules = params.get("RotationLambdaARN") or secret.function, params.get("RotationRules")
        if not function:
            raise Fault("InvalidRequestException", _NO_FUNCTION, 400)
        _check_arn(function)
        rules = _checked(secret.rules if rules is None else rules)
        version = params.get("ClientRequestToken") or request_id(self._entropy)
        await self._check_function(secret, function, cause)
        secret = self._free(secret, version)
        key, told = (secret.account, secret.region, secret.arn), {"ARN": secret.arn, "Name": secret.name}
        known = self._rotated.get(key)
        if known is not None and known.version == version:  # the same request again
            return told | {"VersionId": version}
        self._secrets.configure(secret, function, rules)
        rotated = self._rotated[key] = _Rotated()
        self._schedule(secret, rotated, rules)
        if version == secret.current:  # it is done
            return told | {"VersionId": version}
        only_tested = params.get("RotateImmediately") is False
        self._secrets.begin(secret, version, copied=only_tested)
        if only_tested:
            self._tested.add(version)
            self._begin(self._test(secret._replace(function=function), version))
            return told
        rotated.version = version
        self._begin(self._attempt(*key))
        return told | {"VersionId": version}

    def _free(self, secret: Secret, version: str) -> Secret:
        """A secret as it is now, of which no version but `version` is under way. Raises Fault."""
        now = self._secrets.find(secret.account, secret.region, secret.arn)
        if now is None:
            raise Fault("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
        if now.pending and now.pending not in (now.current, version, *self._tested):
            text = "A previous rotation isn't complete. That rotation will be reattempted."
            raise Fault("InvalidRequestException", text, 400)
        return now

    async def _check_function(self, secret: Secret, function: str, cause: str) -> None:
        """Check that Secrets Manager may invoke the function of a secret. Raises Fault."""
        try:
            await self._invoke(secret, function, {"InvocationType": "DryRun"}, cause)
        except Fault as fault:
            if fault.status >= 500:
                raise
            raise Fault("AccessDeniedException", _NOT_INVOKED, 400) from fault

    # -- rotations ---------------------------------------------------------------------------------------

    def _begin(self, work: Any) -> None:
        """Have `work` be done in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        self._follow()

    def _follow(self) -> None:
        """Look at when secrets are due, from now on."""
        self._changed.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _attempt(self, account: str, region: str, arn: str) -> None:
        """Attempt the rotation that is under way for a secret, from its first step on."""
        key = account, region, arn
        rotated, secret = self._rotated.get(key), self._secrets.find(account, region, arn)
        if rotated is None or secret is None or not secret.enabled:
            self._rotated.pop(key, None)
            return
        version, rotated.due = rotated.version, 0.0
        try:
            await self._steps(secret, version, STEPS)
            self._check_finished(account, region, arn, version)
        except LocumError as error:
            rotated.attempts += 1
            _log.warning("the rotation of %s failed: %s", arn, error)
            if rotated.attempts < MOST_ATTEMPTS:
                rotated.due = self._clock() + FIRST_WAIT * 2 ** (rotated.attempts - 1)
                self._changed.set()
                return
            rotated.version, rotated.attempts = "", 0
            self._schedule(secret, rotated, secret.rules)
            return
        rotated.version, rotated.attempts = "", 0
        self._secrets.end(secret, version, kept=True)
        self._schedule(secret, rotated, secret.rules, self._clock())

    async def _steps(self, secret: Secret, version: str, steps: tuple[str, ...]) -> None:
        """Have the function of a secret take steps, as long as it is rotated. Raises Fault."""
        for step in steps:
            now = self._secrets.find(secret.account, secret.region, secret.arn)
            if now is None or not now.enabled:
                raise Fault("InvalidRequestException", "The rotation was cancelled.", 400)
            event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": version}
            given = {"InvocationType": "RequestResponse", "Payload": json.dumps(event).encode()}
            answer = await self._invoke(secret, secret.function, given)
            if answer.get("FunctionError"):
                raise Fault("InvalidRequestException", f"The function failed in step {step}.", 400)

    def _check_finished(self, account: str, region: str, arn: str, version: str) -> None:
        """Check that a version has become the current one. Raises Fault."""
        now = self._secrets.find(account, region, arn)
        if now is None or now.current != version:
            raise Fault("InvalidRequestException", f"AWSCURRENT was not moved to version {version}.", 400)

    async def _test(self, secret: Secret, version: str) -> None:
        """Test the function of a secret with a version that goes then."""
        try:
            await self._steps(secret, version, TEST)
        except LocumError as error:
            _log.warning("the test of the rotation of %s failed: %s", secret.arn, error)
        finally:
            self._secrets.end(secret, version, kept=False)
            self._tested.discard(version)

    async def _invoke(
        self, secret: Secret, function: str, given: Mapping[str, Any], cause: str = ""
    ) -> Mapping[str, Any]:
        arn = Arn.find(function)
        region = secret.region if arn is None else arn.region
        actor = service_principal(SECRETS, secret.account, secret.arn)
        made = ServiceCall(actor, "lambda", "Invoke", {"FunctionName": function, **given}, region)
        return await self._make(made, cause)

    # -- schedules ---------------------------------------------------------------------------------------

    def _schedule(self, secret: Secret, rotated: _Rotated, rules: Mapping[str, Any], done: float | None = None) -> None:
        """Have a secret be due by its rules; it was rotated at the time `done`, if it was."""
        rotated.due = _next(rules, self._clock())
        self._secrets.tell(secret, done, rotated.due)
        self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            now = self._clock()
            for key, rotated in list(self._rotated.items()):
                if 0 < rotated.due <= now:
                    self._due(key, rotated)
                elif not rotated.due and not rotated.version:  # nothing is to come
                    del self._rotated[key]
            due = min((it.due for it in self._rotated.values() if it.due), default=None)
            await rung(self._changed, None if due is None else max(0.0, due - self._clock()))

    def _due(self, key: tuple[str, str, str], rotated: _Rotated) -> None:
        """Rotate a secret that is due, or attempt it again."""
        secret, rotated.due = self._secrets.find(*key), 0.0
        if secret is not None and secret.enabled and not rotated.version:
            rotated.version = "" if secret.pending in (secret.current, *self._tested) else secret.pending
            rotated.version = rotated.version or request_id(self._entropy)
            self._secrets.begin(secret, rotated.version, copied=False)
        self._begin(self._attempt(*key))


def _check_arn(function: str) -> None:
    """Check that a function is named by its ARN, by which policies have decided on it. Raises Fault."""
    arn = Arn.find(function)
    if arn is None or arn.service != "lambda" or not arn.resource.startswith("function:"):
        raise Fault("InvalidParameterException", "The RotationLambdaARN is not the ARN of a Lambda function.", 400)


def _checked(rules: Mapping[str, Any]) -> Mapping[str, Any]:
    """`rules`, which say when a secret is rotated in one way at most. Raises Fault."""
    if _DAYS in rules and _EXPRESSION in rules:
        text = "You can't specify both AutomaticallyAfterDays and ScheduleExpression."
        raise Fault("InvalidParameterException", text, 400)
    if _EXPRESSION in rules and not _is_schedule(rules[_EXPRESSION]):
        raise Fault("InvalidParameterException", "The ScheduleExpression is not valid.", 400)
    return {name: value for name, value in rules.items() if name in _RULES}


def _is_schedule(expression: str) -> bool:
    """Whether secrets can be rotated by an expression: every four hours at most, and every 999 days at least."""
    first = next_time(expression, 0.0) if _SCHEDULE.fullmatch(expression) else 0.0
    return bool(first) and _SHORTEST <= next_time(expression, first) - first <= _LONGEST


def _next(rules: Mapping[str, Any], after: float) -> float:
    """The time of the next rotation of a secret, by its rules; 0 where it is not rotated by itself."""
    if _EXPRESSION in rules:
        return next_time(rules[_EXPRESSION], after)
    return after + rules[_DAYS] * _DAY if _DAYS in rules else 0.0
