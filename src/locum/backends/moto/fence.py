"""Refusal of calls by which moto would act in another service without authorization.

moto's services call the models of one another: its Firehose writes to any bucket, its CloudFormation creates functions
with any role. Such actions are neither authorized nor recorded. The deliveries of S3, SNS and EventBridge become calls
(`deliveries`); others that reach another account, pass a role, or read or write objects are refused here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from locum.backends.moto import attributes
from locum.backends.moto.s3 import not_implemented
from locum.backends.port import BackendCall
from locum.core.arn import Arn
from locum.core.errors import Fault

_REFUSED: Final[Mapping[str, frozenset[str]]] = {
    "dynamodb": frozenset({"ImportTable", "ExportTableToPointInTime"}),
    "firehose": frozenset({"PutRecord", "PutRecordBatch"}),
    "logs": frozenset({"CreateExportTask", "PutSubscriptionFilter", "PutAccountPolicy"}),
}
"""Operations that read or write objects of S3, or send to streams and functions, by service."""

NOT_IN_STACKS: Final = frozenset(
    {
        "AWS::CloudFormation::Stack",
        "AWS::Events::Rule",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Lambda::LayerVersion",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
    }
)
"""Resource types that moto's stacks cannot have, as they pass roles, grant access, or read objects."""


def check(call: BackendCall) -> None:
    """Raise Fault NotImplemented where moto would act in another service without authorization.

    Raises the service's own Fault for attributes that it does not have.
    """
    attributes.check(call)
    if call.operation in _REFUSED.get(call.service, ()):
        raise not_implemented(call)
    if call.service == "cloudformation" and ("TemplateURL" in call.params or "StackPolicyURL" in call.params):
        raise Fault(
            "NotImplemented",
            "The embedded backend takes a template and a stack policy in the call (TemplateBody, StackPolicyBody), "
            "and does not read them from S3.",
            501,
        )
    if call.service == "events" and any(account != call.account for account in _target_accounts(call.params)):
        raise Fault("NotImplemented", "The embedded backend sends no events to targets of other accounts.", 501)


def _target_accounts(params: Mapping[str, Any]) -> Iterator[str]:
    """The accounts of the targets in a call to EventBridge."""
    for target in params.get("Targets") or ():
        arn = Arn.find(target.get("Arn", "")) if isinstance(target, Mapping) else None
        if arn is not None:
            yield arn.account
