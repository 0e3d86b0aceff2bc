"""One instance of a stack set: its stack is created, updated or deleted in its account, and waited for.

1. All that is done to the stack is a call in the session of the execution role: who may do what in the account is
   decided there, and recorded.
2. Each operation of the stack has a client token that is made of the result's. What an interrupted operation began is
   known by it, and not begun again.
3. What is not there, or not usable, is made anew: "Repeating this StackSet operation with a new operation ID retries
   all stack instances whose status is OUTDATED".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from locum.agents.stack_sets.gates import Gate, asked
from locum.agents.stack_sets.roles import Entries, NoEntry
from locum.agents.stacks.waits import Bell
from locum.calls import Calls, Runtime
from locum.core.calls import ServiceCall
from locum.core.errors import Fault, LocumError
from locum.core.principal import Caller
from locum.services.cloudformation.drift import detections_of
from locum.services.cloudformation.lookup import events_of, stack_at
from locum.services.cloudformation.proposals import parameters_of
from locum.services.cloudformation.sealing import HIDDEN, Seals
from locum.services.cloudformation.stack_sets.lookup import instance_of, set_of, template_text_of
from locum.services.cloudformation.stack_sets.operations import DETECTS
from locum.state import Stack, StackDrift, StackInstance, StackSet, StackSetOperation, StackSetResult, State
from locum.state.autoscaling import regional
from locum.state.cloudformation import REVIEW, stack_arn
from locum.state.indexes import OF_INSTANCE_STACK, STACK_NAME, scoped
from locum.state.organization import SUSPENDED
from locum.state.organizations import member_of
from locum.state.stack_sets import SERVICE_MANAGED

T = TypeVar("T")

_DONE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
_UNUSABLE: Final = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", REVIEW)
_UNCHANGED: Final = "No updates are to be performed."


class Outcome(NamedTuple):
    """What became of an instance: the status of its result, and its own. `stack` is the ARN; `gone`: it is no more.

    `overrides` (sealed) are the parameters that an imported stack has of its own. `gate` is what the account's gate
    said. `detection` is the id of a drift detection of the stack, which found `drift`.
    """

    result: str
    status: str = "OUTDATED"
    detailed: str = ""
    reason: str = ""
    stack: str = ""
    gone: bool = False
    overrides: bytes = b""
    gate: Gate = Gate("")
    detection: str = ""
    drift: str = ""


class Shut(LocumError):
    """The gate of an account is shut."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate.reason)
        self.gate = gate


class Placing:
    """Does what an operation does with one instance. `bell` is rung when a stack has changed."""

    def __init__(
        self, runtime: Runtime, calls: Calls, bell: Bell, operation: StackSetOperation, entries: Entries
    ) -> None:
        self._runtime = runtime
        self._calls = calls
        self._bell = bell
        self._operation = operation
        self._entries = entries
        self._seals = Seals(runtime.keyring, runtime.entropy)

    async def outcome(self, result: StackSetResult) -> Outcome:
        """Do it, or go on with it; what became of it."""
        of = set_of(self._state, self._operation)
        it = None if of is None else instance_of(self._state, of, result.target, result.place)
        if of is None or it is None:
            deletes = self._operation.action == "DELETE"
            return Outcome("SUCCEEDED" if deletes else "CANCELLED", reason="The stack instance is not there", gone=True)
        if self._operation.retain:
            return Outcome("SUCCEEDED", gone=True)
        if of.model == SERVICE_MANAGED and _is_suspended(self._state, it.target):
            reason = "Skipped since the account is suspended"
            return Outcome("CANCELLED", it.status, "SKIPPED_SUSPENDED_ACCOUNT", reason, it.stack)
        try:
            if self._operation.action == "DELETE":
                return await self._deleted(of, it, result)
            if self._operation.imports:
                return await self._imported(of, it, result)
            if self._operation.action == DETECTS:
                return await self._checked(of, it, result)
            return await self._made(of, it, result)
        except Shut as shut:
            return Outcome(
                "FAILED", reason=f"Account gate check failed: {shut.gate.reason}", stack=it.stack, gate=shut.gate
            )
        except (NoEntry, Fault) as error:
            reason = error.message if isinstance(error, Fault) else str(error)
            if self._operation.imports:
                return Outcome("FAILED", "INOPERABLE", "FAILED_IMPORT", reason, it.stack)
            return Outcome("FAILED", reason=reason, stack=it.stack)

    async def _made(self, of: StackSet, it: StackInstance, result: StackSetResult) -> Outcome:
        """Make the stack of an instance what the set is. Raises Fault, NoEntry."""
        token, stack = result.token, self._stack(it, result.token)
        if stack is not None and stack.client_token == token:
            return self._told(await self._settled(stack), token)
        caller, gate = await self._entered(of, it, token)
        made = await self._called(caller, of, it, token)
        if made is None:
            assert stack is not None
            return Outcome("SUCCEEDED", "CURRENT", stack=stack.arn, gate=gate)
        return self._told(await self._settled(made), token)._replace(gate=gate)

    async def _called(self, caller: Caller, of: StackSet, it: StackInstance, token: str) -> Stack | None:
        """Begin to make the stack of an instance what the set is; None where it is so already. Raises Fault."""
        stack, params = self._stack(it, token), self._parameters(of, it, token)
        if stack is not None and stack.status == "DELETE_IN_PROGRESS":
            await self._settled(stack)
        elif stack is not None and stack.status in _UNUSABLE:
            await self._delete(caller, it, stack, f"{token}-delete")
        stack = self._stack(it, token)
        try:
            answer = await self._call(caller, it, "UpdateStack" if stack else "CreateStack", params)
        except Fault as fault:
            if fault.message != _UNCHANGED:
                raise
            return None
        return self._of_arn(it, answer["StackId"])

    async def _deleted(self, of: StackSet, it: StackInstance, result: StackSetResult) -> Outcome:
        """Delete the stack of an instance. Raises Fault, NoEntry."""
        stack = self._stack(it, result.token)
        if stack is None:
            return Outcome("SUCCEEDED", gone=True)
        gate = Gate("")
        if stack.client_token == result.token:
            stack = await self._settled(stack)
        else:
            caller, gate = await self._entered(of, it, result.token)
            stack = await self._delete(caller, it, stack, result.token)
        if stack.deleted:
            return Outcome("SUCCEEDED", gone=True, gate=gate)
        return Outcome("FAILED", "INOPERABLE", "INOPERABLE", self._reason(stack), stack.arn, gate=gate)

    async def _entered(self, of: StackSet, it: StackInstance, token: str) -> tuple[Caller, Gate]:
        """The session in which the stack of an instance is acted on, and what the gate says. Raises NoEntry, Shut."""
        caller = await self._entries.into(of, self._operation, it.target, token)
        gate = await asked(self._calls, caller, it.place)
        if gate.status == "FAILED":
            raise Shut(gate)
        return caller, gate

    async def _imported(self, of: StackSet, it: StackInstance, result: StackSetResult) -> Outcome:
        """Look whether the stack of an instance is what the set is. Raises Fault, NoEntry."""
        caller = await self._entries.into(of, self._operation, it.target, result.token)
        arn = stack_arn(it.place, it.target, it.stack_name, result.stack)
        (stack,) = (await self._call(caller, it, "DescribeStacks", {"StackName": arn}))["Stacks"]
        text = (await self._call(caller, it, "GetTemplate", {"StackName": arn}))["TemplateBody"]
        if stack["StackStatus"] not in (*_DONE, "UPDATE_ROLLBACK_COMPLETE"):
            raise _refused(f"Stack:{arn} is in {stack['StackStatus']} state and can not be imported")
        if any(other.key != it.key for other in self._state.find(OF_INSTANCE_STACK, arn)):
            raise _refused(f"Stack {arn} belongs to a stack set")
        if text != template_text_of(self._state, of):
            raise _refused("The template of the stack is not that of the stack set")
        values = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", ())}
        if any(value == HIDDEN for value in values.values()):
            raise _refused("Stacks that contain NoEcho parameters cannot be imported")
        kept = parameters_of(of.version, self._seals, of.account, of.id)
        own = {name: value for name, value in values.items() if name not in kept or kept[name].value != value}
        overrides = self._seals.seal(of.account, of.id, own)
        return Outcome("SUCCEEDED", "CURRENT", stack=arn, overrides=overrides)

    async def _checked(self, of: StackSet, it: StackInstance, result: StackSetResult) -> Outcome:
        """Have the drift of the stack of an instance detected. Raises Fault, NoEntry."""
        stack = self._stack(it, result.token)
        if stack is None:
            raise _refused("The stack of the stack instance is not there")
        begun = next((one for one in self._detections(stack) if one.caller.principal.name == result.token), None)
        if begun is None:
            caller = await self._entries.into(of, self._operation, it.target, result.token)
            answer = await self._call(caller, it, "DetectStackDrift", {"StackName": stack.arn})
            begun = next(one for one in self._detections(stack) if one.id == answer["StackDriftDetectionId"])
        key = begun.key
        done = await self._bell_until(lambda: self._detected(it.target, key))
        status = "SUCCEEDED" if done.status == "DETECTION_COMPLETE" else "FAILED"
        return Outcome(status, reason=done.reason, stack=stack.arn, detection=done.id, drift=done.drift)

    def _detections(self, stack: Stack) -> list[StackDrift]:
        return detections_of(self._state, stack)

    def _detected(self, account: str, key: str) -> StackDrift | None:
        """A drift detection that is over."""
        found = self._state.get(StackDrift, account, key)
        if found is None:
            raise _refused("The stack of the stack instance is not there")
        return None if found.under_way else found

    async def _delete(self, caller: Caller, it: StackInstance, stack: Stack, token: str) -> Stack:
        """Have the stack of an instance deleted; what it is then. Raises Fault."""
        await self._call(caller, it, "DeleteStack", {"StackName": stack.arn, "ClientRequestToken": token})
        return await self._settled(stack)

    def _told(self, stack: Stack, token: str) -> Outcome:
        """The outcome, where nothing is under way for the stack any more."""
        if stack.status in _DONE and stack.client_token == token:
            return Outcome("SUCCEEDED", "CURRENT", stack=stack.arn)
        return Outcome("FAILED", reason=self._reason(stack), stack=stack.arn)

    def _reason(self, stack: Stack) -> str:
        """Why the operation of a stack failed: the first of its resources that did."""
        events = [event for event in events_of(self._state, stack) if event.token == stack.client_token]
        for event in reversed(events):
            if event.status.endswith("_FAILED") and event.physical != stack.arn:
                told = f"ResourceLogicalId:{event.logical}, ResourceType:{event.type}"
                return f"{told}, ResourceStatusReason:{event.reason}."
        return stack.reason or f"Stack:{stack.arn} is in {stack.status} state"

    def _parameters(self, of: StackSet, it: StackInstance, token: str) -> dict[str, Any]:
        """The parameters of CreateStack and UpdateStack. The stack has those of the set, as far as none overrides."""
        values = {name: kept.value for name, kept in parameters_of(of.version, self._seals, of.account, of.id).items()}
        overrides: dict[str, str] = self._seals.open(of.account, of.id, it.overrides)
        values |= {name: value for name, value in overrides.items() if name in values}
        return {
            "StackName": it.stack_name,
            "TemplateBody": template_text_of(self._state, of),
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            "Capabilities": list(of.version.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in of.version.tags.items()],
            "ClientRequestToken": token,
        }

    async def _call(self, caller: Caller, it: StackInstance, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        return await self._calls.make(ServiceCall(caller, "cloudformation", operation, params, it.place))

    # -- stacks ------------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self._runtime.ledger.state

    def _stack(self, it: StackInstance, token: str) -> Stack | None:
        """The stack of an instance, if it is there. Another one of its name is not the set's.

        That which an interrupted operation has made is known by its `token` before the instance tells of it.
        """
        found = self._state.first(Stack, STACK_NAME, scoped(it.target, regional(it.place, it.stack_name)))
        return found if found is not None and (found.arn == it.stack or found.client_token == token) else None

    def _of_arn(self, it: StackInstance, arn: str) -> Stack:
        found = stack_at(self._state, it.target, it.place, arn)
        assert found is not None
        return found

    async def _settled(self, stack: Stack) -> Stack:
        """A stack once nothing is under way for it."""
        return await self._bell_until(lambda: self._idle(stack))

    def _idle(self, stack: Stack) -> Stack | None:
        now = self._state.get(Stack, stack.account, stack.key) or stack
        return None if now.status.endswith("_IN_PROGRESS") else now

    async def _bell_until(self, found: Callable[[], T | None]) -> T:
        while True:
            bell = self._bell.next()
            if (now := found()) is not None:
                return now
            await bell.wait()


def _refused(reason: str) -> Fault:
    return Fault("InvalidOperationException", reason, 400)


def _is_suspended(state: State, account: str) -> bool:
    member = member_of(state, account)
    return member is not None and member.status == SUSPENDED
