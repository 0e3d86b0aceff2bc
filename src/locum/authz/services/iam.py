"""AWS IAM: ARNs with paths from the state, and the facts of IAM resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Resolver, Values, account_of, as_values
from locum.core.arn import iam_arn, root_arn
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.core.principal import PrincipalKind
from locum.core.resources import ResourceFacts
from locum.policy import CompiledPolicy, PolicyKind
from locum.policy.stored import compiled
from locum.state import (
    AccessKey,
    Group,
    InstanceProfile,
    Named,
    Policy,
    Role,
    ServerCertificate,
    ServiceSpecificCredential,
    State,
    User,
    delegations,
)
from locum.state.arns import entity_by_arn, entity_of
from locum.state.indexes import ACCESS_KEY_ID
from locum.state.service_linked_roles import PATH as SERVICE_LINKED
from locum.state.service_linked_roles import linked_service


def _named(kind: type[Named]) -> Resolver:
    """The resolver of (Path, Name) for one kind of IAM resource. A path that the request lacks is that in the state."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        path, name = values
        account = call.caller.account
        if name is not None and name.startswith("arn:"):
            return (name,)
        entity = state.get(kind, account, name.lower()) if name else None
        if entity is not None and path is None:
            return (entity.arn,)
        return (_named_or_unknown(account, kind.arn_kind, path or "/", name),)

    return resolve


def _named_or_unknown(account: str, kind: str, path: str, name: str | None) -> str:
    return arn_of(iam_arn(account, kind, path, ""), name or UNKNOWN)


def _renamed(kind: type[Named]) -> Resolver:
    """The resolver of (new Path, new Name, Name): the ARN after a change, with the present path and name by default."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        path, new, name = values
        account = call.caller.account
        entity = state.get(kind, account, name.lower()) if name else None
        path_by_default = "/" if entity is None else entity.path
        return (_named_or_unknown(account, kind.arn_kind, path or path_by_default, new or name),)

    return resolve


_user = _named(User)


def _user_or_caller(state: State, call: Call, values: Values) -> Iterable[str]:
    """A user by name, else the caller.

    IAM API: "If you do not specify a user name, IAM determines the user name implicitly" from the caller's key.
    """
    if values[1] is not None:
        return _user(state, call, values)
    principal = call.caller.principal
    if principal.kind is PrincipalKind.ROOT:
        return (root_arn(principal.account),)
    if principal.kind is PrincipalKind.USER:
        return (principal.arn,)
    return (_named_or_unknown(principal.account, "user", "/", None),)


def _user_of_key(state: State, call: Call, values: Values) -> Iterable[str]:
    (key_id,) = values
    key = state.first(AccessKey, ACCESS_KEY_ID, key_id or "")
    account = call.caller.account
    if key is not None and key.account == account and not key.user:
        return (root_arn(account),)
    if key is None or key.account != account:
        return (_named_or_unknown(account, "user", "/", None),)
    return _user(state, call, (None, key.user))


def _new_mfa(state: State, call: Call, values: Values) -> Iterable[str]:
    path, name = values
    return (_named_or_unknown(call.caller.account, "mfa", path or "/", name),)


def _oidc_provider(state: State, call: Call, values: Values) -> Iterable[str]:
    """A new provider. Its ARN has the URL without scheme and query."""
    try:
        parts = urlsplit(values[0] or "")
    except ValueError:
        parts = urlsplit("")
    return (_named_or_unknown(call.caller.account, "oidc-provider", "/", parts.netloc + parts.path),)


def _service_linked_role(state: State, call: Call, values: Values) -> Iterable[str]:
    """The role that CreateServiceLinkedRole creates, whose name and path follow from AWSServiceName."""
    principal, suffix = values
    account = call.caller.account
    linked = linked_service(principal or "")
    if linked is None:
        return (arn_of(iam_arn(account, "role", SERVICE_LINKED, ""), principal or UNKNOWN, "/", UNKNOWN),)
    return (iam_arn(account, "role", linked.path, linked.role_name(suffix or "")),)


def _role_of_deletion(state: State, call: Call, values: Values) -> Iterable[str]:
    """The role of a deletion task: `task/aws-service-role/SERVICE/ROLE/UUID`."""
    path, _, _ = (values[0] or "").removeprefix("task/").rpartition("/")
    return (_named_or_unknown(call.caller.account, "role", "/", path),)


def _delegation_request(state: State, call: Call, values: Values) -> Iterable[str]:
    """A delegation request of the caller's account, or one that is not assigned to an account yet."""
    account, request = call.caller.account, delegations.request_of(state, values[0] or "")
    if request is not None and request.owner_account in ("", account):
        return (delegations.arn_of(request, account),)
    return (_named_or_unknown(account, delegations.KIND, "/", values[0]),)


def profile_of(state: State, call: Call, arn: str | None, name: str | None) -> InstanceProfile | None:
    """The instance profile with the ARN `arn`, else with the name `name` in the caller's account; or None."""
    if arn:
        return entity_by_arn(state, InstanceProfile, arn)
    return state.get(InstanceProfile, call.caller.account, (name or "").lower())


def _role_of_profile(state: State, call: Call, values: Values) -> Iterable[str]:
    """The role that is passed with an instance profile; none where the profile has none."""
    arn, name = values
    if name is not None and name.startswith("arn:"):
        arn, name = name, None
    if not arn and not name:
        return
    profile = profile_of(state, call, arn, name)
    if profile is None:
        # [U] The role is not known, so the caller needs the permission to pass any role.
        yield _named_or_unknown(account_of(arn or "", call.caller.account), "role", "/", None)
        return
    for key in profile.roles:
        role = state.get(Role, profile.account, key)
        if role is not None:
            yield role.arn


# --- further checks ----------------------------------------------------------------------------------------------

_ROLE_MANAGER: Final = "role-manager.iam.amazonaws.com"


def _role_manager(state: State, call: Call) -> Iterator[Check]:
    """The permission to create the service-linked role of Role Manager, for a call that enables it."""
    if (call.params.get("Properties") or {}).get("RoleManager/Enabled") == "true":
        for arn in _service_linked_role(state, call, (_ROLE_MANAGER, None)):
            yield Check("iam:CreateServiceLinkedRole", arn, "role", {"iam:awsservicename": _ROLE_MANAGER})


def _delegation_requests_listed(state: State, call: Call) -> Iterator[Check]:
    """iam:ListDelegationRequests on `*`, or on the resource of one's own requests where the caller lists those."""
    caller = call.caller.principal
    own = call.params.get("OwnerId") == caller.arn
    arn = iam_arn(caller.account, delegations.KIND, "/", delegations.OWN) if own else "*"
    yield Check("iam:ListDelegationRequests", arn)


# --- condition keys ----------------------------------------------------------------------------------------------


def _account_property_namespaces(state: State, call: Call, check: Check) -> list[str]:
    """iam:AccountPropertyNamespaces: "the account property namespaces being read or modified"; one can be read."""
    if call.operation == "GetAccountProperties":
        return ["RoleManager"]
    if call.operation != "PutAccountProperties":
        return []
    return sorted({key.partition("/")[0] for key in call.params.get("Properties") or {}})


def _service_of_credential(state: State, call: Call, check: Check) -> list[str]:
    """iam:ServiceSpecificCredentialServiceName: that of the credential to create, else of the existing one."""
    if call.operation == "CreateServiceSpecificCredential":
        return as_values(call.params.get("ServiceName"))
    key = call.params.get("ServiceSpecificCredentialId")
    found = state.get(ServiceSpecificCredential, call.caller.account, key) if key else None
    return [] if found is None else [found.service]


def _permissions_boundary(state: State, call: Call, check: Check) -> list[str]:
    """iam:PermissionsBoundary: the one that the request sets, else the one that the user or role has."""
    given = call.params.get("PermissionsBoundary")
    if given is not None or call.operation.startswith("Create"):
        return as_values(given)
    entity = entity_of(state, check.resource)
    return as_values(entity.boundary) if isinstance(entity, User | Role) else []


def _delegation_request_owner(state: State, call: Call, check: Check) -> list[str]:
    """iam:DelegationRequestOwner: the owner of the request, or the OwnerId of a list."""
    if call.operation == "ListDelegationRequests":
        return as_values(call.params.get("OwnerId"))
    request = delegations.by_arn(state, check.resource)
    return [] if request is None else as_values(request.owner)


# --- facts of the state ----------------------------------------------------------------------------------------


def _facts(state: State, arn: str) -> ResourceFacts | None:
    """The facts of an IAM resource: account, tags, trust policy or default policy."""
    entity = entity_of(state, arn)
    if entity is None:
        default = delegations.default_policy(state, arn)
        return None if default is None else ResourceFacts(arn.split(":")[4], default)
    tags = None if isinstance(entity, Group) else entity.tags
    return ResourceFacts(entity.account, entity.trust if isinstance(entity, Role) else None, tags)


def _policy(action: str, arn: str, text: str) -> CompiledPolicy | None:
    """The policy of a role or delegation request. A trust policy applies only to STS actions."""
    if arn.split(":", 5)[5].startswith(f"{delegations.KIND}/"):
        return compiled(text, PolicyKind.RESOURCE, f"default permissions on {arn}", arn)
    return compiled(text, PolicyKind.TRUST, f"trust policy of {arn}", arn) if action.startswith("sts:") else None


FUNCTIONS: Final = Functions(
    planners={"delegation_requests_listed": _delegation_requests_listed, "role_manager": _role_manager},
    resolvers={
        "iam_delegation_request": _delegation_request,
        "iam_group": _named(Group),
        "iam_new_mfa": _new_mfa,
        "iam_oidc_provider": _oidc_provider,
        "iam_policy": _named(Policy),
        "iam_profile": _named(InstanceProfile),
        "iam_renamed_group": _renamed(Group),
        "iam_renamed_server_certificate": _renamed(ServerCertificate),
        "iam_renamed_user": _renamed(User),
        "iam_role": _named(Role),
        "iam_role_of_deletion": _role_of_deletion,
        "iam_role_of_profile": _role_of_profile,
        "iam_server_certificate": _named(ServerCertificate),
        "iam_service_linked_role": _service_linked_role,
        "iam_user": _user_or_caller,
        "iam_user_of_key": _user_of_key,
    },
    keys={
        "account_property_namespaces": _account_property_namespaces,
        "delegation_request_owner": _delegation_request_owner,
        "permissions_boundary": _permissions_boundary,
        "service_of_credential": _service_of_credential,
    },
    facts=_facts,
    policy=_policy,
)
