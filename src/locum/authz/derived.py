"""What the catalogue cannot say in a line: which permissions, and which values of a condition key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from locum.authz.call import Call, Check, Value
from locum.authz.dynamodb import attributes, leading_keys, statements
from locum.authz.organization_arns import policy_types
from locum.authz.paths import scalar
from locum.authz.resources import profile_of, s3_object, s3_source
from locum.authz.tags import object_tags
from locum.core.arn import iam_arn
from locum.core.errors import Fault
from locum.state import (
    Instance,
    InstanceProfile,
    MfaDevice,
    OidcProvider,
    Policy,
    ProfileAssociation,
    Role,
    SamlProvider,
    ServerCertificate,
    ServiceSpecificCredential,
    State,
    User,
    delegations,
)
from locum.state.devices import device_of
from locum.state.indexes import ASSOCIATIONS_OF_INSTANCE, scoped
from locum.state.service_linked_roles import PATH as SERVICE_LINKED

Planner = Callable[[State, Call], Iterable[Check]]
KeyReader = Callable[[State, Call, Check], list[str]]
Tagged = User | Role | InstanceProfile | Policy | SamlProvider | ServerCertificate | MfaDevice | OidcProvider


def _copy_source(state: State, call: Call) -> Iterator[Check]:
    """CopyObject, UploadPartCopy: "you must have read access to the source object", or to its version."""
    bucket, key, version = s3_source(str(call.params.get("CopySource", "")))
    context: dict[str, Value] = {"s3:versionid": version} if version else {}
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    for arn in s3_object(state, call, (bucket, key)):
        yield Check(action, arn, "source", context)


def _source_identity_kept(state: State, call: Call) -> Iterator[Check]:
    """A source identity stays with a session that is assumed from another, and each step must be allowed to set it.

    IAM User Guide, "Monitor and control actions taken with assumed roles": "The trust policies of all roles in a
    role chain must allow the sts:SetSourceIdentity action".
    """
    session = call.caller.session
    if session is not None and session.source_identity and not call.params.get("SourceIdentity"):
        yield Check("sts:SetSourceIdentity", str(call.params.get("RoleArn", "*")), "role")


def _attribute_roles(state: State, call: Call) -> Iterator[Check]:
    """SNS hands over roles in attributes: `HTTPSuccessFeedbackRoleArn`, `SubscriptionRoleArn` and the like."""
    attributes = dict(call.params.get("Attributes") or {})
    attributes[call.params.get("AttributeName", "")] = call.params.get("AttributeValue")
    for name, value in attributes.items():
        if value and name.endswith("RoleArn"):
            yield Check("iam:PassRole", value, "role", {"iam:passedtoservice": f"{call.service}.amazonaws.com"})


def _secrets_of_filters(state: State, call: Call) -> tuple[Check, ...]:
    """Which secrets a filter finds only the backend knows, and each of them takes a permission of its own."""
    if call.params.get("Filters"):
        raise Fault("NotImplemented", "Filters are not implemented here: name the secrets in SecretIdList.", 501)
    return ()


_ROLE_MANAGER: Final = "role-manager.iam.amazonaws.com"


def _role_manager(state: State, call: Call) -> Iterator[Check]:
    """Role Manager works with a role of its own: who switches it on needs the permission to make that."""
    if (call.params.get("Properties") or {}).get("RoleManager/Enabled") == "true":
        account = call.caller.principal.account
        arn = iam_arn(account, "role", f"{SERVICE_LINKED}{_ROLE_MANAGER}/", "AWSServiceRoleForIAMRoleManager")
        yield Check("iam:CreateServiceLinkedRole", arn, "role", {"iam:awsservicename": _ROLE_MANAGER})


def _delegation_requests_listed(state: State, call: Call) -> Iterator[Check]:
    """ListDelegationRequests has no resource; who asks for what it owns itself has a permission of its own."""
    caller = call.caller.principal
    own = call.params.get("OwnerId") == caller.arn
    arn = iam_arn(caller.account, delegations.KIND, "/", delegations.OWN) if own else "*"
    yield Check("iam:ListDelegationRequests", arn)


PLANNERS: Final[Mapping[str, Planner]] = {
    "attribute_roles": _attribute_roles,
    "copy_source": _copy_source,
    "delegation_requests_listed": _delegation_requests_listed,
    "partiql": statements(None),
    "partiql_batch": statements("Statements"),
    "partiql_transaction": statements("TransactStatements"),
    "role_manager": _role_manager,
    "secrets_of_filters": _secrets_of_filters,
    "source_identity_kept": _source_identity_kept,
}
"""Further checks of an operation: a line `@name` in its rules."""


def _one(value: object) -> list[str]:
    return [] if value is None or value == "" else [scalar(value)]


def _account_property_namespaces(state: State, call: Call, check: Check) -> list[str]:
    """iam:AccountPropertyNamespaces: "the account property namespaces being read or modified"; there is one to read."""
    if call.operation == "GetAccountProperties":
        return ["RoleManager"]
    if call.operation != "PutAccountProperties":
        return []
    return sorted({key.partition("/")[0] for key in call.params.get("Properties") or {}})


def _source_identity(state: State, call: Call, check: Check) -> list[str]:
    """sts:SourceIdentity: the one asked for, else the one that the session already has and keeps."""
    session = call.caller.session
    return _one(call.params.get("SourceIdentity") or (session.source_identity if session else ""))


def _service_of_credential(state: State, call: Call, check: Check) -> list[str]:
    """iam:ServiceSpecificCredentialServiceName: of the credential to be made, else of the one that is meant."""
    if call.operation == "CreateServiceSpecificCredential":
        return _one(call.params.get("ServiceName"))
    key = call.params.get("ServiceSpecificCredentialId")
    found = state.get(ServiceSpecificCredential, call.caller.principal.account, key) if key else None
    return [] if found is None else [found.service]


def _permissions_boundary(state: State, call: Call, check: Check) -> list[str]:
    """iam:PermissionsBoundary: the one that the request sets, else the one that the user or role has."""
    given = call.params.get("PermissionsBoundary")
    if given is not None or call.operation.startswith("Create"):
        return _one(given)
    entity = entity_of(state, check.resource)
    return _one(entity.boundary) if isinstance(entity, User | Role) else []


def _delegation_request_owner(state: State, call: Call, check: Check) -> list[str]:
    """iam:DelegationRequestOwner: the owner of the request, or whose requests are listed."""
    if call.operation == "ListDelegationRequests":
        return _one(call.params.get("OwnerId"))
    request = delegations.by_arn(state, check.resource)
    return [] if request is None else _one(request.owner)


def entity_of(state: State, arn: str) -> Tagged | None:
    """The user, role, profile, customer managed policy, provider, device or certificate that has this very ARN."""
    fields = arn.split(":", 5)
    if len(fields) != 6 or fields[2] != "iam":
        return None
    kind, _, name = fields[5].partition("/")
    if kind == "oidc-provider":
        return state.get(OidcProvider, fields[4], name)
    if kind == "mfa":
        return device_of(state, fields[4], arn)
    found = _KINDS.get(kind)
    entity = None if found is None else state.get(found, fields[4], name.rsplit("/", 1)[-1].lower())
    return entity if entity is not None and entity.arn == arn else None


_KINDS: Final[Mapping[str, type[Tagged]]] = {
    "user": User,
    "role": Role,
    "instance-profile": InstanceProfile,
    "policy": Policy,
    "saml-provider": SamlProvider,
    "server-certificate": ServerCertificate,
}


def instance_of(state: State, arn: str) -> Instance | None:
    """The instance that has this ARN."""
    fields = arn.split(":", 5)
    if len(fields) != 6 or fields[2] != "ec2" or not fields[5].startswith("instance/"):
        return None
    return state.get(Instance, fields[4], fields[5].removeprefix("instance/"))


def _instance_type(state: State, call: Call, check: Check) -> list[str]:
    instance = instance_of(state, check.resource)
    return _one(instance.instance_type if instance else call.params.get("InstanceType", "m1.small"))


def _instance_profile(state: State, call: Call, check: Check) -> list[str]:
    """ec2:InstanceProfile: what the instance wears, or is launched with."""
    instance = instance_of(state, check.resource)
    if instance is None:
        return _new_instance_profile(state, call, check)
    associations = state.find(ASSOCIATIONS_OF_INSTANCE, scoped(instance.account, instance.id))
    return [
        found.profile_arn
        for found in associations
        if isinstance(found, ProfileAssociation) and found.state in ("associating", "associated")
    ][:1]


def _new_instance_profile(state: State, call: Call, check: Check) -> list[str]:
    given = call.params.get("IamInstanceProfile") or {}
    arn, name = given.get("Arn"), given.get("Name")
    profile = profile_of(state, call, arn, name)
    if profile is not None:
        return [profile.arn]
    return _one(arn or (iam_arn(call.caller.principal.account, "instance-profile", "/", name) if name else None))


def _metadata(member: str, field: str) -> KeyReader:
    """An instance metadata option: the instance's, or the one asked for at launch."""

    def read(state: State, call: Call, check: Check) -> list[str]:
        instance = instance_of(state, check.resource)
        if instance is not None:
            return _one(getattr(instance.metadata, field))
        return _one((call.params.get("MetadataOptions") or {}).get(member))

    return read


def _availability_zone(state: State, call: Call, check: Check) -> list[str]:
    instance = instance_of(state, check.resource)
    return _one(instance.zone if instance else (call.params.get("Placement") or {}).get("AvailabilityZone"))


KEYS: Final[Mapping[str, KeyReader]] = {
    "account_property_namespaces": _account_property_namespaces,
    "attributes": lambda state, call, check: attributes(call),
    "availability_zone": _availability_zone,
    "delegation_request_owner": _delegation_request_owner,
    # dynamodb:FullTableScan is there on a Scan, and there true.
    "full_table_scan": lambda state, call, check: ["true"] if call.operation == "Scan" else [],
    "instance_profile": _instance_profile,
    "instance_type": _instance_type,
    "leading_keys": lambda state, call, check: leading_keys(call),
    "metadata_hop_limit": _metadata("HttpPutResponseHopLimit", "hop_limit"),
    "metadata_http_endpoint": _metadata("HttpEndpoint", "endpoint"),
    "metadata_http_tokens": _metadata("HttpTokens", "tokens"),
    "metadata_tags": _metadata("InstanceMetadataTags", "instance_tags"),
    "new_instance_profile": _new_instance_profile,
    "organizations_policy_type": policy_types,
    "object_tag_keys": lambda state, call, check: list(object_tags(call.params)),
    "permissions_boundary": _permissions_boundary,
    "service_of_credential": _service_of_credential,
    "source_identity": _source_identity,
}
"""Condition keys that are computed: `@name` in place of a path."""
