"""The grammar of the policy language: versions, elements, principal types, condition operators, kinds of policies.

IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM JSON policy elements reference".
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

CURRENT_VERSION: Final = "2012-10-17"
FIRST_VERSION: Final = "2008-10-17"
"""The version of a document without one. In it `${...}` is literal text (SEMANTICS 35)."""

VERSIONS: Final = frozenset({CURRENT_VERSION, FIRST_VERSION})

DOCUMENT_FIELDS: Final = frozenset({"Version", "Id", "Statement"})
STATEMENT_FIELDS: Final = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)

# <principal_map> = { <principal_map_entry>, ... }
PRINCIPAL_TYPES: Final = frozenset({"AWS", "Federated", "Service", "CanonicalUser"})


class PolicyKind(StrEnum):
    """The use of a policy document. It decides which elements are required and which are forbidden."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"
    SESSION = "session"
    BOUNDARY = "boundary"
    SCP = "scp"
    RCP = "rcp"


class Rules(NamedTuple):
    """The rules for the statements of one kind of policy.

    `principal` and `resource`: True required, False forbidden, None either. `completes`: an ARN with fewer than six
    fields is completed with `*`. `only_denies`: RCPs, whose one Principal is `*`. `legacy`: errors are those of IAM's
    first parser, whose texts are less specific (CreatePolicy, PutRolePolicy ...); trust and resource policies go
    through the second.
    """

    principal: bool
    resource: bool | None
    not_principal: bool = False
    completes: bool = False
    only_denies: bool = False
    legacy: bool = False


# "If you specify an incomplete ARN (one with fewer than the standard six fields) in an identity-based policy,
# AWS automatically completes the ARN by adding wildcard characters (*) to all missing fields." (Resource element)
# "Session policies ... do not support incomplete ARNs." A boundary is a managed policy, an SCP is written alike.
RULES: Final[dict[PolicyKind, Rules]] = {
    PolicyKind.IDENTITY: Rules(principal=False, resource=True, completes=True, legacy=True),
    PolicyKind.BOUNDARY: Rules(principal=False, resource=True, completes=True, legacy=True),
    PolicyKind.SESSION: Rules(principal=False, resource=True, legacy=True),
    PolicyKind.SCP: Rules(principal=False, resource=True, completes=True, legacy=True),
    PolicyKind.RCP: Rules(principal=True, resource=True, only_denies=True),
    PolicyKind.RESOURCE: Rules(principal=True, resource=True, not_principal=True),
    PolicyKind.TRUST: Rules(principal=True, resource=False),
}


class Source(NamedTuple):
    """The origin of a policy, for explanations.

    `name` is for people (`inline policy "s3-read" of role app`); `arn` is that of the managed policy, the bucket, the
    key ..., or empty.
    """

    kind: PolicyKind
    name: str = ""
    arn: str = ""


class Quantifier(StrEnum):
    """A set operator. IAM User Guide, "Set operators for multivalued context keys"."""

    NONE = ""
    ALL = "ForAllValues:"
    ANY = "ForAnyValue:"


class Operator(NamedTuple):
    """A condition operator in its parts, such as `ForAllValues:StringNotLikeIfExists`."""

    quantifier: Quantifier
    family: str
    comparison: str
    negated: bool
    if_exists: bool


# name -> (family, comparison, negated). IAM User Guide, "IAM JSON policy elements: Condition operators".
OPERATORS: Final[dict[str, tuple[str, str, bool]]] = {
    "StringEquals": ("String", "equals", False),
    "StringNotEquals": ("String", "equals", True),
    "StringEqualsIgnoreCase": ("String", "equals-ignore-case", False),
    "StringNotEqualsIgnoreCase": ("String", "equals-ignore-case", True),
    "StringLike": ("String", "like", False),
    "StringNotLike": ("String", "like", True),
    "NumericEquals": ("Numeric", "==", False),
    "NumericNotEquals": ("Numeric", "==", True),
    "NumericLessThan": ("Numeric", "<", False),
    "NumericLessThanEquals": ("Numeric", "<=", False),
    "NumericGreaterThan": ("Numeric", ">", False),
    "NumericGreaterThanEquals": ("Numeric", ">=", False),
    "DateEquals": ("Date", "==", False),
    "DateNotEquals": ("Date", "==", True),
    "DateLessThan": ("Date", "<", False),
    "DateLessThanEquals": ("Date", "<=", False),
    "DateGreaterThan": ("Date", ">", False),
    "DateGreaterThanEquals": ("Date", ">=", False),
    "Bool": ("Bool", "equals", False),
    "BinaryEquals": ("Binary", "equals", False),
    "IpAddress": ("Ip", "within", False),
    "NotIpAddress": ("Ip", "within", True),
    # "ArnEquals and ArnLike behave identically."
    "ArnEquals": ("Arn", "like", False),
    "ArnLike": ("Arn", "like", False),
    "ArnNotEquals": ("Arn", "like", True),
    "ArnNotLike": ("Arn", "like", True),
    "Null": ("Null", "absent", False),
}


def operator(name: str) -> Operator | None:
    """The operator called `name`, or None where it does not exist.

    "You can add IfExists to the end of any condition operator name except the Null condition."
    """
    quantifier = next((q for q in (Quantifier.ALL, Quantifier.ANY) if name.startswith(q)), Quantifier.NONE)
    base = name[len(quantifier) :]
    known = OPERATORS.get(base)
    if known is not None:
        return Operator(quantifier, *known, if_exists=False)
    known = OPERATORS.get(base.removesuffix("IfExists"))
    if known is None or known[0] == "Null":
        return None
    return Operator(quantifier, *known, if_exists=True)


# 12 digits, or the account's root ARN: the two spellings of "the whole account" (SEMANTICS 10).
ACCOUNT: Final = re.compile(r"[0-9]{12}")
ROOT_ARN: Final = re.compile(r"arn:(aws[a-z-]*):iam::([0-9]{12}):root")
# What IAM stores in place of the ARN of a user or role (SEMANTICS 12), and the unique ids of S3's origin access.
UNIQUE_ID: Final = re.compile(r"(AIDA|AROA)[A-Z0-9]{4,124}")
IAM_PRINCIPAL: Final = re.compile(
    r"arn:aws[a-z-]*:(iam::[0-9]{12}:(user|role)/[^*?]+"
    r"|iam::cloudfront:user/[^*?]+"
    r"|sts::[0-9]{12}:(assumed-role/[^*?/]+/[^*?]+|federated-user/[^*?]+))"
)
SERVICE_PRINCIPAL: Final = re.compile(r"[a-z0-9][a-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)")


def significant_length(text: str) -> int:
    """The size of a policy as IAM counts it: its characters without white space.

    IAM User Guide, "IAM and AWS STS quotas": "IAM doesn't count white space when calculating the size of a
    policy". Session policies are limited to 2,048 characters as sent.
    """
    return sum(len(part) for part in text.split())
