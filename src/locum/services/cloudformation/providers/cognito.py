"""Cognito: pools of users with their clients, domains and groups, and pools of identities with their roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Ending, Properties, Provider, Request, Resource, Work
from locum.services.cloudformation.providers.steps import Steps, adopting, changed, or_instead, refuse
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, provider

_USERS: Final = "cognito-idp"
_IDENTITIES: Final = "cognito-identity"
_STACK: Final = "aws:cloudformation:stack-id"
_LOGICAL: Final = "aws:cloudformation:logical-id"
_TAGGING: Final = ("TagResource", "UntagResource")
_NOT_IMPLEMENTED: Final = 501
"""The status of a call that a backend cannot carry out."""


def _or_whole(work: Work, whole: Request) -> Work:
    """`work`, in which `whole` takes the place of calls for tags that a backend does not have, as the embedded one."""

    def instead(request: Request, fault: Fault) -> Request | None:
        return whole if fault.status == _NOT_IMPLEMENTED and request.operation in _TAGGING else None

    return or_instead(work, instead)


def _members(takes: str, properties: Properties) -> dict[str, Any]:
    """The members of a call that `takes` properties, as a row of the table has them."""
    names = (taken.rpartition("=") for taken in takes.split())
    return {member or name: properties[name] for member, _, name in names if name in properties}


# -- pools of users --------------------------------------------------------------------------------------

_POOL: Final = {"UserPoolId": "{id}"}
_OF_POOL: Final = {"UserPoolId": "{p.UserPoolId}"}
_SETTINGS: Final = (
    "AccountRecoverySetting AdminCreateUserConfig AutoVerifiedAttributes DeletionProtection DeviceConfiguration "
    "EmailConfiguration EmailVerificationMessage EmailVerificationSubject IssuerConfiguration KeyConfiguration "
    "LambdaConfig Policies PoolName=UserPoolName SmsAuthenticationMessage SmsConfiguration SmsVerificationMessage "
    "UserAttributeUpdateSettings UserPoolAddOns UserPoolTier VerificationMessageTemplate"
)
_ONCE: Final = ("AliasAttributes", "UsernameAttributes", "UsernameConfiguration")
_FACTORS: Final = {
    "EMAIL_OTP": "EmailMfaConfiguration",
    "SMS_MFA": "SmsMfaConfiguration",
    "SOFTWARE_TOKEN_MFA": "SoftwareTokenMfaConfiguration",
}
_PASSKEYS: Final = {
    "FactorConfiguration": "WebAuthnFactorConfiguration",
    "RelyingPartyId": "WebAuthnRelyingPartyID",
    "UserVerification": "WebAuthnUserVerification",
}
_OF_FACTORS: Final = ("EmailAuthenticationMessage", "EmailAuthenticationSubject", "EnabledMfas", *_PASSKEYS.values())


def _shaped(properties: Properties) -> Properties:
    """The properties. What users have beside a password is set by a call of its own where a kind of it is named."""
    found = {name: value for name, value in properties.items() if name not in _OF_FACTORS}
    factors = _factors(properties)
    if factors:
        found["Factors"] = {"MfaConfiguration": properties.get("MfaConfiguration", "OFF"), **factors}
    elif "MfaConfiguration" in properties:
        found["MfaAtOnce"] = properties["MfaConfiguration"]
    return found


def _factors(properties: Properties) -> dict[str, Any]:
    """The configuration of each factor that is enabled, as SetUserPoolMfaConfig has it."""
    found: dict[str, Any] = {}
    for name in properties.get("EnabledMfas") or ():
        if name not in _FACTORS:
            raise Fault("InvalidRequest", f"EnabledMfas has {name}, which is none of {', '.join(_FACTORS)}")
        found[_FACTORS[name]] = _factor(name, properties)
    if passkeys := {member: properties[name] for member, name in _PASSKEYS.items() if name in properties}:
        found["WebAuthnConfiguration"] = passkeys
    return found


def _factor(name: str, properties: Properties) -> dict[str, Any]:
    if name == "SOFTWARE_TOKEN_MFA":
        return {"Enabled": True}
    given = (
        {"SmsAuthenticationMessage": "SmsAuthenticationMessage", "SmsConfiguration": "SmsConfiguration"}
        if name == "SMS_MFA"
        else {"Message": "EmailAuthenticationMessage", "Subject": "EmailAuthenticationSubject"}
    )
    return {member: properties[source] for member, source in given.items() if source in properties}


_SET_FACTORS: Final = {
    **_POOL,
    "MfaConfiguration": "{p.Factors.MfaConfiguration}",
    **{name: f"{{p.Factors.{name}}}" for name in (*_FACTORS.values(), "WebAuthnConfiguration")},
}
_POOLS: Final = Row(
    _USERS,
    Call("CreateUserPool", takes=f"{_SETTINGS} {' '.join(_ONCE)} MfaConfiguration=MfaAtOnce Schema"),
    "{c.UserPool.Id}",
    (Call("DeleteUserPool", _POOL),),
    attributes={
        "Arn": "arn:aws:cognito-idp:{region}:{account}:userpool/{id}",
        "ProviderName": "cognito-idp.{region}.amazonaws.com/{id}",
        "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{id}",
        "UserPoolId": "{id}",
    },
    name=Name("UserPoolName", 128, member="PoolName"),
    tags=Tags(
        Call("TagResource", {"ResourceArn": "{attr.Arn}", "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceArn": "{attr.Arn}", "TagKeys": "{keys}"}),
        member="UserPoolTags",
        form="map",
        property="UserPoolTags",
    ),
    settings=(
        Change(Call("UpdateUserPool", _POOL, f"{_SETTINGS} MfaConfiguration")),
        Change(
            Call("SetUserPoolMfaConfig", _SET_FACTORS),
            on="Factors",
            removed=Call("SetUserPoolMfaConfig", {**_POOL, "MfaConfiguration": "OFF"}),
            at_creation=True,
        ),
    ),
    shaped=_shaped,
    unused=frozenset({*_ONCE, "MfaAtOnce", "MfaConfiguration", "Schema"}),
    shown=Shown(
        Call("DescribeUserPool", {"UserPoolId": "{id}"}),
        "UserPool",
        members={"UserPoolName": "{it.Name}"},
        lists=Listing(Call("ListUserPools", {"MaxResults": 60}), "UserPools", "{item.Id}"),
    ),
)


def _pools() -> Provider:
    """Pools of users. What cannot be changed is refused: another pool would be one without the users."""
    row = adopting(provider(_POOLS), _made_already)
    assert row.update is not None
    change = row.update

    def update(resource: Resource, before: Properties) -> Work:
        own = resource.properties
        for name in _ONCE:
            if changed(before, own, name):
                raise Fault("InvalidRequest", f"Updates are not allowed for property - {name}.")
        yield from _more_attributes(resource, before)
        tags = {"UserPoolId": resource.physical, "UserPoolTags": resource.all_tags(own.get("UserPoolTags"))}
        whole = Request(_USERS, "UpdateUserPool", tags | _members(f"{_SETTINGS} MfaConfiguration", own))
        return (yield from _or_whole(change(resource, before), whole))

    return row._replace(update=update)


def _made_already(resource: Resource) -> Steps[Mapping[str, Any] | None]:
    """The answer of an interrupted creation: names of pools are not unique, their tags tell whose they are."""
    page: dict[str, Any] = {"MaxResults": 60}
    while True:
        answer = yield Request(_USERS, "ListUserPools", page)
        for pool in answer.get("UserPools") or ():
            found = yield Request(_USERS, "DescribeUserPool", {"UserPoolId": pool["Id"]})
            tags = found["UserPool"].get("UserPoolTags") or {}
            if (tags.get(_STACK), tags.get(_LOGICAL)) == (resource.tags.get(_STACK, ""), resource.logical):
                return found
        if not answer.get("NextToken"):
            return None
        page = {"MaxResults": 60, "NextToken": answer["NextToken"]}


def _more_attributes(resource: Resource, before: Properties) -> Ending:
    """Add attributes of users. API Reference: "Existing schema attributes cannot be modified or deleted."."""
    had, wanted = ({item["Name"]: item for item in side.get("Schema") or ()} for side in (before, resource.properties))
    if any(wanted.get(name) != item for name, item in had.items()):
        raise Fault("InvalidRequest", "Existing schema attributes cannot be modified or deleted.")
    if new := [item for name, item in wanted.items() if name not in had]:
        pool = {"UserPoolId": resource.physical, "CustomAttributes": new}
        yield Request(_USERS, "AddCustomAttributes", pool)


_CLIENT: Final = (
    "AccessTokenValidity AllowedOAuthFlows AllowedOAuthFlowsUserPoolClient AllowedOAuthScopes AnalyticsConfiguration "
    "AuthSessionValidity CallbackURLs ClientName DefaultRedirectURI EnablePropagateAdditionalUserContextData "
    "EnableTokenRevocation ExplicitAuthFlows IdTokenValidity LogoutURLs PreventUserExistenceErrors ReadAttributes "
    "RefreshTokenRotation RefreshTokenValidity SupportedIdentityProviders TokenValidityUnits WriteAttributes"
)
_OF_CLIENT: Final = {**_OF_POOL, "ClientId": "{id}"}
_CLIENTS: Final = Row(
    _USERS,
    Call("CreateUserPoolClient", takes=f"UserPoolId GenerateSecret {_CLIENT}"),
    "{c.UserPoolClient.ClientId}",
    (Call("DeleteUserPoolClient", _OF_CLIENT),),
    attributes={
        "ClientId": "{id}",
        "ClientSecret": "{c.UserPoolClient.ClientSecret}",
        "Name": "{c.UserPoolClient.ClientName}",
    },
    name=Name("ClientName", 128),
    settings=(Change(Call("UpdateUserPoolClient", _OF_CLIENT, _CLIENT)),),
    shown=Shown(
        Call("DescribeUserPoolClient", {**_OF_POOL, "ClientId": "{id}"}),
        "UserPoolClient",
        lists=Listing(Call("ListUserPoolClients", _OF_POOL), "UserPoolClients", "{item.ClientId}"),
    ),
)

_DOMAIN: Final = {**_OF_POOL, "Domain": "{id}"}
_APPEARANCE: Final = "CustomDomainConfig ManagedLoginVersion Routing"
_DOMAINS: Final = Row(
    _USERS,
    Call("CreateUserPoolDomain", takes=f"Domain UserPoolId {_APPEARANCE}"),
    "{p.Domain}",
    (Call("DeleteUserPoolDomain", _DOMAIN),),
    attributes={"CloudFrontDistribution": "{c.CloudFrontDomain}"},
    settings=(Change(Call("UpdateUserPoolDomain", _DOMAIN, _APPEARANCE)),),
)

_OF_GROUP: Final = {**_OF_POOL, "GroupName": "{id}"}
_GROUPS: Final = Row(
    _USERS,
    Call("CreateGroup", takes="UserPoolId Description Precedence RoleArn"),
    "{name}",
    (Call("DeleteGroup", _OF_GROUP),),
    name=Name("GroupName", 128),
    exists=frozenset({"GroupExistsException"}),
    settings=(Change(Call("UpdateGroup", _OF_GROUP, "Description Precedence RoleArn")),),
    shown=Shown(
        Call("GetGroup", {**_OF_POOL, "GroupName": "{id}"}),
        "Group",
        lists=Listing(Call("ListGroups", _OF_POOL), "Groups", "{item.GroupName}"),
    ),
)

# -- pools of identities ---------------------------------------------------------------------------------

_IDENTITY_POOL: Final = (
    "AllowClassicFlow AllowUnauthenticatedIdentities CognitoIdentityProviders DeveloperProviderName "
    "OpenIdConnectProviderARNs SamlProviderARNs SupportedLoginProviders"
)
_OF_IDENTITIES: Final = {"IdentityPoolId": "{id}"}
_ARN: Final = "arn:aws:cognito-identity:{region}:{account}:identitypool/{id}"
_IDENTITY_POOLS: Final = Row(
    _IDENTITIES,
    Call("CreateIdentityPool", takes=_IDENTITY_POOL),
    "{c.IdentityPoolId}",
    (Call("DeleteIdentityPool", _OF_IDENTITIES),),
    attributes={"Id": "{id}", "Name": "{r.IdentityPoolName}"},
    name=Name("IdentityPoolName", 128),
    tags=Tags(
        Call("TagResource", {"ResourceArn": _ARN, "Tags": "{tags}"}),
        Call("UntagResource", {"ResourceArn": _ARN, "TagKeys": "{keys}"}),
        member="IdentityPoolTags",
        form="map",
        property="IdentityPoolTags",
    ),
    read=Call("DescribeIdentityPool", _OF_IDENTITIES),
    settings=(
        Change(
            Call(
                "UpdateIdentityPool",
                {**_OF_IDENTITIES, "IdentityPoolName": "{p.IdentityPoolName|attr.Name}"},
                _IDENTITY_POOL,
            ),
            on="IdentityPoolName",
        ),
    ),
)
_SYNCED: Final = ("CognitoEvents", "CognitoStreams", "PushSync")


def _identity_pools() -> Provider:
    """Pools of identities. Cognito Sync, which is of the past, is refused."""
    row = provider(_IDENTITY_POOLS)
    assert row.update is not None
    change = row.update

    def create(resource: Resource) -> Work:
        refuse(resource.properties, *_SYNCED)
        return (yield from row.create(resource))

    def update(resource: Resource, before: Properties) -> Work:
        own = resource.properties
        refuse(own, *_SYNCED)
        tags = {"IdentityPoolId": resource.physical, "IdentityPoolTags": resource.all_tags(own.get("IdentityPoolTags"))}
        name = own.get("IdentityPoolName") or resource.attributes["Name"]
        whole = Request(
            _IDENTITIES, "UpdateIdentityPool", {**tags, "IdentityPoolName": name, **_members(_IDENTITY_POOL, own)}
        )
        return (yield from _or_whole(change(resource, before), whole))

    return row._replace(create=create, update=update)


def _by_provider(properties: Properties) -> Properties:
    """The properties of roles: the API has rules by identity provider, and needs roles, of which there may be none."""
    properties = {"Roles": {}, **properties}
    if "RoleMappings" not in properties:
        return properties
    rules = properties["RoleMappings"].items()
    mappings = {
        rule.get("IdentityProvider", name): {member: value for member, value in rule.items() if member != _PROVIDER}
        for name, rule in rules
    }
    return {**properties, "RoleMappings": mappings}


_PROVIDER: Final = "IdentityProvider"
_OF_ROLES: Final = {"IdentityPoolId": "{p.IdentityPoolId}"}
_ROLES: Final = Row(
    _IDENTITIES,
    Call("SetIdentityPoolRoles", takes="IdentityPoolId Roles RoleMappings"),
    "{p.IdentityPoolId}",
    (Call("SetIdentityPoolRoles", {**_OF_ROLES, "Roles": {}, "RoleMappings": {}}),),
    attributes={"Id": "{id}"},
    settings=(Change(Call("SetIdentityPoolRoles", _OF_ROLES, "Roles RoleMappings")),),
    shaped=_by_provider,
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Cognito::IdentityPool": _identity_pools(),
    "AWS::Cognito::IdentityPoolRoleAttachment": provider(_ROLES),
    "AWS::Cognito::UserPool": _pools(),
    "AWS::Cognito::UserPoolClient": provider(_CLIENTS),
    "AWS::Cognito::UserPoolDomain": provider(_DOMAINS),
    "AWS::Cognito::UserPoolGroup": provider(_GROUPS),
}
