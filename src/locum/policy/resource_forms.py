"""Validation of Resource values as IAM does it, recorded from CreatePolicy, PutRolePolicy ...

IAM completes an ARN with `*`, and replaces the text before the first colon by `arn`, before it checks the rest.
"""

from __future__ import annotations

import re
from typing import Final

from locum.policy.patterns import arn_fields, scan

VENDOR_PATTERN: Final = "Resource vendor must be fully qualified and cannot contain regexes."
IAM_PATHS: Final = (
    'IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, '
    "instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, "
    "access-report/."
)

_PARTITION: Final = re.compile(r"aws(-[a-z]+)*|[*?]|aws[*?-][a-z*?-]*")
# "Cannot contain regexes" is IAM's only rule for the vendor of a resource: it accepts `test%3Aencoded`.
_RESOURCE_VENDOR: Final = re.compile(r"[^*?$]+")
_COLON: Final = re.compile(r":(?![^${}]*\})")
_FIELDS: Final = 6
# What IAM's first parser takes for a region and for an account, in which policy variables may stand.
_VARIABLE: Final = r"\$\{[a-z0-9.-]+:[^:{}]+\}"
_REGION: Final = re.compile(rf"([a-z0-9*?]|-(?!-)|{_VARIABLE})*")
_ACCOUNT: Final = re.compile(rf"([a-z0-9*?-]|{_VARIABLE})*")

# The paths of `IAM_PATHS`, and those that IAM has added since.
_IAM_RESOURCE: Final = re.compile(
    r"\*|root|(user|federated-user|role|group|instance-profile|mfa|server-certificate|policy|sms-mfa|saml-provider"
    r"|oidc-provider|report|access-report|delegation-request|role-template)/.*",
    re.DOTALL,
)


def not_an_arn(resource: str) -> str:
    """IAM's message for a resource that is not an ARN."""
    return f'Resource {resource} must be in ARN format or "*".'


def fails_legacy_parsing(resource: str) -> bool:
    """Whether IAM's first parser fails on `resource`.

    It has no vendor, is incomplete and has an empty field, or its region or account cannot be one.
    """
    fields = resource.split(":")
    if fields[0] != "arn" or len(fields) < 3 or not _PARTITION.fullmatch(fields[1]):
        return False
    if not fields[2] or (len(fields) < _FIELDS and "" in fields):
        return True
    fields = _COLON.split(resource, _FIELDS - 1)
    return len(fields) == _FIELDS and not (_REGION.fullmatch(fields[3]) and _ACCOUNT.fullmatch(fields[4]))


def resource_fault(resource: str, *, completes: bool, variables: bool) -> str:
    """IAM's error message for `resource`, which is not `*`; empty where it is valid.

    `completes`: an ARN may have less than six fields. `variables`: `${...}` is a variable and not literal text.
    """
    count = len(arn_fields(scan(resource, variables=variables)))
    fields = _COLON.split(resource, _FIELDS - 1) if variables else resource.split(":", _FIELDS - 1)
    if count == 1 or (count < _FIELDS and not completes):
        return not_an_arn(resource)
    whole = ["arn", *fields[1:], *["*"] * (_FIELDS - len(fields))]
    if not _PARTITION.fullmatch(whole[1]):
        return f'Partition "{whole[1]}" is not valid for resource "{":".join(whole)}".'
    if fields[0] != "arn":
        return not_an_arn(resource)
    if not _RESOURCE_VENDOR.fullmatch(whole[2]):
        return VENDOR_PATTERN
    return _fault_of_service(resource, *whole[2:])


def _fault_of_service(resource: str, vendor: str, region: str, account: str, rest: str) -> str:
    if vendor == "iam":
        if region not in ("", "*"):
            return f"IAM resource {resource} cannot contain region information."
        return "" if _IAM_RESOURCE.fullmatch(rest) else IAM_PATHS
    # The ARNs of access points and jobs have region and account, those of buckets and objects neither.
    if vendor == "s3" and region and not account:
        return f"Resource {resource} can not contain region information."
    return ""
