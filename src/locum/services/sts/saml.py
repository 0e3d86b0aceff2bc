"""AssumeRoleWithSAML: a role session for the subject of a SAML assertion.

`caller` runs before the role's trust policy is evaluated, which needs the assertion's attributes. It uses only elements
that are signed with a certificate of the provider's metadata (`locum.credentials.saml`). AWS's requirements:

1. The provider exists in the role's account.
2. The issuer is the metadata's entityID.
3. "The response must include exactly one SubjectConfirmation element with a SubjectConfirmationData element that
   includes both the NotOnOrAfter attribute and a Recipient attribute": the sign-in endpoint, of any region.
4. The audience is AWS; the time is within the conditions and within five minutes of the issue.
5. The Role attribute has the requested role and provider, and there is a RoleSessionName.

InResponseTo is ignored: AWS did not send the request, and accepts a response more than once while it is valid.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.principal import Caller, ContextValue, FederatedClaims, Principal, PrincipalKind
from locum.credentials import KeyRing, saml
from locum.credentials.saml.assertions import BEARER
from locum.services.sts import saml_claims as claims
from locum.services.sts.faults import invalid, invalid_identity_token
from locum.services.sts.federated import assume, untrusted
from locum.services.verbs import Context, Outcome, Params
from locum.state import SamlProvider, State
from locum.state.arns import entity_by_arn

OPERATION: Final = "AssumeRoleWithSAML"
REDEEMABLE: Final = 300
"""The limit in seconds. "Token must be redeemed within 5 minutes of issuance"."""

AUDIENCES: Final = frozenset({"urn:amazon:webservices", "https://signin.aws.amazon.com/saml"})
_RECIPIENT: Final = re.compile(r"https://(?:[a-z0-9-]+\.)?signin\.aws\.amazon\.com/saml(?:/acs/([A-Z0-9]+))?")
"""IAM User Guide: `https://region-code.signin.aws.amazon.com/saml`; with encryption, `.../saml/acs/IdP-ID`."""

_SESSION_NAME: Final = "sts:rolesessionname"
_UNREADABLE: Final = "Invalid SAML response"


def caller(state: State, keyring: KeyRing, params: Params, now: float) -> Caller:
    """The caller who is authenticated by the assertion in `params` at `now` (epoch seconds).

    Raises Fault: InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim, AccessDenied, ValidationError.
    """
    role_arn, provider_arn = params["RoleArn"], params["PrincipalArn"]
    provider = _provider(state, _account(role_arn, "role/"), provider_arn)
    assertion = _validated_assertion(provider, keyring, params["SAMLAssertion"], now)
    recipient = _recipient(assertion, provider, now)
    _check_conditions(assertion, now)
    if not claims.names_role(assertion, role_arn, provider_arn):
        raise invalid_identity_token("SAML Assertion doesn't contain the requested Role and Metadata in the attributes")
    return _caller(assertion, provider, recipient)


def assume_role_with_saml(ctx: Context, params: Params) -> Outcome:
    """sts:AssumeRoleWithSAML. The assertion was verified before, and the trust policy evaluated."""
    federated_claims = ctx.caller.federated_claims
    if federated_claims is None or ctx.caller.principal.kind is not PrincipalKind.SAML:
        raise untrusted(OPERATION)
    return Outcome(assume(ctx, params, OPERATION, str(federated_claims.context[_SESSION_NAME])))


def _account(text: str, kind: str) -> str:
    arn = Arn.find(text)
    if arn is None or arn.service != "iam" or not arn.resource.startswith(kind):
        raise invalid("Request ARN is invalid")
    return arn.account


def _provider(state: State, account: str, text: str) -> SamlProvider:
    """The provider with exactly this ARN, which must be in the role's account."""
    if _account(text, "saml-provider/") != account:
        raise untrusted(OPERATION)
    found = entity_by_arn(state, SamlProvider, text)
    if found is None:
        raise invalid_identity_token("Specified provider doesn't exist")
    return found


def _validated_assertion(provider: SamlProvider, keyring: KeyRing, text: str, now: float) -> saml.Assertion:
    """The assertion in `text`, validated with the provider's certificates and keys."""
    if now >= provider.expires:
        raise invalid_identity_token("The metadata of the specified provider has expired")
    metadata = saml.read_metadata(provider.metadata)
    keys = [saml.open_private_key(keyring, key.id, key.key) for key in provider.private_keys]
    try:
        response = saml.validate_response(_decoded(text), metadata.certificates, keys)
    except saml.BadSignature:
        raise invalid_identity_token("Response signature invalid") from None
    except saml.BadEncryption:
        raise invalid_identity_token("Unable to decrypt the SAML assertion") from None
    except saml.SamlError:
        raise invalid_identity_token(_UNREADABLE) from None
    assertion = response.assertion
    if assertion is None:
        raise Fault("IDPRejectedClaim", "The identity provider reported that authentication failed", 403)
    if not response.encrypted and provider.encryption_mode == "Required":
        raise invalid_identity_token("The specified provider requires encrypted SAML assertions")
    if assertion.issuer != metadata.entity_id or response.response_issuer not in ("", metadata.entity_id):
        raise invalid_identity_token("Issuer not present in specified provider")
    return assertion


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid_identity_token("Invalid base64 SAMLResponse") from None


def _recipient(assertion: saml.Assertion, provider: SamlProvider, now: float) -> str:
    """The Recipient of the assertion, if it is a sign-in endpoint and the confirmation is valid at `now`."""
    if len(assertion.confirmations) != 1:
        raise invalid_identity_token("Response must contain exactly one SubjectConfirmation")
    method, recipient, not_before, until = assertion.confirmations[0]
    matched = _RECIPIENT.fullmatch(recipient)
    endpoint_ids = () if matched is None else (matched[1],)
    allowed = (provider.id,) if provider.encryption_mode == "Required" else (None, provider.id)
    if method != BEARER or until is None or not any(one in allowed for one in endpoint_ids):
        raise invalid_identity_token("Response does not contain the required recipient")
    _check_span(not_before, until, now)
    return recipient


def _check_conditions(assertion: saml.Assertion, now: float) -> None:
    if not assertion.audiences or not all(AUDIENCES & each for each in assertion.audiences):
        raise invalid_identity_token("Response does not contain the required audience")
    _check_span(assertion.not_before, assertion.not_on_or_after, now)
    if assertion.session_ends is not None and now >= assertion.session_ends:
        raise _expired("Response has expired")
    if now >= assertion.issued_at + REDEEMABLE:
        raise _expired("Token must be redeemed within 5 minutes of issuance")


def _check_span(begin: float | None, end: float | None, now: float) -> None:
    """Raise Fault unless `now` is at or after NotBefore and before NotOnOrAfter. saml-core-2.0-os, 2.5.1.2."""
    if begin is not None and now < begin:
        raise invalid_identity_token("Response is not valid yet")
    if end is not None and now >= end:
        raise _expired("Response has expired")


def _expired(message: str) -> Fault:
    return Fault("ExpiredTokenException", message)


def _caller(assertion: saml.Assertion, provider: SamlProvider, recipient: str) -> Caller:
    if not assertion.name_id:
        raise invalid_identity_token("NameID is required in AuthnResponse")
    qualifier = claims.name_qualifier(assertion.issuer, provider.account, provider.name)
    kind = claims.subject_type(assertion.name_format)
    answer = {
        "Subject": assertion.name_id,
        "SubjectType": kind,
        "Issuer": assertion.issuer,
        "Audience": recipient,
        "NameQualifier": qualifier,
    }
    lasting = {"saml:namequalifier": qualifier, "saml:sub": assertion.name_id, "saml:sub_type": kind}
    context: dict[str, ContextValue] = {
        **claims.attribute_keys(assertion),
        **lasting,
        "saml:aud": recipient,
        "saml:iss": assertion.issuer,
        "saml:doc": f"{provider.account}/{provider.name}",
        _SESSION_NAME: claims.session_name(assertion),
    }
    federated_claims = FederatedClaims(
        context=context,
        lasting={**lasting, "aws:federatedprovider": provider.arn},
        tags=claims.session_tags(assertion),
        transitive_tag_keys=claims.transitive_keys(assertion),
        source_identity=claims.source_identity(assertion),
        ends_at=None if assertion.session_ends is None else int(assertion.session_ends),
        answer=answer,
    )
    user = f"{qualifier}:{assertion.name_id}"
    principal = Principal.federated(PrincipalKind.SAML, provider.arn, provider.account, user, assertion.name_id)
    return Caller(principal, federated_claims=federated_claims)
