"""X.509 signing certificates of users and of the root user.

IAM API Reference, UploadSigningCertificate: "you can use this operation to manage AWS account root user credentials
even if the AWS account has no associated users". Two for each user: IAM User Guide, "IAM and AWS STS quotas".
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.core.clock import Entropy
from locum.core.identifiers import unique_id
from locum.credentials.certificates import X509, BadCertificate, read_certificate
from locum.services.iam.faults import (
    duplicate_certificate,
    invalid_certificate,
    malformed_certificate,
    quota_exceeded,
)
from locum.services.iam.limits import SIGNING_CERTIFICATES_PER_USER
from locum.services.iam.pagination import page
from locum.services.iam.sign_in import owners
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import SigningCertificate, put, remove

_PRIVATE_KEY: Final = "PRIVATE KEY-----"
_MISSING: Final = "The Certificate with id {} cannot be found."


def upload_signing_certificate(context: Context, params: Params) -> Outcome:
    """UploadSigningCertificate. A certificate is unique within the account."""
    owner, body = owners.user_or_root(context, params), params["CertificateBody"]
    read = _read(context, body)
    if any(one.digest == read.digest for one in context.state.table(SigningCertificate, context.account).values()):
        raise duplicate_certificate()
    if len(owners.all_of(context, SigningCertificate, owner)) >= SIGNING_CERTIFICATES_PER_USER:
        raise quota_exceeded("CertificatesPerUser", SIGNING_CERTIFICATES_PER_USER)
    certificate = SigningCertificate(
        account=context.account,
        id=_new_id(context.entropy),
        user=owner.key,
        body=body,
        digest=read.digest,
        uploaded=int(context.now),
    )
    return Outcome({"Certificate": _shown(owner, certificate)}, (put(certificate),))


def list_signing_certificates(context: Context, params: Params) -> Outcome:
    """ListSigningCertificates: the oldest first."""
    owner = owners.user_or_root(context, params)
    certificates = owners.all_of(context, SigningCertificate, owner)
    found = page(params, certificates, lambda one: f"{one.uploaded:012}/{one.id}")
    return found.outcome("Certificates", lambda one: _shown(owner, one))


def update_signing_certificate(context: Context, params: Params) -> Outcome:
    """UpdateSigningCertificate: Active or Inactive."""
    certificate = _found(context, params)
    return Outcome({}, (put(replace(certificate, active=owners.is_active(params))),))


def delete_signing_certificate(context: Context, params: Params) -> Outcome:
    """DeleteSigningCertificate."""
    return Outcome({}, (remove(_found(context, params)),))


def _read(context: Context, body: str) -> X509:
    """Parse a certificate. Raises MalformedCertificate, also if it has expired; InvalidCertificate if not valid yet."""
    try:
        certificate = read_certificate(body)
    except BadCertificate:
        # IAM repeats the text in its error. Errors are recorded, so a private key sent by mistake is not repeated.
        quoted = "" if _PRIVATE_KEY in body else f" {body}"
        raise malformed_certificate(f"Certificate{quoted} is malformed.") from None
    if certificate.valid_at(context.now):
        return certificate
    if context.now < certificate.begins:
        raise invalid_certificate()
    raise malformed_certificate("The certificate has expired.")


def _new_id(entropy: Entropy) -> str:
    """Generate a certificate id: 32 characters without a prefix (CertificateId: 24 at least)."""
    return (unique_id("", entropy) + unique_id("", entropy))[:32]


def _found(context: Context, params: Params) -> SigningCertificate:
    owner = owners.user_or_root(context, params)
    return owners.one_of(context, SigningCertificate, owner, params["CertificateId"], _MISSING)


def _shown(owner: owners.Owner, certificate: SigningCertificate) -> dict[str, Any]:
    return {
        "UserName": owner.name,
        "CertificateId": certificate.id,
        "CertificateBody": certificate.body,
        "Status": owners.status(certificate.active),
        "UploadDate": certificate.uploaded,
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "UploadSigningCertificate": writes(upload_signing_certificate),
    "ListSigningCertificates": reads(list_signing_certificates),
    "UpdateSigningCertificate": writes(update_signing_certificate),
    "DeleteSigningCertificate": writes(delete_signing_certificate),
}
