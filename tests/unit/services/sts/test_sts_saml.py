"""AssumeRoleWithSAML: whom an assertion makes the caller, what AWS asks of it, and what the session is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.core.principal import Caller, PrincipalKind, Session
from locum.credentials import open_session, saml
from locum.services.sts import OPERATIONS, saml_caller
from locum.state import SamlProvider
from locum.state.providers import SamlPrivateKey
from support.one_account import ACCOUNT, ALLOW_ALL, NOW, OTHER, Entropy, Plane, role
from support.saml_idp import (
    ATTRIBUTES,
    ISSUER,
    RECIPIENT,
    Login,
    encrypted,
    metadata,
    sent,
    signed_assertion,
    signed_response,
    signer,
)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/App"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/Okta"
UUID = "SAMLSPAAAAAAAAAAAAAAAAA"
QUALIFIER = "L6uvwxg7oeQE/Ho/NCkLuWyt60s="
BASE = {f"{ATTRIBUTES}Role": [f"{ROLE},{PROVIDER}"], f"{ATTRIBUTES}RoleSessionName": ["ann"]}
LOGIN = Login(now=NOW, attributes=BASE)


def provider(name: str = "Okta", account: str = ACCOUNT, **fields: Any) -> SamlProvider:
    given = {"metadata": metadata(), "expires": int(NOW) + 1000, "id": UUID, "created": 1, **fields}
    return SamlProvider(account=account, name=name, **given)


@pytest.fixture
def sts() -> Plane:
    plane = Plane("sts", OPERATIONS)
    plane.having(role("App", path="/team/", max_session=7200), provider())
    return plane


def saying(attributes: Mapping[str, list[str]] | None = None, **changes: Any) -> Login:
    """A login with further attributes of AWS's (by their last part), and changes."""
    more = {ATTRIBUTES + name: values for name, values in (attributes or {}).items()}
    return LOGIN.with_(attributes={**BASE, **more}, **changes)


def vouch(sts: Plane, document: Any, **params: Any) -> Caller:
    """Who calls, going by the document."""
    text = document if isinstance(document, str) else sent(document)
    given = {"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": text, **params}
    return saml_caller(sts.state, sts.keyring, given, sts.now)


def refusal(sts: Plane, document: Any, **params: Any) -> tuple[str, int, str]:
    with pytest.raises(Fault) as caught:
        vouch(sts, document, **params)
    return caught.value.code, caught.value.status, caught.value.message


def assume(sts: Plane, login: Login = LOGIN, **params: Any) -> dict[str, Any]:
    """The answer to the call, with what the gateway does before it."""
    document = signed_assertion(login)
    sts.caller = vouch(sts, document)
    given = {"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": sent(document), **params}
    return sts.call("AssumeRoleWithSAML", **given)


def opened(sts: Plane, answer: Mapping[str, Any]) -> Session:
    credentials = answer["Credentials"]
    session, _ = open_session(sts.keyring, credentials["AccessKeyId"], credentials["SessionToken"])
    return session


# -- who the caller is ----------------------------------------------------------------------------------------


def test_the_caller_is_the_subject_as_the_provider_knows_it(sts: Plane) -> None:
    principal = vouch(sts, signed_assertion(LOGIN)).principal
    assert principal.kind is PrincipalKind.SAML
    assert principal.provider == PROVIDER
    assert principal.account == ACCOUNT
    assert (principal.user_id, principal.name) == (f"{QUALIFIER}:ann@example.com", "ann@example.com")


def test_what_a_trust_policy_may_ask_for(sts: Plane) -> None:
    person, organization = "urn:oid:1.3.6.1.4.1.5923.1.1.1.", "urn:oid:1.3.6.1.4.1.5923.1.2.1."
    attributes = {
        **BASE,
        f"{person}1": ["staff", "member"],
        f"{person}3": ["dc=example"],
        f"{organization}4": ["Example"],
        "urn:oid:2.5.4.3": ["Ann"],
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress": ["ann@example.com", "second"],
        "0.9.2342.19200300100.1.1": ["ann"],
        "http://example.com/other": ["not a key"],
    }
    federated_claims = vouch(sts, signed_response(LOGIN.with_(attributes=attributes))).federated_claims
    assert federated_claims is not None
    assert federated_claims.context == {
        "saml:aud": RECIPIENT,
        "saml:iss": ISSUER,
        "saml:sub": "ann@example.com",
        "saml:sub_type": "persistent",
        "saml:namequalifier": QUALIFIER,
        "saml:doc": f"{ACCOUNT}/Okta",
        "sts:rolesessionname": "ann",
        "saml:edupersonaffiliation": ("staff", "member"),
        "saml:edupersonorgdn": "dc=example",
        "saml:eduorglegalname": ("Example",),
        "saml:cn": ("Ann",),
        "saml:mail": "ann@example.com",
        "saml:uid": "ann",
    }


@pytest.mark.parametrize(
    "values",
    [
        [f"{ROLE},{PROVIDER}"],
        [f"{PROVIDER},{ROLE}"],
        [f"\n  {PROVIDER} , {ROLE}\n"],
        [f"{ROLE}2,{PROVIDER}", f"{ROLE},{PROVIDER}"],
    ],
)
def test_the_pair_of_role_and_provider_comes_in_any_order(sts: Plane, values: list[str]) -> None:
    assert vouch(sts, signed_assertion(saying({"Role": values}))).federated_claims is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"audience": "https://signin.aws.amazon.com/saml"},
        {"recipient": "https://eu-west-1.signin.aws.amazon.com/saml"},
        {"recipient": f"https://signin.aws.amazon.com/saml/acs/{UUID}"},
        {"not_before": 0.0},
        {"issued": -299.0},
    ],
)
def test_what_aws_takes_as_well(sts: Plane, changes: dict[str, Any]) -> None:
    assert vouch(sts, signed_assertion(LOGIN.with_(**changes))).federated_claims is not None


def test_the_same_response_is_taken_again(sts: Plane) -> None:
    """AWS sent no request that a response could answer: InResponseTo and repetition are not looked at."""
    document = signed_assertion(LOGIN)
    assert vouch(sts, document) == vouch(sts, document)


# -- what AWS asks of an assertion ----------------------------------------------------------------------------

INVALID = "InvalidIdentityToken"
NO_PAIR = "SAML Assertion doesn't contain the requested Role and Metadata in the attributes"
NO_NAME = "RoleSessionName is required in AuthnResponse"
BAD_NAME = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"
BAD_SOURCE = 'Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"'
NO_RECIPIENT = "Response does not contain the required recipient"
TOO_LATE = ("ExpiredTokenException", 400, "Token must be redeemed within 5 minutes of issuance")
EXPIRED = ("ExpiredTokenException", 400, "Response has expired")
ISSUERS = "Issuer not present in specified provider"


def invalid(message: str) -> tuple[str, int, str]:
    return INVALID, 400, message


@pytest.mark.parametrize(
    ("login", "met"),
    [
        pytest.param(LOGIN.with_(issuer="https://evil.example"), invalid(ISSUERS), id="wrong issuer"),
        pytest.param(LOGIN.with_(response_issuer="https://evil.example"), invalid(ISSUERS), id="wrong outer issuer"),
        pytest.param(
            LOGIN.with_(audience="https://other.example"),
            invalid("Response does not contain the required audience"),
            id="wrong audience",
        ),
        pytest.param(LOGIN.with_(recipient="https://evil.example/saml"), invalid(NO_RECIPIENT), id="wrong recipient"),
        pytest.param(
            LOGIN.with_(recipient="https://signin.aws.amazon.com.evil.example/saml"),
            invalid(NO_RECIPIENT),
            id="recipient that begins right",
        ),
        pytest.param(
            LOGIN.with_(recipient=f"https://signin.aws.amazon.com/saml/acs/{UUID}B"),
            invalid(NO_RECIPIENT),
            id="recipient of another provider",
        ),
        pytest.param(
            LOGIN.with_(confirmations=0),
            invalid("Response must contain exactly one SubjectConfirmation"),
            id="no confirmation",
        ),
        pytest.param(
            LOGIN.with_(confirmations=2),
            invalid("Response must contain exactly one SubjectConfirmation"),
            id="two confirmations",
        ),
        pytest.param(LOGIN.with_(not_on_or_after=0), EXPIRED, id="expired"),
        pytest.param(LOGIN.with_(confirmed_until=0), EXPIRED, id="confirmation expired"),
        pytest.param(LOGIN.with_(session_ends=0), EXPIRED, id="session over"),
        pytest.param(LOGIN.with_(issued=-300), TOO_LATE, id="issued five minutes ago"),
        pytest.param(LOGIN.with_(not_before=1), invalid("Response is not valid yet"), id="not yet valid"),
        pytest.param(
            LOGIN.with_(status="urn:oasis:names:tc:SAML:2.0:status:Requester"),
            ("IDPRejectedClaim", 403, "The identity provider reported that authentication failed"),
            id="status is not success",
        ),
        pytest.param(saying({"Role": []}), invalid(NO_PAIR), id="no role"),
        pytest.param(saying({"Role": [f"{ROLE}2,{PROVIDER}"]}), invalid(NO_PAIR), id="another role"),
        pytest.param(saying({"Role": [f"{ROLE},{PROVIDER}2"]}), invalid(NO_PAIR), id="another provider"),
        pytest.param(saying({"Role": [ROLE, PROVIDER]}), invalid(NO_PAIR), id="no pair"),
        pytest.param(saying({"Role": [f"{ROLE.lower()},{PROVIDER}"]}), invalid(NO_PAIR), id="other case"),
        pytest.param(saying({"RoleSessionName": []}), invalid(NO_NAME), id="no session name"),
        pytest.param(saying({"RoleSessionName": ["a"]}), invalid(BAD_NAME), id="short session name"),
        pytest.param(saying({"RoleSessionName": ["a" * 65]}), invalid(BAD_NAME), id="long session name"),
        pytest.param(saying({"RoleSessionName": ["ann lee"]}), invalid(BAD_NAME), id="session name with a space"),
        pytest.param(saying({"SourceIdentity": ["aws:ann"]}), invalid(BAD_SOURCE), id="reserved source identity"),
        pytest.param(saying({"SourceIdentity": ["a", "b"]}), invalid(BAD_SOURCE), id="two source identities"),
        pytest.param(
            saying({"PrincipalTag:Team": ["a", "b"]}),
            invalid("PrincipalTag Team must have exactly one value"),
            id="a tag with two values",
        ),
        pytest.param(LOGIN.with_(name_id=""), invalid("NameID is required in AuthnResponse"), id="no subject"),
    ],
)
def test_an_assertion_that_is_not_for_aws_now_and_here_is_refused(
    sts: Plane, login: Login, met: tuple[str, int, str]
) -> None:
    assert refusal(sts, signed_response(login)) == met


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(LOGIN.response(), "Response signature invalid", id="unsigned"),
        pytest.param(signed_assertion(LOGIN, signer("stranger")), "Response signature invalid", id="by a stranger"),
        pytest.param("%%%%", "Invalid base64 SAMLResponse", id="not base64"),
        pytest.param("AAAA", "Invalid SAML response", id="not XML"),
        pytest.param(sent(b"<!DOCTYPE a><a/>"), "Invalid SAML response", id="document type"),
    ],
)
def test_what_the_provider_did_not_say_is_refused(sts: Plane, document: Any, message: str) -> None:
    assert refusal(sts, document) == invalid(message)


def test_the_certificates_are_those_of_the_provider_that_is_named(sts: Plane) -> None:
    """Another provider of the account, with another key, cannot vouch for this one's users."""
    sts.having(provider("Other", metadata=metadata(signer("other"))))
    both = saying({"Role": [f"{ROLE},{PROVIDER}", f"{ROLE},{PROVIDER[:-4]}Other"]})
    assert refusal(sts, signed_assertion(both, signer("other"))) == invalid("Response signature invalid")
    assert (
        vouch(sts, signed_assertion(both, signer("other")), PrincipalArn=f"{PROVIDER[:-4]}Other").federated_claims
        is not None
    )


def test_metadata_that_has_expired_vouches_for_nobody(sts: Plane) -> None:
    sts.having(provider(expires=int(NOW)))
    message = "The metadata of the specified provider has expired"
    assert refusal(sts, signed_assertion(LOGIN)) == invalid(message)


@pytest.mark.parametrize(
    ("params", "met"),
    [
        ({"PrincipalArn": f"{PROVIDER}2"}, invalid("Specified provider doesn't exist")),
        ({"PrincipalArn": PROVIDER.lower()}, invalid("Specified provider doesn't exist")),
        ({"PrincipalArn": ROLE}, ("ValidationError", 400, "Request ARN is invalid")),
        ({"PrincipalArn": "not an arn, and long enough"}, ("ValidationError", 400, "Request ARN is invalid")),
        ({"RoleArn": PROVIDER}, ("ValidationError", 400, "Request ARN is invalid")),
    ],
)
def test_role_and_provider_must_be_such(sts: Plane, params: dict[str, str], met: tuple[str, int, str]) -> None:
    assert refusal(sts, signed_assertion(LOGIN), **params) == met


def test_another_accounts_provider_opens_no_role_here(sts: Plane) -> None:
    """It is genuine, and its assertion names this account's role."""
    sts.having(provider("Okta", OTHER))
    theirs = PROVIDER.replace(ACCOUNT, OTHER)
    document = signed_assertion(saying({"Role": [f"{ROLE},{theirs}"]}))
    denied = ("AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithSAML")
    assert refusal(sts, document, PrincipalArn=theirs) == denied


# -- encryption -----------------------------------------------------------------------------------------------


def reading(mode: str) -> SamlProvider:
    keys = Plane("sts", OPERATIONS).keyring  # every plane of these tests has the same key ring
    sealed = saml.seal_private_key(keys, "SAMLPK1", signer("reader").pem, Entropy())
    return provider(encryption_mode=mode, private_keys=(SamlPrivateKey(id="SAMLPK1", added=1, key=sealed),))


ACS = LOGIN.with_(recipient=f"https://signin.aws.amazon.com/saml/acs/{UUID}")


def secret(login: Login, reader: str = "reader") -> Any:
    return login.response(encrypted(signer().sign(login.assertion()), signer(reader)))


@pytest.mark.parametrize("mode", ["Allowed", "Required"])
def test_an_encrypted_assertion_is_read(sts: Plane, mode: str) -> None:
    sts.having(reading(mode))
    assert vouch(sts, secret(ACS)).principal.name == "ann@example.com"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(
            signed_response(ACS), "The specified provider requires encrypted SAML assertions", id="in the clear"
        ),
        pytest.param(secret(ACS, "stranger"), "Unable to decrypt the SAML assertion", id="to another key"),
        pytest.param(secret(LOGIN), NO_RECIPIENT, id="recipient without the provider's id"),
    ],
)
def test_where_encryption_is_required_nothing_else_is_taken(sts: Plane, document: Any, message: str) -> None:
    sts.having(reading("Required"))
    assert refusal(sts, document) == invalid(message)


def test_without_a_private_key_nothing_encrypted_is_read(sts: Plane) -> None:
    assert refusal(sts, secret(ACS)) == invalid("Unable to decrypt the SAML assertion")


# -- the session ----------------------------------------------------------------------------------------------


def test_the_answer_says_who_was_signed_in(sts: Plane) -> None:
    answer = assume(sts)
    credentials = answer.pop("Credentials")
    assert credentials["Expiration"] == NOW + 3600
    assert answer == {
        "AssumedRoleUser": {
            "AssumedRoleId": "AROAAPP:ann",
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/ann",
        },
        "Subject": "ann@example.com",
        "SubjectType": "persistent",
        "Issuer": ISSUER,
        "Audience": RECIPIENT,
        "NameQualifier": QUALIFIER,
    }


def test_another_kind_of_name_is_answered_as_it_is(sts: Plane) -> None:
    form = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    assert assume(sts, LOGIN.with_(name_format=form))["SubjectType"] == form


def test_the_session_has_what_the_assertion_gave_it(sts: Plane) -> None:
    login = saying(
        {
            "PrincipalTag:Team": ["red"],
            "PrincipalTag:Cost": ["42"],
            "TransitiveTagKeys": ["Team"],
            "SourceIdentity": ["ann"],
            "SessionDuration": ["43200"],
        }
    )
    answer = assume(sts, login, DurationSeconds=7200, Policy=ALLOW_ALL)
    assert answer["SourceIdentity"] == "ann"
    assert answer["PackedPolicySize"] > 0
    session = opened(sts, answer)
    assert session.expires_at == NOW + 7200
    assert session.tags == {"Team": "red", "Cost": "42"}
    assert session.transitive_tag_keys == ("Team",)
    assert session.source_identity == "ann"
    assert session.policy == ALLOW_ALL
    assert session.context == {
        "saml:namequalifier": QUALIFIER,
        "saml:sub": "ann@example.com",
        "saml:sub_type": "persistent",
        "aws:federatedprovider": PROVIDER,
    }


def test_a_session_ends_when_the_provider_says(sts: Plane) -> None:
    assert opened(sts, assume(sts, LOGIN.with_(session_ends=1800))).expires_at == NOW + 1800


def test_a_session_is_not_stretched_past_what_the_provider_allows(sts: Plane) -> None:
    assert opened(sts, assume(sts, LOGIN.with_(session_ends=60))).expires_at == NOW + 60


@pytest.mark.parametrize(
    ("params", "login", "code"),
    [
        ({"DurationSeconds": 7201}, LOGIN, "ValidationError"),
        ({"DurationSeconds": 899}, LOGIN, "ValidationError"),
        ({"Policy": "{"}, LOGIN, "MalformedPolicyDocument"),
        ({}, saying({"PrincipalTag:aws:team": ["x"]}), "InvalidParameterValue"),
        ({}, saying({"TransitiveTagKeys": ["Team"]}), "InvalidParameterValue"),
        ({}, saying({f"PrincipalTag:{n}": ["x"] for n in range(51)}), "ValidationError"),
    ],
)
def test_what_a_session_cannot_be_is_refused(sts: Plane, params: dict[str, Any], login: Login, code: str) -> None:
    with pytest.raises(Fault) as caught:
        assume(sts, login, **params)
    assert caught.value.code == code


def test_nobody_is_vouched_for_without_an_assertion(sts: Plane) -> None:
    """Whoever reaches the verb in another way than through the assertion gets nothing."""
    given = {"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": "AAAA"}
    for caller in (Caller(sts.caller.principal), replace(vouch(sts, signed_assertion(LOGIN)), federated_claims=None)):
        sts.caller = caller
        with pytest.raises(Fault, match="Not authorized to perform sts:AssumeRoleWithSAML"):
            sts.call("AssumeRoleWithSAML", **given)
