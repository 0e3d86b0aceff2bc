"""The policies that are proposed in access previews, in the form in which their services would store them.

A proposed policy is judged as the call that would put it (`authz.resource_policies`), so that what can be previewed can
be deployed, and is analyzed as the analyzer would find it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum import policy
from locum.authz import resource_policies
from locum.core.arn import BUCKETS
from locum.core.calls import Call
from locum.core.errors import Fault, LocumError
from locum.core.principal import Caller, Principal
from locum.policy import MalformedPolicy, PolicyKind
from locum.services.iam import trust
from locum.state import State
from locum.state.analyzers import Analyzer


class InvalidConfiguration(LocumError):
    """What is proposed is nothing that a resource could have. The text says why, for people."""


class _Put(NamedTuple):
    """The call that puts a policy: the member that has it, within which structure, and what the call has besides."""

    service: str
    operation: str
    member: str
    within: str = ""
    besides: Mapping[str, Any] = {}

    def params(self, text: str, arn: str) -> dict[str, Any]:
        """The parameters that put the policy `text` of the resource `arn`."""
        placed: dict[str, Any] = {self.within: {self.member: text}} if self.within else {self.member: text}
        bucket = {"Bucket": arn.removeprefix(BUCKETS)} if self.service == "s3" else {}
        return {**placed, **bucket, **self.besides}

    def text(self, params: Mapping[str, Any]) -> str:
        """The policy in parameters."""
        return str((params[self.within] if self.within else params)[self.member])


_PUTS: Final[Mapping[str, _Put]] = {
    "dynamodbStream": _Put("dynamodb", "PutResourcePolicy", "Policy"),
    "dynamodbTable": _Put("dynamodb", "PutResourcePolicy", "Policy"),
    "ecrRepository": _Put("ecr", "SetRepositoryPolicy", "policyText"),
    "efsFileSystem": _Put("efs", "PutFileSystemPolicy", "Policy"),
    "kmsKey": _Put("kms", "PutKeyPolicy", "Policy", besides={"BypassPolicyLockoutSafetyCheck": True}),
    "s3Bucket": _Put("s3", "PutBucketPolicy", "Policy"),
    "secretsManagerSecret": _Put("secretsmanager", "PutResourcePolicy", "ResourcePolicy"),
    "snsTopic": _Put("sns", "SetTopicAttributes", "AttributeValue", besides={"AttributeName": "Policy"}),
    "sqsQueue": _Put("sqs", "SetQueueAttributes", "Policy", within="Attributes"),
}
"""The calls by the members of Configuration. Those of directory buckets are not judged further than by the parser."""


def stored(state: State, analyzer: Analyzer, member: str, arn: str, text: str, now: float) -> str:
    """The stored form of the policy `text` for the resource `arn`. Raises InvalidConfiguration."""
    try:
        if member == "iamRole":
            return trust.stored(state, text)
        if member not in _PUTS:
            policy.parse(text, PolicyKind.RESOURCE)
            return text
        put, caller = _PUTS[member], Caller(Principal.root(analyzer.account))
        call = Call(put.service, put.operation, put.params(text, arn), caller, analyzer.region, now)
        return put.text(resource_policies.admitted(state, call))
    except Fault as fault:
        raise InvalidConfiguration(fault.message) from fault
    except MalformedPolicy as error:
        raise InvalidConfiguration(error.message) from error
