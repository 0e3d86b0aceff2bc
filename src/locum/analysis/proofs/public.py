"""Who of those that a resource policy allows is a stranger: public access.

A stranger is a caller of whom the policy fixes nothing: nobody in particular, or a user or role of an account that it
does not mention, with any value of a condition key but those that it fixes. A value is fixed if it has neither
wildcards nor policy variables, and if it is one of a key that tells where a request comes from.

Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of 'public'"; IAM User Guide,
"IAM Access Analyzer filter keys".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from locum.analysis.proofs import callers
from locum.analysis.proofs.budget import Budget
from locum.analysis.proofs.callers import Caller, Mentioned, provided
from locum.analysis.proofs.checks import Found, Question
from locum.analysis.proofs.dimensions import ACTION, passes
from locum.analysis.proofs.formulas import Atom, Comparison, Flag, Formula, Scope, Test, every, negation
from locum.analysis.proofs.globs import Glob, flat, literal
from locum.analysis.proofs.languages import Language, member
from locum.analysis.proofs.translation import World
from locum.analysis.proofs.world import settled
from locum.analysis.proofs.zones import ANYWHERE, Zone, values_of
from locum.authz import service_reference as reference
from locum.core.letter_case import folded
from locum.policy import Document, Request
from locum.policy.context import USER_ID
from locum.policy.grammar import operator
from locum.policy.patterns import Wild, has_variables, scan

TRUST_POLICY: Final = "AWS::IAM::AssumeRolePolicyDocument"
SERVICES: Final[Mapping[str, str]] = {
    "AWS::ApiGateway::RestApi": "execute-api",
    "AWS::Backup::BackupVault": "backup",
    "AWS::CloudTrail::Dashboard": "cloudtrail",
    "AWS::CloudTrail::EventDataStore": "cloudtrail",
    "AWS::CodeArtifact::Domain": "codeartifact",
    "AWS::DynamoDB::Stream": "dynamodb",
    "AWS::DynamoDB::Table": "dynamodb",
    "AWS::EFS::FileSystem": "elasticfilesystem",
    TRUST_POLICY: "sts",
    "AWS::KMS::Key": "kms",
    "AWS::Kinesis::Stream": "kinesis",
    "AWS::Kinesis::StreamConsumer": "kinesis",
    "AWS::Lambda::Function": "lambda",
    "AWS::OpenSearchService::Domain": "es",
    "AWS::S3::AccessPoint": "s3",
    "AWS::S3::Bucket": "s3",
    "AWS::S3::Glacier": "glacier",
    "AWS::S3Express::AccessPoint": "s3express",
    "AWS::S3Express::DirectoryBucket": "s3express",
    "AWS::S3Outposts::AccessPoint": "s3-outposts",
    "AWS::S3Outposts::Bucket": "s3-outposts",
    "AWS::S3Tables::Table": "s3tables",
    "AWS::S3Tables::TableBucket": "s3tables",
    "AWS::SNS::Topic": "sns",
    "AWS::SQS::Queue": "sqs",
    "AWS::SecretsManager::Secret": "secretsmanager",
}
"""The service whose actions the policy of a type of resource is about, of those that CheckNoPublicAccess takes."""
_ANALYZED: Final = {**SERVICES, "AWS::ECR::Repository": "ecr"}
"""With those that analyzers of external access look at as well."""

_ROLE: Final = "AWS::IAM::Role"
_ADDRESSES: Final = frozenset({"aws:sourceip", "aws:vpcsourceip"})
_PATHS: Final = frozenset({"aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"})
_ACCESS_POINT: Final = "s3:dataaccesspointarn"
FIXING: Final = frozenset(
    {
        *_ADDRESSES,
        *_PATHS,
        USER_ID,
        "accounts.google.com:aud",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpcarn",
        "aws:sourcevpce",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "cognito-identity.amazonaws.com:aud",
        "graph.facebook.com:app_id",
        "kms:calleraccount",
        _ACCESS_POINT,
        "s3:dataaccesspointaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "www.amazon.com:app_id",
    }
)
"""The condition keys of which a fixed value makes a grant non-public."""

_FOR_ALL: Final = ("accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com")
"""The identity providers with which anybody can have an account."""
_PRIVATE: Final = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def public_access(
    document: Document, resource_type: str, budget: Budget | None = None, zone: Zone = ANYWHERE
) -> tuple[Found, ...]:
    """The statements that allow a stranger an action on a resource of this type (of `SERVICES`). Raises NotDecided.

    Their requests are from outside of `zone` as well.
    """
    fixed = fixed_values(document, resource_type)
    listed = actions_of(resource_type)

    def strange(here: World) -> Formula:
        parts: list[Formula] = [Atom(ACTION, listed), zone.outside(here)]
        for key, test in fixed:
            kind = here.dimensions[key]
            parts.append(negation(Atom(key, test, Scope.SOME if kind.multivalued else Scope.ONE)))
            parts += [negation(Flag(key, f"={text}")) for text in settled(kind) if _is_fixed(text, test)]
        return every(parts)

    def admits(request: Request) -> bool:
        return (
            member(request.action, listed)
            and zone.admits(request)
            and not any(_is_fixed(text, test) for key, test in fixed for text in values_of(request.context.get(key)))
        )

    asked = Question(document, _strangers(resource_type), also=strange, admits=admits, knowing=zone.known)
    return asked.found(budget or Budget())


def _strangers(resource_type: str) -> Callable[[Mentioned], Iterable[Caller]]:
    def found(known: Mentioned) -> Iterator[Caller]:
        yield from callers.strangers(known)
        if resource_type == TRUST_POLICY:
            yield from map(provided, _FOR_ALL)

    return found


def service_of(resource_type: str) -> str:
    """The service whose actions the policy of a type of resource is about: `s3`."""
    return _ANALYZED[TRUST_POLICY if resource_type == _ROLE else resource_type]


def actions_of(resource_type: str) -> Language:
    """The actions of a type's service. Access Analyzer, unlike S3, leaves out those that do not exist."""
    prefix = _ANALYZED[resource_type]
    return Language(tuple(literal(f"{prefix}:{name.lower()}") for name in reference.action_names(prefix)))


def _is_fixed(text: str, test: Test) -> bool:
    return member(text, test) if isinstance(test, Language) else passes(test, text)


# --- fixed values --------------------------------------------------------------------------------------------


def fixed_values(document: Document, resource_type: str) -> list[tuple[str, Test]]:
    """The tests of the values that `document` fixes, by their condition keys."""
    by_key: dict[str, dict[str, None]] = {}
    numeric: dict[str, dict[str, None]] = {}
    for statement in document.statements:
        for condition in statement.conditions:
            key, parts = folded(condition.key), operator(condition.operator)
            if key in FIXING and parts is not None and parts.family != "Null":
                into = numeric if parts.family == "Numeric" else by_key
                into.setdefault(key, {}).update(dict.fromkeys(condition.values))
    found: list[tuple[str, Test]] = []
    for key, texts in by_key.items():
        if key in _ADDRESSES:
            narrow = tuple(text for text in texts if _is_narrow(text))
            found += [(key, Comparison("IpAddress", narrow, allows=True))] if narrow else []
            continue
        globs = tuple(glob for text in texts for glob in _fixed(key, text, resource_type, variables=document.variables))
        found += [(key, Language(globs))] if globs else []
    found += [(key, Comparison("NumericEquals", tuple(texts), allows=True)) for key, texts in numeric.items()]
    return found


def _fixed(key: str, text: str, resource_type: str, *, variables: bool) -> Iterator[Glob]:
    """The glob of a value that is fixed, in any letter case; nothing for another one."""
    tokens = scan(text, variables=variables)
    if has_variables(tokens):
        return
    wild = any(isinstance(token, Wild) for token in tokens)
    if wild and not (key in _PATHS and _has_organization(text)) and not _has_account(key, text, resource_type):
        return
    yield flat(tokens, lambda _variable: (), fold=text.isascii())


def _has_organization(path: str) -> bool:
    """Whether the organization of a path is fixed: `o-a1b2c3d4e5/*`."""
    organization, slash, _ = path.partition("/")
    return bool(slash) and "*" not in organization and "?" not in organization


def _has_account(key: str, text: str, resource_type: str) -> bool:
    """Whether it is a set of the access points of one account, in the policy of a bucket.

    "When used in a bucket policy, this value can contain a wildcard for the access point name without rendering the
    policy public, as long as the account ID is fixed. [...] This behavior is different for access point policies."
    """
    if key != _ACCESS_POINT or resource_type.endswith("AccessPoint"):
        return False
    fields = text.split(":", 5)
    return len(fields) == 6 and not any("*" in field or "?" in field for field in fields[:5])


def _is_narrow(text: str) -> bool:
    """Whether a range of addresses is narrow enough to be fixed.

    "values broader than /8 for IPv4 and /32 for IPv6 (excluding RFC1918 private ranges)" are public.
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32) or network in _PRIVATE
