"""The reconciler of Auto Scaling groups: makes the launches and terminations that `services.autoscaling` plans.

1. What a group does next is a pure function of the state (`progress`), committed before anything is called.
2. A launch is in the group before RunInstances is called, with its activity's id as the client token. So a launch that
   a restart interrupted is not made twice: the same call again gives the instance of the first one.
3. All calls are the group's service-linked role's. What it may not do fails the activity, with EC2's text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from locum.calls import Calls, Runtime
from locum.core.actors import ServiceRole
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Source
from locum.services.autoscaling.hooks import with_member
from locum.services.autoscaling.launching import launch_parameters, template_of
from locum.services.autoscaling.progress import due, launch_of, progress, to_terminate
from locum.services.autoscaling.sources import SERVICE
from locum.services.autoscaling.targets import to_register
from locum.services.autoscaling.transitions import (
    Moment,
    Step,
    activity_of,
    launch_failed,
    launched,
    terminated,
    without,
)
from locum.services.verbs import Outcome
from locum.state import AutoScalingGroup, GroupInstance, Instance, ScalingActivity, State, put

_SESSION = "AutoScaling"
_GONE = "InvalidInstanceID.NotFound"
_AGAIN = 60.0  # seconds

Versions = dict[str, Mapping[str, Any] | Fault]
"""The `LaunchTemplateVersion`s of one round of launches, by their names in the group; or why there is none."""


class ScalingGroups:
    """Reconciles all groups of a plane."""

    def __init__(self, runtime: Runtime, calls: Calls) -> None:
        self._runtime = runtime
        self._calls = calls
        self._unable = False

    async def reconcile(self) -> float | None:
        """Act until no group has anything to do; when the next one has (epoch seconds), None where none will."""
        acted = True
        while acted:
            acted = self._unable = False
            for group in list(self._runtime.ledger.state.every(AutoScalingGroup)):
                acted = await self._advance(group) or acted
        state = self._runtime.ledger.state
        moment = self._moment(state)
        times = [time for group in state.every(AutoScalingGroup) if (time := due(moment, group)) is not None]
        return min([*times, moment.now + _AGAIN] if self._unable else times, default=None)

    async def _advance(self, group: AutoScalingGroup) -> bool:
        """Make the next steps of a group; whether there were any."""
        acted = False
        if progress(self._moment(self._runtime.ledger.state), group):
            await self._commit(group, progress)
            acted = True
        found = self._now(group)
        if found is None:
            return acted
        versions: Versions = {}
        for launch in found.launches:
            await self._launch(found, launch, versions)
        acted = await self._register(found) or acted
        ended = [await self._terminate(found, it) for it in to_terminate(found)]
        self._unable = self._unable or not all(ended)
        return acted or bool(found.launches) or any(ended)

    async def _launch(self, group: AutoScalingGroup, launch: str, versions: Versions) -> None:
        state = self._runtime.ledger.state
        activity = launch_of(self._moment(state), group, launch)
        if activity is None:  # it is nowhere to be told of
            await self._take(group, lambda _, it: Step(replace(it, launches=without(it.launches, launch))))
            return
        try:
            version = await self._version(group, versions)
            answer = await self._call(group, "RunInstances", launch_parameters(state, group, activity, version))
        except Fault as fault:
            text = _sentence(fault.message)
            await self._take(group, lambda moment, found: launch_failed(moment, found, _now(moment, activity), text))
            return
        made = answer["Instances"][0]
        member = _member(group, made, version, int(self._runtime.clock()))
        subnet = made.get("SubnetId") or activity.subnet
        await self._take(group, lambda moment, found: launched(moment, found, _now(moment, activity), member, subnet))

    async def _version(self, group: AutoScalingGroup, versions: Versions) -> Mapping[str, Any] | None:
        """The version of the launch template that `group` launches from now; None where it has a configuration."""
        template = template_of(self._runtime.ledger.state, group)
        if not template:
            return None
        number = template.get("Version") or "$Default"
        if number not in versions:
            params = {"LaunchTemplateId": template["LaunchTemplateId"], "Versions": [number]}
            try:
                answer = await self._call(group, "DescribeLaunchTemplateVersions", params)
                found = answer.get("LaunchTemplateVersions") or ()
                versions[number] = found[0] if found else Fault("InvalidLaunchTemplateId.VersionNotFound", _NO_VERSION)
            except Fault as fault:
                versions[number] = fault
        version = versions[number]
        if isinstance(version, Fault):
            raise version
        return version

    async def _register(self, group: AutoScalingGroup) -> bool:
        """Register and deregister instances with target groups; whether there was anything that could be done."""
        acted = False
        for it, arn, registers in to_register(group):
            params = {"TargetGroupArn": arn, "Targets": [{"Id": it.id}]}
            try:
                await self._call(group, "RegisterTargets" if registers else "DeregisterTargets", params, "elbv2")
            except Fault:
                if registers:
                    self._unable = True
                    continue  # what is not there needs no deregistration
            await self._take(group, _registered(it, arn, registers=registers))
            acted = True
        return acted

    async def _terminate(self, group: AutoScalingGroup, it: GroupInstance) -> bool:
        """Terminate an instance; whether it is gone. Its activity says why it is not, and it is tried again later."""
        found = self._runtime.ledger.state.get(Instance, group.account, it.id)
        if found is not None and found.state != "terminated":
            try:
                await self._call(group, "TerminateInstances", {"InstanceIds": [it.id]})
            except Fault as fault:
                if fault.code != _GONE:
                    await self._tell(group, it, _sentence(fault.message))
                    return False
        await self._take(group, lambda moment, group_now: terminated(moment, group_now, it_now(group_now, it)))
        return True

    async def _tell(self, group: AutoScalingGroup, it: GroupInstance, message: str) -> None:
        """Have the activity under way for an instance say what is wrong."""

        def events(moment: Moment, _group: AutoScalingGroup) -> tuple[Any, ...]:
            activity = activity_of(moment.state, group, it)
            told = "" if activity is None else activity.message
            return () if activity is None or told == message else (put(replace(activity, message=message[:255])),)

        await self._commit(group, events)

    async def _call(
        self, group: AutoScalingGroup, operation: str, params: Mapping[str, Any], service: str = "ec2"
    ) -> dict[str, Any]:
        """The answer of EC2, or another service, to a call in the group's role. Raises Fault."""
        role = ServiceRole(SERVICE, group.service_role, _SESSION, Source(group.account, group.arn))
        return await self._calls.make(ServiceCall(role, service, operation, params, group.region))

    async def _take(self, group: AutoScalingGroup, step: Callable[[Moment, AutoScalingGroup], Step]) -> None:
        """Commit a transition of `group`."""

        def events(moment: Moment, found: AutoScalingGroup) -> tuple[Any, ...]:
            changed, activities = step(moment, found)
            return (*(() if changed == found else (put(changed),)), *map(put, activities))

        await self._commit(group, events)

    async def _commit(
        self, group: AutoScalingGroup, events: Callable[[Moment, AutoScalingGroup], tuple[Any, ...]]
    ) -> None:
        def handler(state: State) -> Outcome:
            found = _same(state, group)
            return Outcome({}, () if found is None else events(self._moment(state), found))

        await self._runtime.ledger.transact(handler, lambda _outcome: ())

    def _now(self, group: AutoScalingGroup) -> AutoScalingGroup | None:
        return _same(self._runtime.ledger.state, group)

    def _moment(self, state: State) -> Moment:
        return Moment(state, self._runtime.clock(), self._runtime.entropy)


_NO_VERSION = "Could not find the specified version for the launch template."


def it_now(group: AutoScalingGroup, it: GroupInstance) -> GroupInstance:
    """`it` as `group` has it now; as it was where the group does not have it any more."""
    return next((member for member in group.members if member.id == it.id), it)


def _registered(it: GroupInstance, arn: str, *, registers: bool) -> Callable[[Moment, AutoScalingGroup], Step]:
    """The transition of an instance that was registered with a target group, or deregistered."""

    def step(_moment: Moment, group: AutoScalingGroup) -> Step:
        member = it_now(group, it)
        others = without(member.targets, arn)
        return Step(with_member(group, replace(member, targets=(*others, arn) if registers else others)))

    return step


def _same(state: State, group: AutoScalingGroup) -> AutoScalingGroup | None:
    """`group` as it is in `state`; None where it is gone, also where there is another of its name."""
    found = state.get(AutoScalingGroup, group.account, group.key)
    return found if found is not None and found.id == group.id else None


def _now(moment: Moment, activity: ScalingActivity) -> ScalingActivity:
    return moment.state.get(ScalingActivity, activity.account, activity.key) or activity


def _member(
    group: AutoScalingGroup, made: Mapping[str, Any], version: Mapping[str, Any] | None, now: int
) -> GroupInstance:
    template = {}
    if version is not None:
        template = {name: str(version[name]) for name in ("LaunchTemplateId", "LaunchTemplateName")}
        template["Version"] = str(version["VersionNumber"])
    return GroupInstance(
        id=made["InstanceId"],
        zone=made["Placement"]["AvailabilityZone"],
        type=made["InstanceType"],
        lifecycle="Pending",
        since=now,
        protected=group.protects_new,
        configuration="" if template else group.configuration,
        template=template,
        image=made.get("ImageId", ""),
    )


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
