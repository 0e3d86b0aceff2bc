"""Rolling updates: the instances of an Auto Scaling group that are not as the group is to launch them are replaced.

CloudFormation Template Reference, "UpdatePolicy attribute". The texts of the events and how many instances there are
meanwhile are as AWS's recorded events have them. What was begun is kept (`Notes`), and goes on after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import (
    Ending,
    Made,
    Notes,
    Pause,
    Properties,
    Request,
    Resource,
    Signals,
    Tell,
    Work,
)
from locum.services.cloudformation.providers.steps import Steps, listed, truth
from locum.services.cloudformation.signals import duration_of

_SERVICE: Final = "autoscaling"
_SECONDS: Final = 0.5
_ATTEMPTS: Final = 3600
"""Looks at a group that is not what it is to be, until it is given up."""

_LONGEST_PAUSE: Final = 3600
"""Seconds. "The maximum PauseTime is one hour"."""

_SIZES: Final = ("MinSize", "MaxSize", "DesiredCapacity")
_LAUNCHED: Final = ("LaunchConfigurationName", "LaunchTemplate", "MixedInstancesPolicy", "VPCZoneIdentifier")
"""The properties whose change makes instances obsolete."""


class Rolling(NamedTuple):
    """An AutoScalingRollingUpdate. `pause` is what its PauseTime says, in `seconds`."""

    batch: int
    least: int
    percent: int
    pause: str
    seconds: int
    signals: bool
    suspended: tuple[str, ...]


def rolling_of(resource: Resource) -> Rolling | None:
    """The rolling update that the update policy of a group asks for. Raises Fault."""
    declared = resource.update_policy.get("AutoScalingRollingUpdate")
    if not isinstance(declared, Mapping):
        return None
    signals = truth(declared.get("WaitOnResourceSignals"))
    pause = str(declared.get("PauseTime", "PT5M" if signals else "PT0S"))
    seconds = duration_of(pause)
    if seconds is None or seconds > _LONGEST_PAUSE:
        raise _refusal("PauseTime must be an ISO 8601 duration, PT#H#M#S, of one hour at most")
    found = Rolling(
        batch=_number(declared, "MaxBatchSize", 1),
        least=_number(declared, "MinInstancesInService", 0),
        percent=_number(declared, "MinSuccessfulInstancesPercent", 100),
        pause=pause,
        seconds=seconds,
        signals=signals,
        suspended=tuple(str(name) for name in listed(declared.get("SuspendProcesses"))),
    )
    if found.batch < 1 or found.percent > 100:
        raise _refusal("MaxBatchSize must be 1 at least, and MinSuccessfulInstancesPercent 100 at most")
    if found.least >= int(resource.properties.get("MaxSize", 0)):
        raise _refusal("MinInstancesInService must be less than the autoscaling group's MaxSize")
    return found


def will_replace(update_policy: Mapping[str, Any], changed: Iterable[str]) -> bool:
    """Whether an update policy has another group made, as `changed` properties are those of its instances."""
    replacing = update_policy.get("AutoScalingReplacingUpdate")
    return isinstance(replacing, Mapping) and truth(replacing.get("WillReplace")) and bool({*changed} & {*_LAUNCHED})


def sizes_left(resource: Resource, before: Properties) -> frozenset[str]:
    """The sizes of a group that an update leaves as they are: they are those before, and the update policy says so."""
    scheduled = resource.update_policy.get("AutoScalingScheduledAction")
    if not isinstance(scheduled, Mapping) or not truth(scheduled.get("IgnoreUnmodifiedGroupSizeProperties")):
        return frozenset()
    return frozenset(name for name in _SIZES if resource.properties.get(name) == before.get(name))


def rehearsal(resource: Resource) -> Ending:
    """A call of each kind that the rolling update of a group makes, if it has one, on the group. Raises Fault.

    Instances are not known before: who may terminate one is who may terminate any of the group.
    """
    rolling = rolling_of(resource)
    if rolling is None:
        return
    named = {"AutoScalingGroupName": resource.physical}
    processes = {**named, "ScalingProcesses": list(rolling.suspended)}
    if rolling.suspended:
        yield Request(_SERVICE, "SuspendProcesses", processes)
    yield Request(_SERVICE, "DescribeAutoScalingGroups", {"AutoScalingGroupNames": [resource.physical]})
    yield Request("ec2", "DescribeInstances", {})
    yield Request("ec2", "DescribeLaunchTemplateVersions", {})
    yield Request(_SERVICE, "UpdateAutoScalingGroup", {**named, "MinSize": rolling.least})
    yield Request(_SERVICE, "TerminateInstanceInAutoScalingGroup", {**named, "ShouldDecrementDesiredCapacity": False})
    if rolling.suspended:
        yield Request(_SERVICE, "ResumeProcesses", processes)


def rolled(resource: Resource, rolling: Rolling, before: Properties, settings: Work) -> Work:
    """A group after the update `settings`, whose instances that are obsolete then are replaced. Raises Fault."""
    kept = dict((yield Notes())["Notes"])
    if not kept:
        group = yield from _group(resource)
        already = {it["ProcessName"] for it in group.get("SuspendedProcesses") or ()}
        kept["suspended"] = [name for name in rolling.suspended if name not in already]
        kept["known"] = [it["InstanceId"] for it in group["Instances"]]
        yield Notes(kept)
    roll = _Roll(resource, rolling, kept)
    try:
        yield from roll.suspend()
        made = Made(resource.physical, resource.attributes) if "obsolete" in kept else (yield from settings)
        yield from roll.all(before)
    except Fault:
        with suppress(Fault):
            yield from roll.ended()
        raise
    yield from roll.ended()
    return made


class _Roll:
    """A rolling update under way. `kept` is what is remembered of it over a restart:

    the processes that it `suspended`, the instances `known` to be in service or awaited already, those that are
    `obsolete`, the sizes of the group to come back to (`least`, `desired`), the number of signals `expected` in all and
    of those that `failed`; whether it is `begun`, and whether the `last` round is.
    """

    def __init__(self, resource: Resource, rolling: Rolling, kept: dict[str, Any]) -> None:
        self._resource = resource
        self._rolling = rolling
        self._kept = kept
        self._named = {"AutoScalingGroupName": resource.physical}

    def all(self, before: Properties) -> Ending:
        """Replace all instances that are obsolete."""
        if "obsolete" not in self._kept:
            yield from self._find(before)
        if not self._kept["obsolete"]:
            return
        batch = yield from self._begin()
        while left := self._left((yield from _group(self._resource))):
            yield from self._replace(left[:batch], last=len(left) <= batch)
        yield from self._arrivals()

    def suspend(self) -> Ending:
        """Suspend the processes that are not to run meanwhile."""
        if names := self._kept["suspended"]:
            yield Request(_SERVICE, "SuspendProcesses", {**self._named, "ScalingProcesses": names})

    def ended(self) -> Ending:
        """Let the processes run that were suspended, and give the group the size that it had."""
        if self._kept.get("begun"):
            group = yield from _group(self._resource)
            if group["MinSize"] != self._kept["least"]:
                yield from self._sized(MinSize=self._kept["least"])
        if names := self._kept["suspended"]:
            yield Request(_SERVICE, "ResumeProcesses", {**self._named, "ScalingProcesses": names})

    # -- the steps ---------------------------------------------------------------------------------------

    def _find(self, before: Properties) -> Ending:
        """Find what is obsolete, once the group is as it is to be."""
        group = yield from _group(self._resource)
        subnets: set[str] | None = None
        if self._resource.properties.get("VPCZoneIdentifier") != before.get("VPCZoneIdentifier"):
            subnets = set(listed(self._resource.properties.get("VPCZoneIdentifier")))
        places = (yield from _places(group)) if subnets else {}
        same = yield from _versions_alike(group)
        obsolete = [
            it["InstanceId"]
            for it in group["Instances"]
            if not _is_as_launched(it, group, same) or (subnets and places.get(it["InstanceId"]) not in subnets)
        ]
        good = sum(it["InstanceId"] not in obsolete for it in group["Instances"] if it["InstanceId"] in self._known)
        self._kept |= {"obsolete": obsolete, "least": group["MinSize"], "desired": group["DesiredCapacity"]}
        yield from self._keep(expected=max(group["DesiredCapacity"] - good, 0), failed=0)

    def _begin(self) -> Steps[int]:
        """Tell of the update and make room for it; the number of instances to replace at once."""
        rolling, obsolete, desired = self._rolling, self._kept["obsolete"], int(self._kept["desired"])
        yield from self._arrivals()
        most = int((yield from _group(self._resource))["MaxSize"])
        batch = min(len(obsolete), rolling.batch, most - rolling.least)
        size = max(desired, rolling.least + batch)
        if not self._kept.get("begun"):
            keeping = f", while keeping at least {rolling.least} instance(s) in service" if rolling.least else ""
            told = f"Rolling update initiated. Terminating {len(obsolete)} obsolete instance(s) in batches of {batch}"
            yield Tell(f"{told}{keeping}.{self._announcement()}")
            yield from self._keep(begun=True)
        group = yield from _group(self._resource)
        if not self._kept.get("last") and (group["MinSize"], group["DesiredCapacity"]) != (size, size):
            yield Tell(f"Temporarily setting autoscaling group MinSize and DesiredCapacity to {size}.")
            yield from self._sized(MinSize=size, DesiredCapacity=size)
        yield from self._arrivals()
        return batch

    def _announcement(self) -> str:
        added = "when new instances are added to the autoscaling group."
        if self._rolling.signals:
            return f" Waiting on resource signals with a timeout of {self._rolling.pause} {added}"
        return f" Pausing for {self._rolling.pause} {added}" if self._rolling.seconds else ""

    def _replace(self, leaving: list[str], *, last: bool) -> Ending:
        """Replace some instances. In the last round the group comes back to its size."""
        group = yield from _group(self._resource)
        desired, size = int(self._kept["desired"]), int(group["DesiredCapacity"])
        surplus = size - desired if last else 0
        names = f"[{','.join(leaving)}]"
        new = max(len(leaving) - surplus, 0)
        yield Tell(f"Terminating instance(s) {names}; replacing with {new} new instance(s).")
        if last:
            yield from self._keep(last=True)
            yield from self._sized(MinSize=self._kept["least"])
        for number, name in enumerate(leaving):
            given = {"InstanceId": name, "ShouldDecrementDesiredCapacity": number < surplus}
            yield Request(_SERVICE, "TerminateInstanceInAutoScalingGroup", given)
        if surplus > len(leaving):
            yield from self._sized(DesiredCapacity=desired)
        yield from self._until(lambda there: not {*leaving} & {it["InstanceId"] for it in there["Instances"]})
        obsolete = self._kept["obsolete"]
        done = 100 - 100 * len(self._left((yield from _group(self._resource)))) // len(obsolete)
        yield Tell(f"Successfully terminated instance(s) {names} (Progress {done}%).")
        yield from self._arrivals()

    def _arrivals(self) -> Ending:
        """Wait until the group has as many instances as it is to have, and for those that are new. Raises Fault."""
        rolling = self._rolling
        group = yield from self._until(_is_settled)
        new = [it["InstanceId"] for it in group["Instances"]]
        new = [name for name in new if name not in self._known and name not in self._kept["obsolete"]]
        if not new:
            return
        if rolling.seconds and self._kept.get("waiting") != new:
            doing = f"Waiting on {len(new)} resource signal(s) with a timeout of" if rolling.signals else "Pausing for"
            yield Tell(f"New instance(s) added to autoscaling group - {doing} {rolling.pause}.")
            yield from self._keep(waiting=new)
        ids = tuple(new) if rolling.signals else ()
        received: Mapping[str, str] = {}
        if rolling.seconds:
            received = (yield Signals(ids, rolling.seconds, new[0]))["Received"]
        missing = [name for name in ids if name not in received]
        if missing:
            told = f"Failed to receive {len(missing)} resource signal(s) for the current batch."
            yield Tell(f"{told}  Each resource signal timeout is counted as a FAILURE.")
        failed = self._kept["failed"] + sum(received.get(name) != "SUCCESS" for name in ids)
        yield from self._keep(known=[*self._known, *new], failed=failed)
        self._check()

    def _check(self) -> None:
        """Check that enough instances are, or may still be, of success. Raises Fault."""
        expected, failed, percent = self._kept["expected"], self._kept["failed"], self._rolling.percent
        if failed and (expected - failed) * 100 < percent * expected:
            arrived = len([name for name in self._known if name not in self._kept["obsolete"]])
            told = f"Received {max(arrived - failed, 0)} SUCCESS signal(s) out of {expected}."
            raise _refusal(f"{told}  Unable to satisfy {percent}% MinSuccessfulInstancesPercent requirement")

    # -- the parts ---------------------------------------------------------------------------------------

    @property
    def _known(self) -> list[str]:
        found: list[str] = self._kept["known"]
        return found

    def _left(self, group: Mapping[str, Any]) -> list[str]:
        """The obsolete instances that are there."""
        there = {it["InstanceId"] for it in group["Instances"]}
        return [name for name in self._kept["obsolete"] if name in there]

    def _keep(self, **values: Any) -> Ending:
        self._kept |= values
        yield Notes(dict(self._kept))

    def _sized(self, **sizes: int) -> Ending:
        yield Request(_SERVICE, "UpdateAutoScalingGroup", {**self._named, **sizes})

    def _until(self, reached: Callable[[Mapping[str, Any]], bool]) -> Steps[Mapping[str, Any]]:
        for _ in range(_ATTEMPTS):
            group = yield from _group(self._resource)
            if reached(group):
                return group
            yield Pause(_SECONDS)
        raise Fault("NotStabilized", "Group did not stabilize.")


def _is_settled(group: Mapping[str, Any]) -> bool:
    """Whether a group has as many instances in service as it is to have, and none comes or goes."""
    states = [it["LifecycleState"] for it in group["Instances"]]
    going = [state for state in states if state.startswith(("Pending", "Terminating"))]
    return not going and states.count("InService") >= group["DesiredCapacity"]


def _template(group: Mapping[str, Any]) -> Mapping[str, Any]:
    """The launch template of a group, of which it launches a version."""
    mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {}).get("LaunchTemplateSpecification", {})
    found: Mapping[str, Any] = group.get("LaunchTemplate") or mixed
    return found


def _is_as_launched(it: Mapping[str, Any], group: Mapping[str, Any], versions: frozenset[str]) -> bool:
    """Whether an instance is what the group launches: it has one of these `versions`, if they are known."""
    if "LaunchConfigurationName" in group:
        return bool(it.get("LaunchConfigurationName") == group["LaunchConfigurationName"])
    wanted, has = _template(group), it.get("LaunchTemplate") or {}
    names = [name for name in ("LaunchTemplateId", "LaunchTemplateName") if name in wanted]
    if any(name in has and has[name] != wanted[name] for name in names) or not has:
        return False
    return not versions or str(has.get("Version")) in versions


def _versions_alike(group: Mapping[str, Any]) -> Steps[frozenset[str]]:
    """The versions of a group's launch template that are the same as the one that it launches.

    A rollback makes another version that is like the former one: what has that is not obsolete. Empty where the group
    launches a version like `$Latest`, which says nothing of an instance.
    """
    wanted = _template(group)
    version = str(wanted.get("Version", "$Default"))
    if version.startswith("$"):
        return frozenset()
    has = {str((it.get("LaunchTemplate") or {}).get("Version", version)) for it in group["Instances"]}
    if has <= {version}:
        return frozenset({version})
    named = {name: wanted[name] for name in ("LaunchTemplateId", "LaunchTemplateName") if name in wanted}
    if "LaunchTemplateId" in named:
        named.pop("LaunchTemplateName", None)
    try:
        answer = yield Request("ec2", "DescribeLaunchTemplateVersions", {**named, "Versions": sorted({version, *has})})
    except Fault:  # they cannot be compared
        return frozenset({version})
    data = {str(it["VersionNumber"]): it["LaunchTemplateData"] for it in answer["LaunchTemplateVersions"]}
    return frozenset(name for name in {version, *data} if data.get(name) == data.get(version))


def _group(resource: Resource) -> Steps[Mapping[str, Any]]:
    """The group as it is. Raises Fault where it is gone."""
    named = {"AutoScalingGroupNames": [resource.physical]}
    found = (yield Request(_SERVICE, "DescribeAutoScalingGroups", named))["AutoScalingGroups"]
    if not found:
        raise Fault("NotFound", f"AutoScalingGroup {resource.physical} not found", 404)
    group: Mapping[str, Any] = found[0]
    return {**group, "Instances": group.get("Instances") or []}


def _places(group: Mapping[str, Any]) -> Steps[dict[str, str]]:
    """The subnets of the instances of a group."""
    ids = [it["InstanceId"] for it in group["Instances"]]
    if not ids:
        return {}
    answer = yield Request("ec2", "DescribeInstances", {"InstanceIds": ids})
    found = [it for reservation in answer["Reservations"] for it in reservation["Instances"]]
    return {it["InstanceId"]: it.get("SubnetId", "") for it in found}


def _number(declared: Mapping[str, Any], name: str, default: int) -> int:
    text = str(declared.get(name, default))
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _refusal(f"{name} must be a number")
    return int(text)


def _refusal(message: str) -> Fault:
    return Fault("InvalidRequest", message, 400)
