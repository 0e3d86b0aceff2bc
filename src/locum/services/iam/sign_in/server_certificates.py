"""Server certificates of the account. Their private keys are stored sealed, and never returned."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from locum.credentials.certificates import (
    X509,
    BadCertificate,
    BadChain,
    BadPrivateKey,
    KeyMismatch,
    check_chain,
    check_private_key,
    read_certificate,
    seal_private_key,
)
from locum.services.iam import shapes, tags
from locum.services.iam.faults import key_pair_mismatch, malformed_certificate
from locum.services.iam.kinds import Kind, by_name
from locum.services.iam.limits import SERVER_CERTIFICATES
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import ServerCertificate, put, remove

KIND: Final = Kind(
    ServerCertificate,
    "ServerCertificate",
    "ASCA",
    "The Server Certificate with name {} cannot be found.",
    "The Server Certificate with name {} already exists.",
    "ServerCertificatesPerAccount",
    SERVER_CERTIFICATES,
)

_NOT_PEM: Final = "Unable to parse certificate. Please ensure the certificate is in PEM format."
_NOT_VALID: Final = "The certificate is not valid at this time."
_BROKEN_CHAIN: Final = (
    "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, "
    "followed by any intermediaries in order. The index within the chain of the invalid certificate is: {}"
)


def upload_server_certificate(context: Context, params: Params) -> Outcome:
    """UploadServerCertificate."""
    new_tags = tags.given(params, ServerCertificate)
    name = KIND.new_name(context, params["ServerCertificateName"])
    read = _read(context, params)
    new_id = KIND.new_id(context)
    certificate = ServerCertificate(
        account=context.account,
        name=name,
        path=params.get("Path", "/"),
        id=new_id,
        created=int(context.now),
        body=params["CertificateBody"],
        chain=params.get("CertificateChain", ""),
        private_key=seal_private_key(context.keyring, new_id, params["PrivateKey"], context.entropy),
        expires=read.expires,
        tags=new_tags,
    )
    shown = {"ServerCertificateMetadata": _metadata(certificate), **shapes.given_tags(new_tags)}
    return Outcome(shown, (put(certificate),))


def get_server_certificate(context: Context, params: Params) -> Outcome:
    """GetServerCertificate."""
    certificate = KIND.of(context, params)
    shown = {
        "ServerCertificateMetadata": _metadata(certificate),
        "CertificateBody": certificate.body,
        **({"CertificateChain": certificate.chain} if certificate.chain else {}),
        "Tags": shapes.short_tags_first(certificate.tags),
    }
    return Outcome({"ServerCertificate": shown})


def list_server_certificates(context: Context, params: Params) -> Outcome:
    """ListServerCertificates."""
    found = page(params, KIND.under(context, params), by_name)
    return found.outcome("ServerCertificateMetadataList", _metadata)


def update_server_certificate(context: Context, params: Params) -> Outcome:
    """UpdateServerCertificate: changes name or path; the unique id and the private key sealed for it stay the same."""
    certificate = KIND.of(context, params)
    name = params.get("NewServerCertificateName", certificate.name)
    if name.lower() != certificate.key:
        KIND.unused_name(context, name)
    changed = replace(certificate, name=name, path=params.get("NewPath", certificate.path))
    moved = () if changed.key == certificate.key else (remove(certificate),)
    return Outcome({}, (*moved, put(changed)))


def delete_server_certificate(context: Context, params: Params) -> Outcome:
    """DeleteServerCertificate. It does not check whether a load balancer uses the certificate."""
    return Outcome({}, (remove(KIND.of(context, params)),))


def _read(context: Context, params: Params) -> X509:
    """Validate the certificate, its validity period, chain and key. Raises MalformedCertificate, KeyPairMismatch."""
    try:
        certificate = read_certificate(params["CertificateBody"])
        if not certificate.valid_at(context.now):
            raise malformed_certificate(_NOT_VALID)
        check_private_key(certificate, params["PrivateKey"])
        if "CertificateChain" in params:
            check_chain(certificate, params["CertificateChain"])
    except BadCertificate:
        raise malformed_certificate(_NOT_PEM) from None
    except BadPrivateKey:
        raise malformed_certificate("Invalid Private Key.") from None
    except KeyMismatch:
        raise key_pair_mismatch() from None
    except BadChain as broken:
        raise malformed_certificate(_BROKEN_CHAIN.format(broken.index)) from None
    return certificate


def _metadata(certificate: ServerCertificate) -> dict[str, Any]:
    return {
        "Path": certificate.path,
        "ServerCertificateName": certificate.name,
        "ServerCertificateId": certificate.id,
        "Arn": certificate.arn,
        "UploadDate": certificate.created,
        "Expiration": certificate.expires,
    }


OPERATIONS: Final[dict[str, Operation]] = {
    "UploadServerCertificate": writes(upload_server_certificate),
    "GetServerCertificate": reads(get_server_certificate),
    "ListServerCertificates": reads(list_server_certificates),
    "UpdateServerCertificate": writes(update_server_certificate),
    "DeleteServerCertificate": writes(delete_server_certificate),
    **tags.operations("ServerCertificate", ServerCertificate, KIND.of),
}
