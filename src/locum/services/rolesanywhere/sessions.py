"""CreateSession: a session of a role for a certificate.

IAM Roles Anywhere User Guide, "The IAM Roles Anywhere trust model". In this order:

1. The request was signed with the key of its certificate (`locum.gateway.certificates`).
2. The certificate leads to a certificate of the trust anchor, which is enabled, and none on the way was revoked.
3. The profile is of the account of the trust anchor, enabled, and has the role.
4. IAM Roles Anywhere assumes the role for the trust anchor (aws:SourceArn), with attributes of the certificate as
   session tags and the common name as the source identity: the role's trust policy decides on sts:AssumeRole,
   sts:TagSession and sts:SetSourceIdentity.

The second step is done before the call has a caller, and again on the state that the verb sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cryptography import x509
from msgspec.structs import replace

from locum.core.actors import service_principal
from locum.core.arn import Arn
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.core.principal import Caller, ClientCertificate
from locum.credentials import certificatepaths
from locum.services.asking import Asking
from locum.services.rolesanywhere.attributes import attributes_of, mapped, source_identity
from locum.services.rolesanywhere.faults import denied, untrusted
from locum.services.verbs import Context, Outcome, Params
from locum.state import State, put
from locum.state.anywhere import AnywhereProfile, CertificateSubject, RevocationList, SeenCertificate, TrustAnchor
from locum.state.autoscaling import regional

SERVICE: Final = "rolesanywhere.amazonaws.com"
MOST_SEEN: Final = 100
"""The certificates of a subject that are kept, the latest of them."""


def caller(state: State, certificate: ClientCertificate, params: Params, region: str, now: float) -> Caller:
    """The caller with a certificate: the service, for the trust anchor that verifies it. Raises AccessDenied."""
    anchor = _anchor(state, params, region)
    _verify(state, anchor, certificate, now)
    found = service_principal(SERVICE, anchor.account, anchor.arn)
    return Caller(found.principal, source=found.source, certificate=certificate)


def create_session(ctx: Context, params: Params) -> Asking:
    """rolesanywhere:CreateSession, by a caller whose signature was verified."""
    certificate = ctx.caller.certificate
    if certificate is None:  # signed with an access key
        raise denied("CreateSession is signed with the key of a certificate")
    anchor = _anchor(ctx.state, params, ctx.region)
    leaf = _verify(ctx.state, anchor, certificate, ctx.now)
    profile = _profile(ctx.state, anchor, params)
    asked = _assume_role(profile, leaf, params)
    actor = service_principal(SERVICE, anchor.account, anchor.arn)
    try:
        given = yield Ask(ServiceCall(actor, "sts", "AssumeRole", asked, ctx.region))
    except Fault as fault:
        if fault.status >= 500:
            raise
        raise denied(f"Unable to assume role for {params['roleArn']}") from fault
    subject = _seen(ctx, anchor, leaf)
    return Outcome({"credentialSet": [_shown(ctx, given, params)], "subjectArn": subject.arn}, (put(subject),))


def _anchor(state: State, params: Params, region: str) -> TrustAnchor:
    arn = Arn.find(params.get("trustAnchorArn", ""))
    if arn is None or arn.region != region:
        raise untrusted()
    identifier = arn.resource.rpartition("/")[2]
    anchor = state.get(TrustAnchor, arn.account, regional(region, identifier))
    if anchor is None or anchor.arn != str(arn) or not anchor.enabled:
        raise untrusted()
    return anchor


def _verify(state: State, anchor: TrustAnchor, certificate: ClientCertificate, now: float) -> x509.Certificate:
    """The certificate of the client, which leads to one of `anchor`. Raises AccessDenied."""
    try:
        leaf, *chain = map(x509.load_der_x509_certificate, (certificate.leaf, *certificate.chain))
        bundle = certificatepaths.read_bundle(anchor.certificates)
        lists = [
            x509.load_pem_x509_crl(it.data)
            for it in state.table(RevocationList, anchor.account).values()
            if it.anchor == anchor.arn and it.enabled
        ]
        certificatepaths.verify(leaf, chain, bundle, lists, now)
    except (certificatepaths.Untrusted, certificatepaths.BadBundle, ValueError):
        raise untrusted() from None
    return leaf


def _profile(state: State, anchor: TrustAnchor, params: Params) -> AnywhereProfile:
    identifier = params["profileArn"].rpartition("/")[2]
    profile = state.get(AnywhereProfile, anchor.account, regional(anchor.region, identifier))
    if profile is None or profile.arn != params["profileArn"] or not profile.enabled:
        raise denied(f"Unable to use profile {params['profileArn']}")
    if params["roleArn"] not in profile.roles:
        raise denied(f"Profile {profile.arn} does not have the role {params['roleArn']}")
    if params.get("roleSessionName") and not profile.takes_session_name:
        raise denied("Not authorized to set roleSessionName")
    return profile


def _assume_role(profile: AnywhereProfile, leaf: x509.Certificate, params: Params) -> dict[str, Any]:
    """The parameters of AssumeRole. "By default, the session name is the serial number", in hexadecimal digits."""
    serial = f"{leaf.serial_number:x}"
    tags = mapped(attributes_of(leaf), profile.mappings)
    asked: dict[str, Any] = {
        "RoleArn": params["roleArn"],
        "RoleSessionName": params.get("roleSessionName") or serial.zfill(len(serial) + len(serial) % 2),
        "DurationSeconds": min(params.get("durationSeconds", profile.seconds), profile.seconds),
    }
    optional = {
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "SourceIdentity": source_identity(leaf),
        "Policy": profile.session_policy,
        "PolicyArns": [{"arn": arn} for arn in profile.policies],
    }
    return asked | {member: value for member, value in optional.items() if value}


def _seen(ctx: Context, anchor: TrustAnchor, leaf: x509.Certificate) -> CertificateSubject:
    """The subject of the certificate, which was seen now."""
    name, now = leaf.subject.rfc4514_string(), int(ctx.now)
    seen = SeenCertificate(
        serial=str(leaf.serial_number),
        issuer=leaf.issuer.rfc4514_string(),
        certificate=certificatepaths.pem(leaf),
        seen=now,
    )
    for found in _subjects(ctx.state, anchor):
        if found.name == name:
            others = [it for it in found.credentials if (it.serial, it.issuer) != (seen.serial, seen.issuer)]
            return replace(found, seen=now, updated=now, credentials=(*others[1 - MOST_SEEN :], seen))
    return CertificateSubject(
        account=anchor.account,
        region=anchor.region,
        id=request_id(ctx.entropy),
        created=now,
        updated=now,
        enabled=True,
        name=name,
        seen=now,
        credentials=(seen,),
    )


def _subjects(state: State, anchor: TrustAnchor) -> Iterator[CertificateSubject]:
    return (it for it in state.table(CertificateSubject, anchor.account).values() if it.region == anchor.region)


def _shown(ctx: Context, given: Mapping[str, Any], params: Params) -> dict[str, Any]:
    credentials, assumed = given["Credentials"], given["AssumedRoleUser"]
    shown = {
        "assumedRoleUser": {"arn": assumed["Arn"], "assumedRoleId": assumed["AssumedRoleId"]},
        "credentials": {
            "accessKeyId": credentials["AccessKeyId"],
            "expiration": credentials["Expiration"] - round(ctx.ahead),  # by the client's clock
            "secretAccessKey": credentials["SecretAccessKey"],
            "sessionToken": credentials["SessionToken"],
        },
        "roleArn": params["roleArn"],
    }
    optional = {"packedPolicySize": given.get("PackedPolicySize"), "sourceIdentity": given.get("SourceIdentity")}
    return shown | {member: value for member, value in optional.items() if value is not None}
