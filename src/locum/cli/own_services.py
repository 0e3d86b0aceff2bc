"""The services that Locum is itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from locum.calls import OwnService
from locum.services import iam, sts
from locum.services.late import LateOperations


def own_services() -> dict[str, OwnService]:
    """All of them, by botocore's names. The operations of most are loaded with their first call."""

    def always(_operation: str, _params: Mapping[str, Any]) -> bool:
        return True

    def of_ec2(operation: str, params: Mapping[str, Any]) -> bool:
        owns: bool = import_module("locum.services.ec2").owns(operation, params)  # late, as its operations are
        return owns

    return {
        "iam": OwnService(iam.OPERATIONS, always),
        "sts": OwnService(sts.OPERATIONS, always),
        "organizations": OwnService(LateOperations("organizations"), always),
        "ec2": OwnService(LateOperations("ec2"), of_ec2, backed=True),
        "autoscaling": OwnService(LateOperations("autoscaling"), always, backed=False),
        "ssm": OwnService(LateOperations("ssm"), always, backed=True),
        "cloudformation": OwnService(LateOperations("cloudformation"), always, backed=False),
        "cloudcontrol": OwnService(LateOperations("cloudcontrol"), always, backed=False),
        "cloudtrail": OwnService(LateOperations("cloudtrail"), always, backed=True),
        "accessanalyzer": OwnService(LateOperations("accessanalyzer"), always, backed=False),
        "rolesanywhere": OwnService(LateOperations("rolesanywhere"), always, backed=False),
    }
