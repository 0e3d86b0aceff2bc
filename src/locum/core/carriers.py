"""Carriers of roles other than EC2 instances: a task of ECS, a pod of EKS, a Lambda function.

    kind      the role is assumed by              for (aws:SourceArn)       the session is named
    ecs       ecs-tasks.amazonaws.com             the task                  after the task's id
    pod       pods.eks.amazonaws.com              the cluster               eks-CLUSTER-POD-UUID
    irsa      the pod, by AssumeRoleWithWebIdentity
    lambda    lambda.amazonaws.com                the function              after the function
    anywhere  rolesanywhere.amazonaws.com, for whoever has a certificate, by CreateSession

A carrier lives as long as its launcher, which describes it to every plane that it attaches to: no plane stores it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from locum.core.actors import ServiceRole
from locum.core.principal import Source

FOLDER: Final = "carriers"
"""The directory of the carriers' own directories, in the data directory."""

_ID: Final = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,252}")
_IN_SESSION_NAME: Final = 10
"""Characters of the cluster's and of the pod's name that a session name of 64 has room for beside a UUID."""

_POD_TAGS: Final = ("eks-cluster-arn", "eks-cluster-name", "kubernetes-namespace", "kubernetes-service-account",
                    "kubernetes-pod-name", "kubernetes-pod-uid")  # fmt: skip
"""EKS User Guide, "Grant pods access to AWS resources based on tags": "the session tags are transitive"."""


class Kind(StrEnum):
    """The kinds of carrier."""

    ECS = "ecs"
    POD = "pod"
    IRSA = "irsa"
    LAMBDA = "lambda"
    ANYWHERE = "anywhere"


SERVICES: Final = {
    Kind.ECS: "ecs-tasks.amazonaws.com",
    Kind.POD: "pods.eks.amazonaws.com",
    Kind.LAMBDA: "lambda.amazonaws.com",
}
"""The service principal that assumes the role of whom it started. Others call for their sessions themselves."""


class Token(NamedTuple):
    """A token of a pod: its file below /var/run/secrets, and its audience."""

    file: str
    audience: str


TOKENS: Final = {
    Kind.POD: Token("pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token", "pods.eks.amazonaws.com"),
    Kind.IRSA: Token("eks.amazonaws.com/serviceaccount/token", "sts.amazonaws.com"),
}
"""The tokens that EKS projects into pods."""

UNASSUMABLE: Final = {
    Kind.ECS: (
        "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role being "
        "passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this "
        "role."
    ),
    Kind.POD: "Unauthorized Exception! EKS does not have permissions to assume the associated role.",
    Kind.LAMBDA: "The role defined for the function cannot be assumed by Lambda.",
}
"""The errors where it may not. ECS Developer Guide, "Amazon ECS stopped tasks error messages"; EKS Auth; Lambda."""

_ISSUER: Final = re.compile(r"https://oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A carrier of the role with the ARN `role`.

    `id` is the task's (32 hexadecimal digits) or the pod's (a UUID); a Lambda function has one of its process. `name`
    is the function's or the pod's, `cluster` that of the task or the pod; `namespace` and `service_account` are the
    pod's. `issuer` (a URL) is that of its cluster; empty, where the plane is to say it. `secret` is what the task names
    its credentials by, a UUID. `authorization`, where it is not empty, has to come with every request for them.

    Raises ValueError where an id or a name cannot be one.
    """

    kind: Kind
    id: str
    account: str
    region: str
    role: str
    name: str
    cluster: str = "default"
    namespace: str = "default"
    service_account: str = "default"
    issuer: str = ""
    secret: str = ""
    authorization: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no id of a task or a pod")
        for name in (self.name, self.cluster, self.namespace, self.service_account, self.region):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name: letters, digits, '.', '_' and '-'")
        if self.issuer and not _ISSUER.fullmatch(self.issuer):
            raise ValueError(f"{self.issuer!r} is no issuer of a cluster of EKS")

    def __repr__(self) -> str:
        return f"Carrier({self.kind.value}, {self.id})"

    @property
    def arn(self) -> str:
        """The ARN of the task, the cluster of the pod, or the function."""
        place = f"{self.region}:{self.account}"
        if self.kind is Kind.ECS:
            return f"arn:aws:ecs:{place}:task/{self.cluster}/{self.id}"
        if self.kind is Kind.LAMBDA:
            return f"arn:aws:lambda:{place}:function:{self.name}"
        return f"arn:aws:eks:{place}:cluster/{self.cluster}"

    @property
    def subject(self) -> str:
        """The `sub` of the pod's tokens: its service account."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    @property
    def unassumable(self) -> str:
        """The service's text where it may not assume the role. Raises KeyError for those that no service starts."""
        return UNASSUMABLE[self.kind].format(self.role)

    @property
    def actor(self) -> ServiceRole:
        """The role as its service assumes it. Raises KeyError for those that no service starts."""
        source = Source(self.account, self.arn)
        return ServiceRole(SERVICES[self.kind], self.role, self._session_name, source, self._session_tags)

    @property
    def _session_name(self) -> str:
        if self.kind is Kind.ECS:
            return self.id
        if self.kind is Kind.LAMBDA:
            return self.name[:64].ljust(2, "-")
        return f"eks-{self.cluster[:_IN_SESSION_NAME]}-{self.name[:_IN_SESSION_NAME]}-{self.id}"

    @property
    def _session_tags(self) -> tuple[tuple[str, str], ...]:
        if self.kind is not Kind.POD:
            return ()
        values = (self.arn, self.cluster, self.namespace, self.service_account, self.name, self.id)
        return tuple(zip(_POD_TAGS, values, strict=True))
