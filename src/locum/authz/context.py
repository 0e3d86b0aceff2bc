"""The condition keys of one check, each computed when a condition or a policy variable first refers to it.

IAM User Guide, "AWS global condition context keys"; the Service Authorization Reference for those of services.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from locum.authz.call import Call, Check, Value
from locum.authz.catalogue import service
from locum.authz.organizations import NO_ORGANIZATION, OrganizationContext, organization_context
from locum.authz.paths import scalar
from locum.authz.services import READERS, TAGGED_AS_REQUESTED, TAGS
from locum.authz.tags import request_tags, specified_tags, tag_keys
from locum.core.clock import iso8601
from locum.core.letter_case import with_folded_keys
from locum.core.principal import Caller, PrincipalKind
from locum.core.resources import Endpoint, ResourceFacts
from locum.policy import derived_context
from locum.state import Role, State, User
from locum.state.indexes import UNIQUE_ID

_NOTHING: Final[Mapping[str, Value]] = {}
_IN_FAMILY: Final = re.compile(r"([^:/]+:[^:/]+)([/:])(.*)", re.DOTALL)
"""A condition key that ends in a tag key, or in a key of KMS's encryption context."""


class Conditions(Mapping[str, Value]):
    """The condition keys of one check, in lower case; for a tag, `aws:requesttag/` and the lower-cased tag key.

    So it is for the encryption context, with `kms:encryptioncontext:`.
    """

    __slots__ = ("_computed", "account", "call", "check", "facts", "state")

    def __init__(self, state: State, call: Call, check: Check, facts: ResourceFacts, account: str) -> None:
        self.state = state
        self.call = call
        self.check = check
        self.facts = facts
        self.account = account
        self._computed: dict[str, Value | None] = {}

    def get(self, key: str, default: Value | None = None) -> Value | None:  # type: ignore[override]  # keys are text
        computed = self._computed
        if key in computed:
            value = computed[key]
        else:
            value = computed[key] = self._compute(key)
        return default if value is None else value

    def __getitem__(self, key: str) -> Value:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._candidates() if self.get(key) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def asked_for(self) -> tuple[str, ...]:
        """The keys that conditions and policy variables referred to so far, present or not."""
        return tuple(self._computed)

    @property
    def asked_for_tags(self) -> bool:
        """Whether a condition or a policy variable referred to a tag of the resource so far, present or not."""
        families = (key.partition("/")[0] for key in self._computed if "/" in key)
        return any(family.endswith((":resourcetag", ":existingobjecttag")) for family in families)

    def _compute(self, key: str) -> Value | None:
        if key in self.check.context:
            return self.check.context[key]
        reader = _READERS.get(key)
        if reader is not None:
            return reader(self)
        found = _IN_FAMILY.fullmatch(key)
        if found is not None:
            family, separator, name = found.groups()
            tags = _TAGS.get(family + separator.strip("/")) or (
                _resource_tags if family.endswith(":resourcetag") else None
            )
            if tags is not None:
                return with_folded_keys(tags(self)).get(name)
        return self._of_service(key)

    def _of_service(self, key: str) -> Value | None:
        for source in service(self.call.service).keys.get(key, ()):
            values = [scalar(value) for value in source.values(self.state, self.call, self.check, self.facts)]
            if values:
                return tuple(values) if source.many or len(values) > 1 else values[0]
        return with_folded_keys(_session_context(self.call.caller)).get(key)

    def _candidates(self) -> Iterator[str]:
        """All keys that may have a value, for iteration."""
        seen: dict[str, None] = dict.fromkeys(self.check.context)
        seen.update(dict.fromkeys(_READERS))
        seen.update(dict.fromkeys(service(self.call.service).keys))
        for family, tags in _TAGS.items():
            separator = "" if family.endswith(":") else "/"
            seen.update(dict.fromkeys(f"{family}{separator}{name}" for name in with_folded_keys(tags(self))))
        seen.update(dict.fromkeys(with_folded_keys(_session_context(self.call.caller))))
        return iter(seen)


def _session_context(caller: Caller) -> Mapping[str, Value]:
    """The condition keys of the session, or those from the verified claims of a federated caller."""
    if caller.federated_claims is not None:
        return caller.federated_claims.context
    return _NOTHING if caller.session is None else caller.session.context


def _principal(key: str) -> Callable[[Conditions], Value | None]:
    return lambda subject: derived_context(subject.call.caller.principal).get(key)


def _current_time(subject: Conditions) -> Value:
    return iso8601(subject.call.now)


def _epoch_time(subject: Conditions) -> Value:
    return str(int(subject.call.now))


def _token_issue_time(subject: Conditions) -> Value | None:
    session = subject.call.caller.session
    return None if session is None else iso8601(session.issued_at)


def _mfa_present(subject: Conditions) -> Value | None:
    """aws:MultiFactorAuthPresent: absent for long-term credentials without a code in the call.

    "This key is not present when long-term credentials are used".
    """
    if subject.call.second_factor:
        return scalar(True)
    session = subject.call.caller.session
    return None if session is None else scalar(session.mfa_at is not None)


def _mfa_age(subject: Conditions) -> Value | None:
    if subject.call.second_factor:
        return "0"
    session = subject.call.caller.session
    if session is None or session.mfa_at is None:
        return None
    return str(max(0, int(subject.call.now) - session.mfa_at))


def _source_identity(subject: Conditions) -> Value | None:
    session = subject.call.caller.session
    return None if session is None else session.source_identity or None


def _referer(subject: Conditions) -> Value | None:
    return subject.call.referer or None


def _user_agent(subject: Conditions) -> Value | None:
    return subject.call.user_agent or None


def _tag_keys(subject: Conditions) -> Value | None:
    params = subject.call.params
    if "TagSpecifications" in params:
        return tuple(_request_tags(subject)) or None
    return tuple(tag_keys(params)) or None


def _resource_account(subject: Conditions) -> Value | None:
    return subject.account or None


def _principals_organization(subject: Conditions) -> OrganizationContext:
    """The organization of a user, role or root user.

    aws:PrincipalOrgID: "Included in the request context only if the principal is a member of an organization".
    """
    principal = subject.call.caller.principal
    return organization_context(subject.state, principal.account) if principal.principal_arn else NO_ORGANIZATION


def _principal_org_id(subject: Conditions) -> Value | None:
    return _principals_organization(subject).id or None


def _principal_org_paths(subject: Conditions) -> Value | None:
    path = _principals_organization(subject).path
    return (path,) if path else None


def _resource_org_id(subject: Conditions) -> Value | None:
    return organization_context(subject.state, subject.account).id or None


def _resource_org_paths(subject: Conditions) -> Value | None:
    path = organization_context(subject.state, subject.account).path
    return (path,) if path else None


def _service_name(subject: Conditions) -> Value | None:
    principal = subject.call.caller.principal
    return principal.arn if principal.kind is PrincipalKind.SERVICE else None


def _service_names(subject: Conditions) -> Value | None:
    name = _service_name(subject)
    return None if name is None else (str(name),)


def _source_account(subject: Conditions) -> Value | None:
    source = subject.call.caller.source
    return None if source is None else source.account or None


def _source_arn(subject: Conditions) -> Value | None:
    source = subject.call.caller.source
    return None if source is None else source.arn or None


def _source_organization(subject: Conditions) -> OrganizationContext:
    """The organization of the account on whose behalf a service principal calls."""
    source = subject.call.caller.source
    return NO_ORGANIZATION if source is None else organization_context(subject.state, source.account)


def _source_org_id(subject: Conditions) -> Value | None:
    return _source_organization(subject).id or None


def _source_org_paths(subject: Conditions) -> Value | None:
    path = _source_organization(subject).path
    return (path,) if path else None


def _assumed_root(subject: Conditions) -> Value | None:
    """aws:AssumedRoot: "true" in sessions of AssumeRoot, else absent."""
    session = subject.call.caller.session
    return "true" if session is not None and session.assumed_root else None


def _request_tags(subject: Conditions) -> Mapping[str, str]:
    params = subject.call.params
    specifications = params.get("TagSpecifications")
    if specifications:
        return specified_tags(specifications, subject.check.resource.rsplit(":", 1)[-1].partition("/")[0])
    return request_tags(params)


def _resource_tags(subject: Conditions) -> Mapping[str, str]:
    if f"{subject.check.action.partition(':')[0]}:{subject.call.operation}" in TAGGED_AS_REQUESTED:
        return _request_tags(subject)
    return subject.facts.tags or {}


def principal_tags(state: State, call: Call) -> Mapping[str, str]:
    """The tags of the user or role and of the session, of which the latter take precedence.

    IAM User Guide, "Pass session tags in AWS STS": "session tags override". A federated user also has the tags of the
    user who created the session.
    """
    principal, session = call.caller.principal, call.caller.session
    entity = None
    if principal.kind is not PrincipalKind.ROOT and principal.unique_id:
        entity = next((e for e in state.find(UNIQUE_ID, principal.unique_id) if isinstance(e, User | Role)), None)
    own = {} if entity is None else entity.tags
    return {**with_folded_keys(own), **with_folded_keys(session.tags)} if session is not None else own


def _principal_tags(subject: Conditions) -> Mapping[str, str]:
    return principal_tags(subject.state, subject.call)


def _source_ip(subject: Conditions) -> Value | None:
    """aws:SourceIp: absent where the call came through a VPC endpoint, which has aws:VpcSourceIp instead."""
    call = subject.call
    return None if call.endpoint is not None else call.source_ip or None


def _of_endpoint(read: Callable[[Conditions, Endpoint], Value | None]) -> Callable[[Conditions], Value | None]:
    """The reader of a key that only calls through a VPC endpoint have."""

    def of(subject: Conditions) -> Value | None:
        endpoint = subject.call.endpoint
        return None if endpoint is None else read(subject, endpoint)

    return of


def _endpoint_org_paths(subject: Conditions, endpoint: Endpoint) -> Value | None:
    path = organization_context(subject.state, endpoint.account).path
    return (path,) if path else None


_READERS: Final[Mapping[str, Callable[[Conditions], Value | None]]] = {
    "aws:assumedroot": _assumed_root,
    "aws:calledvia": lambda s: s.call.caller.via or None,
    "aws:calledviafirst": lambda s: s.call.caller.via[0] if s.call.caller.via else None,
    "aws:calledvialast": lambda s: s.call.caller.via[-1] if s.call.caller.via else None,
    "aws:currenttime": _current_time,
    "aws:epochtime": _epoch_time,
    "aws:multifactorauthage": _mfa_age,
    "aws:multifactorauthpresent": _mfa_present,
    "aws:principalaccount": _principal("aws:principalaccount"),
    "aws:principalarn": _principal("aws:principalarn"),
    "aws:principalisawsservice": lambda s: scalar(s.call.caller.principal.kind is PrincipalKind.SERVICE),
    "aws:principalorgid": _principal_org_id,
    "aws:principalorgpaths": _principal_org_paths,
    "aws:principalservicename": _service_name,
    "aws:principalservicenameslist": _service_names,
    "aws:principaltype": _principal("aws:principaltype"),
    "aws:referer": _referer,
    "aws:requestedregion": lambda s: s.call.region,
    "aws:resourceaccount": _resource_account,
    "aws:resourceorgid": _resource_org_id,
    "aws:resourceorgpaths": _resource_org_paths,
    "aws:securetransport": lambda s: scalar(s.call.secure),
    "aws:sourceaccount": _source_account,
    "aws:sourcearn": _source_arn,
    "aws:sourceidentity": _source_identity,
    "aws:sourceip": _source_ip,
    "aws:sourceorgid": _source_org_id,
    "aws:sourceorgpaths": _source_org_paths,
    "aws:sourcevpc": _of_endpoint(lambda s, endpoint: endpoint.vpc),
    "aws:sourcevpce": _of_endpoint(lambda s, endpoint: endpoint.id),
    "aws:tagkeys": _tag_keys,
    "aws:tokenissuetime": _token_issue_time,
    "aws:useragent": _user_agent,
    "aws:userid": _principal("aws:userid"),
    "aws:username": _principal("aws:username"),
    "aws:vpceaccount": _of_endpoint(lambda s, endpoint: endpoint.account),
    "aws:vpceorgid": _of_endpoint(lambda s, endpoint: organization_context(s.state, endpoint.account).id or None),
    "aws:vpceorgpaths": _of_endpoint(_endpoint_org_paths),
    "aws:vpcsourceip": _of_endpoint(lambda s, endpoint: s.call.source_ip or None),
    "aws:viaawsservice": lambda s: scalar(bool(s.call.caller.via)),
    **READERS,
}
"""The condition keys that calls of any service may have."""

_TAGS: Final[Mapping[str, Callable[[Conditions], Mapping[str, str]]]] = {
    "aws:principaltag": _principal_tags,
    "aws:requesttag": _request_tags,
    "aws:resourcetag": _resource_tags,
    **TAGS,
}
"""The condition keys that end in a tag key; where the name ends in a colon, in what comes after that."""

KNOWN_KEYS: Final = frozenset(_READERS) | frozenset(_TAGS)
"""The condition keys, and the families of those that end in a tag key, that calls of any service may have."""
