"""OpenID Connect providers, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from support.iam_plane import ACCOUNT, NOW, OTHER, Plane, arn

ARN = "OpenIDConnectProviderArn"
THUMBPRINT = "a" * 40
IDP = arn("oidc-provider", "idp.example/realm")
GONE = arn("oidc-provider", "gone.example")


def create(plane: Plane, url: str = "https://idp.example/realm", **params: Any) -> str:
    return str(plane.call("CreateOpenIDConnectProvider", Url=url, **params)[ARN])


def get(plane: Plane, provider: str = IDP) -> dict[str, Any]:
    return plane.call("GetOpenIDConnectProvider", **{ARN: provider})


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://idp.example", "idp.example"),
        ("https://idp.example/", "idp.example/"),
        ("https://idp.example/realm", "idp.example/realm"),
        ("https://IdP.example/Realm", "IdP.example/Realm"),
        ("http://example.org/oidc-query?test=true", "example.org/oidc-query"),
        ("http://127.0.0.1:8080/realms/one", "127.0.0.1:8080/realms/one"),
        ("http://localhost:8080", "localhost:8080"),
    ],
)
def test_a_provider_is_known_by_its_url_without_the_scheme(plane: Plane, url: str, kept: str) -> None:
    provider = create(plane, url)
    assert provider == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{kept}"
    assert get(plane, provider) == {
        "Url": kept,
        "ClientIDList": [],
        "ThumbprintList": [],
        "CreateDate": NOW,
        "Tags": [],
    }


@pytest.mark.parametrize(
    "url",
    [
        "example",
        "example.org",
        "ftp://example.org",
        "https://",
        "https://user@example.org",
        "https://example.org/a/../../b",
        "https://example.org/./a",
        "https://exa mple.org",
        "https://example.org/a b",
        "https://[::1",
        "https://example.org:port",
    ],
)
def test_what_is_no_url_of_an_issuer_is_refused(plane: Plane, url: str) -> None:
    assert plane.fault("CreateOpenIDConnectProvider", Url=url) == (
        "ValidationError",
        400,
        "Invalid Open ID Connect Provider URL",
    )


@pytest.mark.parametrize(
    ("params", "fault"),
    [
        (
            {"ThumbprintList": [THUMBPRINT] * 6},
            ("InvalidInput", 400, "Thumbprint list must contain fewer than 5 entries."),
        ),
        (
            {"ClientIDList": [str(number) for number in range(101)]},
            ("LimitExceeded", 409, "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"),
        ),
        (
            {"Tags": [{"Key": "aws:x", "Value": ""}]},
            ("InvalidInput", 400, "aws: prefixed tag key names are not allowed for external use."),
        ),
    ],
)
def test_limits_of_one_provider(plane: Plane, params: dict[str, Any], fault: tuple[str, int, str]) -> None:
    assert plane.fault("CreateOpenIDConnectProvider", Url="https://idp.example", **params) == fault


def test_a_url_has_one_provider(plane: Plane) -> None:
    create(plane)
    assert plane.fault("CreateOpenIDConnectProvider", Url="https://idp.example/realm") == (
        "EntityAlreadyExists",
        409,
        "Provider with url https://idp.example/realm already exists.",
    )


def test_an_account_has_a_hundred_providers(plane: Plane) -> None:
    for number in range(100):
        create(plane, f"https://idp.example/{number}")
    assert plane.fault("CreateOpenIDConnectProvider", Url="https://idp.example/100") == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100",
    )


def test_what_was_given_is_shown(plane: Plane) -> None:
    tags = [{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}]
    made = plane.call(
        "CreateOpenIDConnectProvider",
        Url="https://idp.example/realm",
        ClientIDList=["two", "one", "two"],
        ThumbprintList=[THUMBPRINT],
        Tags=tags,
    )
    assert made == {ARN: IDP, "Tags": tags}
    shown = get(plane)
    assert shown["ClientIDList"] == ["two", "one"]
    assert shown["ThumbprintList"] == [THUMBPRINT]
    assert shown["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]


def test_all_are_listed_in_one_answer(plane: Plane) -> None:
    assert plane.call("ListOpenIDConnectProviders") == {"OpenIDConnectProviderList": []}
    arns = [create(plane, f"https://idp.example/{name}") for name in "ba"]
    listed = plane.call("ListOpenIDConnectProviders")["OpenIDConnectProviderList"]
    assert listed == [{"Arn": arn, "IsTrustedIdentityPropagationEnabled": False} for arn in sorted(arns)]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("GetOpenIDConnectProvider", {}),
        ("AddClientIDToOpenIDConnectProvider", {"ClientID": "x"}),
        ("RemoveClientIDFromOpenIDConnectProvider", {"ClientID": "x"}),
        ("UpdateOpenIDConnectProviderThumbprint", {"ThumbprintList": []}),
        ("TagOpenIDConnectProvider", {"Tags": []}),
        ("UntagOpenIDConnectProvider", {"TagKeys": []}),
        ("ListOpenIDConnectProviderTags", {}),
    ],
)
@pytest.mark.parametrize("provider", [GONE, arn("oidc-provider", "idp.example/realm", OTHER), arn("role", "x")])
def test_a_provider_that_is_not_there(plane: Plane, operation: str, params: dict[str, Any], provider: str) -> None:
    create(plane)
    assert plane.fault(operation, **{ARN: provider}, **params) == (
        "NoSuchEntity",
        404,
        f"OpenIDConnect Provider not found for arn {provider}",
    )


def test_deleting_means_this_provider_alone(plane: Plane) -> None:
    create(plane)
    for provider in (GONE, arn("oidc-provider", "idp.example/realm", OTHER)):
        text = f"OpenId connect Provider {provider} cannot be found."
        assert plane.fault("DeleteOpenIDConnectProvider", **{ARN: provider}) == ("NoSuchEntity", 404, text)
    plane.call("DeleteOpenIDConnectProvider", **{ARN: IDP})
    assert plane.fault("DeleteOpenIDConnectProvider", **{ARN: IDP})[0] == "NoSuchEntity"
    assert plane.call("ListOpenIDConnectProviders") == {"OpenIDConnectProviderList": []}


def test_client_ids_are_added_and_removed_idempotently(plane: Plane) -> None:
    create(plane)
    for _ in range(2):
        plane.call("AddClientIDToOpenIDConnectProvider", **{ARN: IDP}, ClientID="app")
        assert get(plane)["ClientIDList"] == ["app"]
    for _ in range(2):
        plane.call("RemoveClientIDFromOpenIDConnectProvider", **{ARN: IDP}, ClientID="app")
        assert get(plane)["ClientIDList"] == []


def test_the_hundred_and_first_client_id_is_one_too_many(plane: Plane) -> None:
    create(plane, ClientIDList=[str(number) for number in range(100)])
    plane.call("AddClientIDToOpenIDConnectProvider", **{ARN: IDP}, ClientID="0")
    assert plane.fault("AddClientIDToOpenIDConnectProvider", **{ARN: IDP}, ClientID="100") == (
        "LimitExceeded",
        409,
        "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100",
    )


def test_thumbprints_are_replaced(plane: Plane) -> None:
    create(plane, ThumbprintList=[THUMBPRINT])
    plane.call("UpdateOpenIDConnectProviderThumbprint", **{ARN: IDP}, ThumbprintList=["b" * 40, "c" * 40])
    assert get(plane)["ThumbprintList"] == ["b" * 40, "c" * 40]
    assert plane.fault("UpdateOpenIDConnectProviderThumbprint", **{ARN: IDP}, ThumbprintList=["d" * 40] * 6)[:2] == (
        "InvalidInput",
        400,
    )


def test_tags_are_kept_case_sensitive_and_paged(plane: Plane) -> None:
    create(plane)
    tags = [{"Key": f"k{number:02}", "Value": "v"} for number in range(9)]
    plane.call("TagOpenIDConnectProvider", **{ARN: IDP}, Tags=[*tags, {"Key": "K00", "Value": "other"}])
    plane.call("UntagOpenIDConnectProvider", **{ARN: IDP}, TagKeys=["K00", "k08"])
    pages = plane.pages("ListOpenIDConnectProviderTags", "Tags", **{ARN: IDP}, MaxItems=3)
    assert [len(found) for found in pages] == [3, 3, 2]
    assert [tag for found in pages for tag in found] == tags[:8]


def test_the_fifty_first_tag_is_one_too_many(plane: Plane) -> None:
    create(plane, Tags=[{"Key": str(number), "Value": ""} for number in range(50)])
    code, status, _ = plane.fault("TagOpenIDConnectProvider", **{ARN: IDP}, Tags=[{"Key": "50", "Value": ""}])
    assert (code, status) == ("LimitExceeded", 409)


# -- trusted identity propagation --------------------------------------------------------------------------------

INSTANCE = "arn:aws:sso:::instance/ssoins-1234567890abcdef"
CONTEXT = {
    "SubjectSourceKey": "sub",
    "SubjectTypeValue": "user",
    "KeyDefinitionList": [{"SourceKey": "dept id", "TargetKey": "department"}, {"SourceKey": "team"}],
}


def update(plane: Plane, provider: str, **params: Any) -> dict[str, Any]:
    plane.call("UpdateOpenIDConnectProvider", **{ARN: provider}, **params)
    return get(plane, provider)


def test_a_context_provider_is_set_shown_and_taken_off(plane: Plane) -> None:
    provider = create(plane)
    assert "ContextProvider" not in get(plane, provider)
    assert update(plane, provider, ContextProvider=CONTEXT)["ContextProvider"] == CONTEXT
    assert "ContextProvider" not in update(plane, provider, RemoveContextProvider=True)


def test_an_association_needs_a_context_provider_and_goes_first(plane: Plane) -> None:
    provider = create(plane)
    associate = {ARN: provider, "IdentityCenterInstanceArn": INSTANCE}
    assert plane.fault("UpdateOpenIDConnectProvider", **associate)[0] == "InvalidInput"
    update(plane, provider, ContextProvider=CONTEXT)
    shown = update(plane, provider, IdentityCenterInstanceArn=INSTANCE)
    assert (shown["IdentityCenterInstanceArn"], shown["ContextProvider"]) == (INSTANCE, CONTEXT)
    listed = plane.call("ListOpenIDConnectProviders")["OpenIDConnectProviderList"]
    assert listed == [{"Arn": provider, "IsTrustedIdentityPropagationEnabled": True}]
    removal = {ARN: provider, "RemoveContextProvider": True}
    assert plane.fault("UpdateOpenIDConnectProvider", **removal)[0] == "InvalidInput"
    assert "IdentityCenterInstanceArn" not in update(plane, provider, RemoveIdentityCenterInstance=True)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"RemoveContextProvider": False},
        {"ContextProvider": CONTEXT, "RemoveContextProvider": True},
        {"ContextProvider": CONTEXT, "IdentityCenterInstanceArn": INSTANCE},
        {"RemoveContextProvider": True, "RemoveIdentityCenterInstance": True},
        {"ContextProvider": {"SubjectSourceKey": " sub"}},
        {"ContextProvider": {"SubjectSourceKey": "a  b"}},
        {"ContextProvider": {"SubjectSourceKey": "sub", "SubjectTypeValue": "x", "SubjectTypeSourceKey": "y"}},
    ],
)
def test_a_change_is_of_one_thing_and_not_both_ways(plane: Plane, params: dict[str, Any]) -> None:
    provider = create(plane)
    update(plane, provider, ContextProvider=CONTEXT)
    assert plane.fault("UpdateOpenIDConnectProvider", **{ARN: provider}, **params)[0] == "InvalidInput"


def test_a_provider_is_made_with_both(plane: Plane) -> None:
    both = {"ContextProvider": CONTEXT, "IdentityCenterInstanceArn": INSTANCE}
    shown = get(plane, create(plane, "https://idp.example/both", **both))
    assert {name: shown[name] for name in both} == both
    alone = {"Url": "https://idp.example/alone", "IdentityCenterInstanceArn": INSTANCE}
    assert plane.fault("CreateOpenIDConnectProvider", **alone)[0] == "InvalidInput"
