"""Deployments of CodeDeploy to Lambda: an alias is moved from one version of a function to another, bit by bit.

CodeDeploy does it in the service role of the deployment group, by calls like any other. Its hooks are functions, which
say by PutLifecycleEventHookExecutionStatus whether the deployment goes on. CodeDeploy User Guide, "AppSpec 'hooks'
section for an AWS Lambda deployment" and "Deployment configurations on an AWS Lambda compute platform".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from locum.agents.functions.sources import Make
from locum.agents.waiting import cancelled, rung
from locum.backends import Backend, BackendCall, Carried
from locum.core.actors import ServiceRole
from locum.core.calls import ServiceCall
from locum.core.clock import Entropy, MovableClock
from locum.core.deployments import Deployment, Deployments, group_arn
from locum.core.errors import Fault, LocumError
from locum.core.identifiers import request_id
from locum.core.principal import Source
from locum.services.yaml_documents import document

CODEDEPLOY: Final = "codedeploy.amazonaws.com"
LONGEST_HOOK: Final = 3600.0
"""Seconds in which a hook has to report. "If the hook does not report within one hour, the deployment fails"."""

_ALL_AT_ONCE: Final = "CodeDeployDefault.LambdaAllAtOnce"
_LINEAR: Final = {"1Minute": 1, "2Minutes": 2, "3Minutes": 3, "10Minutes": 10}
_CONFIGS: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    _ALL_AT_ONCE: (),
    **{f"CodeDeployDefault.LambdaCanary10Percent{minutes}Minutes": ((10, minutes),) for minutes in (5, 10, 15, 30)},
    **{
        f"CodeDeployDefault.LambdaLinear10PercentEvery{every}": tuple((part, minutes) for part in range(10, 100, 10))
        for every, minutes in _LINEAR.items()
    },
}
"""How traffic shifts before all of it does: percentages, and the minutes that each lasts."""
_DEFAULTS: Final = frozenset({"", "CodeDeployDefault.OneAtATime"})
"""What a deployment group has whose maker named no deployment configuration."""
_DEEPEST: Final = 20
"""Levels of an AppSpec, which has 5."""
_FAILURE: Final = "DEPLOYMENT_FAILURE"
_ALARM: Final = "DEPLOYMENT_STOP_ON_ALARM"
_log: Final = logging.getLogger("locum.agents")


class Shift(NamedTuple):
    """The content of an AppSpec: a function, its alias, the versions, and its hooks by lifecycle event."""

    function: str
    alias: str
    current: str
    target: str
    hooks: Mapping[str, str]


class _Failed(LocumError):
    """A deployment failed, with a code of ErrorInformation, because of an `event` of rollback configurations."""

    def __init__(self, code: str, message: str, event: str = _FAILURE) -> None:
        super().__init__(message)
        self.code = code
        self.event = event


class DeploymentHost(Backend):
    """Has `behind` keep deployments, and carries out those to Lambda."""

    forgets = True

    def __init__(
        self, behind: Backend, deployments: Deployments, make: Make, clock: MovableClock, entropy: Entropy
    ) -> None:
        self._behind = behind
        self._deployments = deployments
        self._make = make
        self._clock = clock
        self._entropy = entropy
        self._hooks: dict[tuple[str, str, str, str], asyncio.Future[str]] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._active: dict[str, str] = {}  # the ids of deployments by the ARNs of their groups
        self._creating = asyncio.Lock()
        self._moved = asyncio.Event()
        clock.on_move(self._ring)

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        if call.operation == "PutLifecycleEventHookExecutionStatus":
            return Carried(call.codec.serialize(self._reported(call), call.origin.request_id))
        async with self._creating:
            self._check_idle(call)
            carried = await self._behind.call(call)
            if carried.response.status < 300 and isinstance(carried.response.body, bytes):
                made = json.loads(carried.response.body)["deploymentId"]
                found = self._deployments.find(call.account, call.region, made)
                if found is not None and found.platform == "Lambda":
                    self._active[found.group] = found.id
                    self._begin(self._deploy(found))
        return carried

    async def close(self) -> None:
        await cancelled(*self._under_way)

    async def resume(self) -> None:
        for it in await asyncio.to_thread(self._deployments.under_way):
            if it.group not in self._active:
                self._begin(self._interrupted(it))

    async def _interrupted(self, it: Deployment) -> None:
        """Have a deployment have failed that was under way when the plane ended."""
        failed = _Failed("INTERNAL_ERROR", "The plane ended while the deployment was under way.")
        try:
            shift = await asyncio.to_thread(shift_of, it.revision)
        except LocumError:
            shift = None
        await self._undo(it, shift, failed)

    def _check_idle(self, call: BackendCall) -> None:
        """Check that the group of a deployment that is asked for has none under way. Raises Fault."""
        name = call.params.get("deploymentGroupName", "")
        if active := self._active.get(group_arn(call.account, call.region, call.params["applicationName"], name)):
            text = f"The Deployment Group '{name}' already has an active Deployment '{active}'"
            raise Fault("DeploymentLimitExceededException", text, 400)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _ring(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    # -- a deployment ------------------------------------------------------------------------------------

    async def _deploy(self, it: Deployment) -> None:
        """Carry out a deployment, and have it tell what became of it."""
        self._deployments.tell(it, "InProgress")
        shift: Shift | None = None
        try:
            steps = steps_of(it.config)
            shift = await asyncio.to_thread(shift_of, it.revision)
            await self._check_current(it, shift)
            await self._hook(it, shift, "BeforeAllowTraffic")
            for weight, minutes in steps:
                await self._check_alarms(it)
                await self._weigh(it, shift, weight)
                await self._wait(minutes * 60.0)
            await self._check_alarms(it)
            await self._move(it, shift, shift.target)
            await self._hook(it, shift, "AfterAllowTraffic")
        except LocumError as error:
            failed = error if isinstance(error, _Failed) else _Failed(_code_of(error), str(error))
            await self._undo(it, shift, failed)
        else:
            self._deployments.tell(it, "Succeeded")
        finally:
            self._active.pop(it.group, None)

    async def _undo(self, it: Deployment, shift: Shift | None, failed: _Failed) -> None:
        """Have a deployment have failed, and the alias be what it was, if its group says so."""
        message = str(failed)
        if shift is not None and failed.event in it.rollback:
            try:
                await self._move(it, shift, shift.current)
            except LocumError as error:
                message = f"{message} The rollback failed: {error}"
        _log.warning("deployment %s failed: %s", it.id, message)
        self._deployments.tell(it, "Failed", failed.code, message)

    async def _check_current(self, it: Deployment, shift: Shift) -> None:
        """Check that the alias is of the version that the AppSpec calls the current one. Raises LocumError."""
        alias = await self._call(it, "lambda", "GetAlias", {"FunctionName": shift.function, "Name": shift.alias})
        if alias["FunctionVersion"] != shift.current:
            told = f"Alias {shift.alias} is of version {alias['FunctionVersion']}, and not of {shift.current}."
            raise _Failed("INVALID_LAMBDA_CONFIGURATION", told)

    async def _check_alarms(self, it: Deployment) -> None:
        """Check that no alarm of the deployment group is active. Raises LocumError."""
        if not it.alarms:
            return
        answer = await self._call(it, "cloudwatch", "DescribeAlarms", {"AlarmNames": list(it.alarms)})
        active = [one["AlarmName"] for one in answer.get("MetricAlarms") or () if one.get("StateValue") == "ALARM"]
        if active:
            told = f"One or more alarms have been activated according to the Amazon CloudWatch metrics: {active[0]}"
            raise _Failed("ALARM_ACTIVE", told, _ALARM)

    async def _weigh(self, it: Deployment, shift: Shift, percent: int) -> None:
        weights = {"AdditionalVersionWeights": {shift.target: percent / 100}}
        given = {"FunctionName": shift.function, "Name": shift.alias, "RoutingConfig": weights}
        await self._call(it, "lambda", "UpdateAlias", {**given, "FunctionVersion": shift.current})

    async def _move(self, it: Deployment, shift: Shift, version: str) -> None:
        given = {"FunctionName": shift.function, "Name": shift.alias, "FunctionVersion": version}
        await self._call(it, "lambda", "UpdateAlias", {**given, "RoutingConfig": {"AdditionalVersionWeights": {}}})

    async def _wait(self, seconds: float, reported: asyncio.Future[str] | None = None) -> None:
        """Wait so long by the clock of the plane, or until there is a report."""
        due = self._clock() + seconds
        if reported is not None:
            reported.add_done_callback(lambda _: self._ring())
        while (reported is None or not reported.done()) and (left := due - self._clock()) > 0:
            await rung(self._moved, left)

    # -- hooks -------------------------------------------------------------------------------------------

    async def _hook(self, it: Deployment, shift: Shift, event: str) -> None:
        """Invoke the function of a lifecycle event, if there is one, until it reports. Raises LocumError."""
        if event not in shift.hooks:
            return
        execution = request_id(self._entropy)
        key = it.account, it.region, it.id, execution
        reported = self._hooks[key] = asyncio.get_running_loop().create_future()
        told = {"DeploymentId": it.id, "LifecycleEventHookExecutionId": execution}
        given = {"FunctionName": shift.hooks[event], "Payload": json.dumps(told).encode()}
        try:
            answer = await self._call(it, "lambda", "Invoke", given)
            if not answer.get("FunctionError"):
                await self._wait(LONGEST_HOOK, reported)
            status = reported.result() if reported.done() else "Failed"
        finally:
            del self._hooks[key]
        if status != "Succeeded":
            told_why = f"The {event} validation function {shift.hooks[event]} failed, or did not report its success."
            raise _Failed("HOOK_EXECUTION_FAILURE", told_why)

    def _reported(self, call: BackendCall) -> dict[str, Any]:
        """Take the report of a hook. CodeDeploy API Reference, PutLifecycleEventHookExecutionStatus. Raises Fault."""
        params = call.params
        execution, status = params.get("lifecycleEventHookExecutionId", ""), params.get("status", "")
        if self._deployments.find(call.account, call.region, params.get("deploymentId", "")) is None:
            raise Fault("DeploymentDoesNotExistException", "The deployment does not exist.", 400)
        if status not in ("Succeeded", "Failed"):
            text = "The status of the lifecycle event hook is not valid: Succeeded or Failed."
            raise Fault("InvalidLifecycleEventHookExecutionStatusException", text, 400)
        waiting = self._hooks.get((call.account, call.region, params["deploymentId"], execution))
        if waiting is None:
            text = "The lifecycle event hook execution ID is not valid."
            raise Fault("InvalidLifecycleEventHookExecutionIdException", text, 400)
        if waiting.done():
            text = "The lifecycle event hook has reported already."
            raise Fault("LifecycleEventAlreadyCompletedException", text, 400)
        waiting.set_result(status)
        return {"lifecycleEventHookExecutionId": execution}

    async def _call(self, it: Deployment, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a call in the service role of the deployment group. Raises Fault."""
        role = ServiceRole(CODEDEPLOY, it.role, it.id[:64], Source(it.account, it.group))
        return await self._make(ServiceCall(role, service, operation, params, it.region))


def shift_of(revision: Mapping[str, Any]) -> Shift:
    """The content of the AppSpec of a revision. Raises LocumError."""
    inner = revision.get("appSpecContent") or revision.get("string") or {}
    content, digest = inner.get("content"), inner.get("sha256")
    if content is None:
        raise _Failed("INVALID_REVISION", "The embedded backend deploys AppSpecs that are in the revision itself.")
    if digest and digest.lower() != sha256(content.encode(errors="surrogatepass")).hexdigest():
        raise _Failed("INVALID_REVISION", "The SHA256 hash of the AppSpec is not the one in the revision.")
    try:
        spec = document(content, _DEEPEST)
        (resource,) = (one for each in spec["Resources"] for one in each.values())
        given = {name: _scalar(value) for name, value in resource["Properties"].items()}
        hooks = {_scalar(event): _scalar(name) for each in spec.get("Hooks") or () for event, name in each.items()}
        versions = given["CurrentVersion"], given["TargetVersion"]
        return Shift(given["Name"], given["Alias"], *versions, hooks)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _Failed("INVALID_REVISION", "The AppSpec is not one of a Lambda function.") from error


def _scalar(value: Any) -> str:
    """A text or number as text. Raises TypeError."""
    if not isinstance(value, (str, int)):
        raise TypeError(type(value))
    return str(value)


def steps_of(config: str) -> tuple[tuple[int, int], ...]:
    """The percentages of a deployment configuration, and the minutes that each lasts. Raises LocumError."""
    found = _CONFIGS.get(_ALL_AT_ONCE if config in _DEFAULTS else config)
    if found is None:
        raise _Failed("INVALID_LAMBDA_CONFIGURATION", f"The embedded backend has no deployment configuration {config}.")
    return found


def _code_of(error: LocumError) -> str:
    """The code of ErrorInformation for a call that was refused."""
    denied = isinstance(error, Fault) and error.code.startswith("AccessDenied")
    return "IAM_ROLE_PERMISSIONS" if denied else "INTERNAL_ERROR"
