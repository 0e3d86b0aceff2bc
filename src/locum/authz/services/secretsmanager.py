"""AWS Secrets Manager: batches of secrets."""

from __future__ import annotations

from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, as_values
from locum.authz.paths import scalar
from locum.core.errors import Fault
from locum.state import State


def _secrets_of_filters(state: State, call: Call) -> tuple[Check, ...]:
    """Refuse filters: only the backend knows their secrets, and each secret takes a permission of its own."""
    if call.params.get("Filters"):
        raise Fault("NotImplemented", "Filters are not implemented here: name the secrets in SecretIdList.", 501)
    return ()


def _kms_key_arn(state: State, call: Call, check: Check) -> list[str]:
    """secretsmanager:KmsKeyArn: the key in the request, where that has its ARN."""
    key = str(call.params.get("KmsKeyId", ""))
    return [key] if key.startswith("arn:") else []


def _modifies_rotation_rules(state: State, call: Call, check: Check) -> list[str]:
    return [scalar(bool(call.params.get("RotationRules")))]


def _recovery_window(state: State, call: Call, check: Check) -> list[str]:
    """secretsmanager:RecoveryWindowInDays: "If none of these two parameters are specified, [...] 30 days"."""
    forced = call.params.get("ForceDeleteWithoutRecovery")
    return as_values(call.params.get("RecoveryWindowInDays", None if forced else 30))


FUNCTIONS: Final = Functions(
    planners={"secrets_of_filters": _secrets_of_filters},
    keys={
        "kms_key_arn": _kms_key_arn,
        "modifies_rotation_rules": _modifies_rotation_rules,
        "recovery_window": _recovery_window,
    },
    # Service Authorization Reference: aws:ResourceTag for CreateSecret; IAM User Guide, "IAM tutorial; Define
    # permissions to access AWS resources based on tags": a secret is created under a condition on its tags.
    tagged_as_requested=frozenset({"secretsmanager:CreateSecret"}),
)
