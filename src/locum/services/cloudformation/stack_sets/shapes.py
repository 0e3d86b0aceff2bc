"""Stack sets, their instances and their operations as the API shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.parameters import ParameterValue
from locum.services.cloudformation.proposals import parameters_of
from locum.services.cloudformation.sealing import HIDDEN, Seals
from locum.services.cloudformation.stack_sets.lookup import operations_of, results_of, set_of
from locum.state import StackInstance, StackSet, StackSetOperation, StackSetResult, State
from locum.state.stack_sets import SERVICE_MANAGED

_DETECTION: Final = {"RUNNING": "IN_PROGRESS", "QUEUED": "IN_PROGRESS", "STOPPING": "IN_PROGRESS"}
"""The status of an operation that is not over -> DriftDetectionStatus."""


def status_of(it: StackSet) -> str:
    """ACTIVE or DELETED."""
    return "DELETED" if it.deleted else "ACTIVE"


def _present(shown: Mapping[str, Any], optional: Mapping[str, Any]) -> dict[str, Any]:
    return {**shown, **{member: value for member, value in optional.items() if value}}


def _parameters(values: Mapping[str, ParameterValue]) -> list[dict[str, str]]:
    return [
        {"ParameterKey": name, "ParameterValue": HIDDEN if value.no_echo else value.value}
        for name, value in values.items()
    ]


def drift_of(state: State, it: StackSetOperation | None) -> dict[str, Any]:
    """`StackSetDriftDetectionDetails` of a drift detection; None where there was none."""
    if it is None:
        return {"DriftStatus": "NOT_CHECKED"}
    results = results_of(state, it)
    count = Counter(one.drift for one in results if one.status == "SUCCEEDED")
    failed = sum(1 for one in results if one.status == "FAILED")
    drifted, same = count["DRIFTED"], count["IN_SYNC"]
    ended = {"SUCCEEDED": "PARTIAL_SUCCESS" if failed else "COMPLETED"}.get(it.status, it.status)
    return {
        "DriftStatus": "DRIFTED" if drifted else "IN_SYNC" if same else "NOT_CHECKED",
        "DriftDetectionStatus": _DETECTION.get(it.status, ended),
        "LastDriftCheckTimestamp": it.ended or it.created,
        "TotalStackInstancesCount": len(results),
        "DriftedStackInstancesCount": drifted,
        "InSyncStackInstancesCount": same,
        "InProgressStackInstancesCount": sum(1 for one in results if one.status in ("PENDING", "RUNNING")),
        "FailedStackInstancesCount": failed,
    }


def _last_drift(state: State, of: StackSet) -> dict[str, Any]:
    """What the last drift detection of a set that is over found."""
    found = (it for it in operations_of(state, of) if it.action == "DETECT_DRIFT" and it.ended)
    return drift_of(state, next(found, None))


def stack_set(state: State, it: StackSet, text: str, seals: Seals) -> dict[str, Any]:
    """`StackSet` of DescribeStackSet; `text` is that of the template."""
    values = parameters_of(it.version, seals, it.account, it.id)
    shown = {
        **_summary(it),
        "StackSetARN": it.arn,
        "TemplateBody": text,
        "Parameters": _parameters(values),
        "Capabilities": list(it.version.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in it.version.tags.items()],
        "StackSetDriftDetectionDetails": _last_drift(state, it),
        "OrganizationalUnitIds": sorted(it.targets),
    }
    regions = sorted({region for found in it.targets.values() for region in found})
    return _present(
        shown, {"AdministrationRoleARN": it.administration, "ExecutionRoleName": it.execution, "Regions": regions}
    )


def stack_set_summary(state: State, it: StackSet) -> dict[str, Any]:
    """`StackSetSummary`."""
    last = _last_drift(state, it)
    told = {"LastDriftCheckTimestamp": last.get("LastDriftCheckTimestamp")}
    return _present({**_summary(it), "DriftStatus": last["DriftStatus"]}, told)


def _summary(it: StackSet) -> dict[str, Any]:
    shown = {
        "StackSetName": it.name,
        "StackSetId": it.full_name,
        "Status": status_of(it),
        "PermissionModel": it.model,
        "ManagedExecution": {"Active": it.managed},
    }
    automatic: dict[str, Any] = {}
    if it.model == SERVICE_MANAGED:
        automatic = {"Enabled": it.automatic.enabled}
        if it.automatic.enabled:
            automatic["RetainStacksOnAccountRemoval"] = it.automatic.retain
        if it.automatic.depends_on:
            automatic["DependsOn"] = list(it.automatic.depends_on)
    return _present(shown, {"Description": it.description, "AutoDeployment": automatic})


def instance_summary(of: StackSet, it: StackInstance) -> dict[str, Any]:
    """`StackInstanceSummary`."""
    shown = {
        "StackSetId": of.full_name,
        "Region": it.place,
        "Account": it.target,
        "Status": it.status,
        "StackInstanceStatus": {"DetailedStatus": it.detailed},
        "DriftStatus": it.drift or "NOT_CHECKED",
    }
    optional = {
        "StackId": it.stack,
        "StatusReason": it.reason,
        "OrganizationalUnitId": it.unit,
        "LastOperationId": it.operation,
        "LastDriftCheckTimestamp": it.drift_at,
    }
    return _present(shown, optional)


def instance(of: StackSet, it: StackInstance, seals: Seals) -> dict[str, Any]:
    """`StackInstance` of DescribeStackInstance."""
    values = parameters_of(of.version, seals, of.account, of.id)
    overrides: Mapping[str, str] = seals.open(of.account, of.id, it.overrides)
    shown = {
        name: ParameterValue(value, value, name not in values or values[name].no_echo)
        for name, value in overrides.items()
    }
    return {**instance_summary(of, it), "ParameterOverrides": _parameters(shown)}


def operation_summary(it: StackSetOperation) -> dict[str, Any]:
    """`StackSetOperationSummary`."""
    shown = {"OperationId": it.id, "Action": it.action, "Status": it.status, "CreationTimestamp": it.created}
    optional = {"EndTimestamp": it.ended, "StatusReason": it.reason, "OperationPreferences": it.preferences}
    return _present(shown, optional)


def operation(state: State, it: StackSetOperation) -> dict[str, Any]:
    """`StackSetOperation`."""
    of = set_of(state, it)
    assert of is not None
    failed = sum(1 for one in results_of(state, it) if one.status == "FAILED")
    shown = {
        **operation_summary(it),
        "StackSetId": of.full_name,
        "OperationPreferences": {"RegionOrder": [], **it.preferences},
        "StatusDetails": {"FailedStackInstancesCount": failed},
    }
    if it.action == "DELETE":
        shown["RetainStacks"] = it.retain
    if it.action == "DETECT_DRIFT":
        shown["StackSetDriftDetectionDetails"] = drift_of(state, it)
    optional = {
        "AdministrationRoleARN": it.administration,
        "ExecutionRoleName": it.execution,
        "DeploymentTargets": it.targets,
    }
    return _present(shown, optional)


def result(it: StackSetResult) -> dict[str, Any]:
    """`StackSetOperationResultSummary`."""
    shown: dict[str, Any] = {"Account": it.target, "Region": it.place, "Status": it.status}
    optional = {"StatusReason": it.reason, "OrganizationalUnitId": it.unit}
    if it.gate:
        shown["AccountGateResult"] = _present({"Status": it.gate}, {"StatusReason": it.gate_reason})
    return _present(shown, optional)
