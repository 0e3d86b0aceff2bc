"""The global condition keys, which requests to every service may have.

IAM User Guide, "AWS global condition context keys": the keys, their data types and value types. Keys with a tag key in
their name end with a slash here.
"""

from __future__ import annotations

from typing import Final

from locum.lint.catalogue import ConditionKey

_PLAIN: Final = (
    # Properties of the principal
    ("aws:PrincipalArn", "ARN"),
    ("aws:PrincipalAccount", "String"),
    ("aws:PrincipalOrgID", "String"),
    ("aws:PrincipalOrgMasterAccountId", "String"),
    ("aws:PrincipalTag/", "String"),
    ("aws:PrincipalIsAWSService", "Bool"),
    ("aws:PrincipalServiceName", "String"),
    ("aws:PrincipalType", "String"),
    ("aws:userid", "String"),
    ("aws:username", "String"),
    # Properties of a role session
    ("aws:AssumedRoot", "Bool"),
    ("aws:FederatedProvider", "String"),
    ("aws:TokenIssueTime", "Date"),
    ("aws:SignInSessionArn", "ARN"),
    ("aws:MultiFactorAuthAge", "Numeric"),
    ("aws:MultiFactorAuthPresent", "Bool"),
    ("aws:ChatbotSourceArn", "ARN"),
    ("aws:Ec2InstanceSourceVpc", "String"),
    ("aws:Ec2InstanceSourcePrivateIPv4", "IPAddress"),
    ("aws:SourceIdentity", "String"),
    # Properties of the network
    ("aws:SourceIp", "IPAddress"),
    ("aws:SourceVpc", "String"),
    ("aws:SourceVpcArn", "ARN"),
    ("aws:SourceVpce", "String"),
    ("aws:VpceAccount", "String"),
    ("aws:VpceOrgID", "String"),
    ("aws:VpcSourceIp", "IPAddress"),
    # Properties of the resource
    ("aws:ResourceAccount", "String"),
    ("aws:ResourceOrgID", "String"),
    ("aws:ResourceTag/", "String"),
    # Properties of the request
    ("aws:CalledViaFirst", "String"),
    ("aws:CalledViaLast", "String"),
    ("aws:CalledViaAWSMCP", "String"),
    ("aws:ViaAWSService", "Bool"),
    ("aws:ViaAWSMCPService", "Bool"),
    ("aws:IsMcpServiceAction", "Bool"),
    ("aws:CurrentTime", "Date"),
    ("aws:EpochTime", "Date"),
    ("aws:referer", "String"),
    ("aws:RequestedRegion", "String"),
    ("aws:RequestTag/", "String"),
    ("aws:SecureTransport", "Bool"),
    ("aws:SourceAccount", "String"),
    ("aws:SourceArn", "ARN"),
    ("aws:SourceOrgID", "String"),
    ("aws:SourceOwner", "String"),
    ("aws:UserAgent", "String"),
)
_MULTIVALUED: Final = (
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "aws:VpceOrgPaths",
)

GLOBAL: Final[dict[str, ConditionKey]] = {name.lower(): ConditionKey(name, kind) for name, kind in _PLAIN} | {
    name.lower(): ConditionKey(name, "String", multivalued=True) for name in _MULTIVALUED
}

OLD_ARN_KEY: Final = "aws:arn"
"""The former name of `aws:PrincipalArn`."""

# "The use of wildcards in these condition keys does not have any valid use cases."
SENSITIVE: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:resourceaccount",
        "aws:resourceorgid",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
    }
)

# The keys that restrict on whose behalf a service calls.
SOURCES: Final = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths"})

# "This key should be used carefully. ... unauthorized parties can use modified or custom browsers to provide any"
# value (aws:referer, aws:UserAgent).
SPOOFABLE: Final = frozenset({"aws:referer", "aws:useragent"})


def global_key(name: str) -> ConditionKey | None:
    """The global key called `name` (lower-case, with or without a tag key), or None."""
    base, slash, tag = name.partition("/")
    return GLOBAL.get(f"{base}/" if slash and tag else name)
