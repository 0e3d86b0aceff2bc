"""The function host: carries out `lambda:Invoke` behind the port of a backend, by a process with the function's role.

Lambda assumes the execution role by a call like any other: the role's trust policy decides, for lambda.amazonaws.com
and the function, and the AssumeRole is in the record. What the handler does it does over the gateway, as that session.

An asynchronous invocation is accepted at once, and becomes a call that Lambda makes later for the function: the same
one, but waiting for its outcome. Lambda API Reference, Invoke.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from locum.agents.functions.asynchronous import Accepted, Attempt, accepted_of, attempt, following, throttled
from locum.agents.functions.execution_roles import execution_role, named_function
from locum.agents.functions.logs import FunctionLogs, InvocationLog
from locum.agents.functions.provisioned import LaunchOf, ProvisionedConcurrency
from locum.backends import Backend, BackendCall, Carried, Delivery
from locum.calls.service_roles import Assume, ServiceSession
from locum.compute.environment import of_function
from locum.compute.functions.functions import Busy, Functions, Invocation, InvocationResult, Launch, Stopped, Throttled
from locum.compute.functions.packages import PackageError
from locum.compute.functions.process import Logged
from locum.compute.functions.runtime_process import CannotStart
from locum.compute.functions.runtimes import NODE, PROVIDED, PYTHON, NoRuntime
from locum.core.actors import ServiceRole
from locum.core.errors import Fault
from locum.core.functions import Find, Function

THROTTLED: Final = "TooManyRequestsException"
MOST_OCTETS: Final = {"RequestResponse": 6 << 20, "Event": 1 << 20, "DryRun": 6 << 20}
"""Of an event, by type of invocation. Lambda quotas, "Invocation payload"."""


class FunctionHost(Backend):
    """Invokes the functions that `find` knows; `endpoint` tells where the gateway is, `search_path` is their PATH.

    What they log is given to `logs`.
    """

    forgets = True

    def __init__(
        self,
        find: Find,
        assume: Assume,
        functions: Functions,
        logs: FunctionLogs,
        endpoint: Callable[[], str],
        search_path: str,
        provisioned: Callable[[LaunchOf], ProvisionedConcurrency],
    ) -> None:
        self._find = find
        self._assume = assume
        self._functions = functions
        self._logs = logs
        self._endpoint = endpoint
        self._search_path = search_path
        self._provisioned = provisioned(self._launch)
        self._node = shutil.which("node", path=search_path)

    def environments(self) -> dict[str, tuple[int, int]]:
        """The execution environments by function: those that run, and those that wait (`Functions.environments`)."""
        return self._functions.environments()

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        if call.operation in self._provisioned.operations:
            return _carried(call, self._provisioned.operations[call.operation](call))
        kind = call.params.get("InvocationType", "RequestResponse")
        name, qualifier = named_function(call.params)
        event = _event(call.params.get("Payload") or b"{}", kind)
        function = self._function(call, name, qualifier)
        arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
        if kind == "DryRun":
            return _carried(call, {"StatusCode": 204})
        if kind == "Event":
            accepted = Accepted(call.origin.request_id, call.origin.at)
            return _carried(call, {"StatusCode": 202}, attempt(Attempt(function, arn, event, accepted)))
        accepted_before = accepted_of(call)
        if accepted_before is not None:
            return await self._attempted(call, Attempt(function, arn, event, accepted_before))
        invocation = Invocation(call.origin.request_id, arn, event, _client_context(call.params))
        return _answer(call, function, await self._outcome(function, invocation, patient=bool(call.effect)))

    async def _attempted(self, call: BackendCall, made: Attempt) -> Carried:
        """Carry out one attempt of an asynchronous invocation, and have what follows from it be done."""
        function = made.function
        role, now = execution_role(function), call.origin.at
        try:
            invocation = Invocation(made.accepted.request_id, made.arn, made.event)
            result = await self._outcome(function, invocation, patient=True)
        except Fault as fault:
            given_up = throttled(made, role, now) if fault.code == THROTTLED else None
            if given_up is None:
                raise
            return _carried(call, {"StatusCode": 202}, *given_up)
        return _answer(call, function, result, *following(made, result, role, now))

    async def close(self) -> None:
        await self._provisioned.close()
        await self._functions.close()

    def _function(self, call: BackendCall, name: str, qualifier: str) -> Function:
        """The function that is called. Raises Fault where there is none, or none that can be hosted."""
        function = self._find(call.account, call.region, name, qualifier)
        if function is None:
            arn = ":".join(filter(None, (f"arn:aws:lambda:{call.region}:{call.account}:function:{name}", qualifier)))
            raise _fault("ResourceNotFoundException", f"Function not found: {arn}", 404)
        if function.runtime.startswith(NODE) and self._node is None:
            raise _fault("InvalidRuntimeException", "There is no node on the PATH of Locum's process.", 502)
        if not function.runtime.startswith((PYTHON, NODE)) and function.runtime not in PROVIDED:
            what = function.runtime or "container images"
            text = f"Locum runs functions of the runtimes {PYTHON}x, {NODE}N.x and provided, and not {what}."
            raise _fault("InvalidRuntimeException", text, 502)
        return function

    async def _outcome(self, function: Function, invocation: Invocation, *, patient: bool) -> InvocationResult:
        """Run the function with the credentials of its role. Raises Fault where it does not come to that."""
        role, launch = execution_role(function), await self._launch(function, invocation.request_id)
        where = role, function.region, launch.variables["AWS_LAMBDA_LOG_GROUP_NAME"]

        def told(logged: Logged) -> None:
            self._logs.write(InvocationLog(*where, *logged, invocation.request_id))

        try:
            result = await self._functions.invoke(launch, invocation, patient=patient, told=told)
        except Busy as error:
            reason = {"Reason": "ConcurrentInvocationLimitExceeded"}
            raise _fault(THROTTLED, "Rate Exceeded.", 429, **reason) from error
        except Throttled as error:
            reason = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
            raise _fault(THROTTLED, "Rate Exceeded.", 429, **reason) from error
        except PackageError as error:
            text = f"Lambda could not unzip the deployment package: {error}"
            raise _fault("InvalidZipFileException", text, 502) from error
        except NoRuntime as error:
            raise _fault("InvalidRuntimeException", f"{function.runtime} cannot be run: {error}.", 502) from error
        except CannotStart as error:
            raise _fault("ServiceException", str(error), 500) from error
        except Stopped as error:
            raise _fault("ServiceException", "The function was stopped: Locum ends.", 500) from error
        told(result.logged)
        return result

    async def _launch(self, function: Function, cause: str) -> Launch:
        """The launch of an environment of a function, in a session of its role. Raises Fault."""
        session = await self._session(execution_role(function), cause)
        variables = of_function(function, session.credentials, self._endpoint(), self._search_path)
        issued = session.caller.session
        assert issued is not None
        return Launch(function, variables, issued.issuer_id, issued.expires_at)

    async def _session(self, role: ServiceRole, cause: str) -> ServiceSession:
        """The session of the execution role. Raises Fault."""
        try:
            return await self._assume(role, cause)
        except Fault as fault:
            if fault.code != "AccessDenied":
                raise
            text = "The role defined for the function cannot be assumed by Lambda."
            raise _fault("AccessDeniedException", text, 403) from fault


def _event(payload: bytes, kind: str) -> bytes:
    """`payload`, which is JSON and not too large. Raises Fault."""
    most = MOST_OCTETS[kind]
    if len(payload) > most:
        text = f"{len(payload)} byte payload is too large for the {kind} invocation type (limit {most} bytes)"
        raise _fault("RequestEntityTooLargeException", text, 413)
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        text = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise _fault("InvalidRequestContentException", text, 400) from error
    return payload


def _client_context(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Decode the client context, a JSON object in base64. Raises Fault."""
    told = params.get("ClientContext")
    if told is None:
        return None
    try:
        found = json.loads(base64.b64decode(told, validate=True))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        text = "Client context must be a valid Base64-encoded JSON object."
        raise _fault("InvalidRequestContentException", text, 400)
    return found


def _answer(call: BackendCall, function: Function, outcome: InvocationResult, *later: Delivery) -> Carried:
    """The answer to an invocation that came to `outcome`, after which the calls `later` are made."""
    output = {"StatusCode": 200, "Payload": outcome.payload, "ExecutedVersion": function.version}
    if outcome.failed:
        output["FunctionError"] = "Unhandled"
    if call.params.get("LogType") == "Tail":
        output["LogResult"] = base64.b64encode(outcome.log).decode()
    return _carried(call, output, *later)


def _carried(call: BackendCall, output: Mapping[str, Any], *deliveries: Delivery) -> Carried:
    """The answer; what a function returns is JSON, where the model knows octets."""
    response = call.codec.serialize(output, call.origin.request_id)
    if "Payload" in output:
        others = [pair for pair in response.headers if pair[0].lower() != "content-type"]
        response.headers = [*others, ("Content-Type", "application/json")]
    return Carried(response, deliveries)


def _fault(code: str, message: str, status: int, **members: str) -> Fault:
    return Fault(code, message, status, members={"Type": "User" if status < 500 else "Service", **members})
