"""A private key that is sent in place of what is public stays out of the record."""

from __future__ import annotations

import botocore.session
import pytest

from locum.wire.redact import HIDDEN, compile_redactor

PUBLIC = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
PRIVATE = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("operation", "member", "recorded"),
    [
        ("UploadServerCertificate", "CertificateBody", "certificateBody"),
        ("UploadServerCertificate", "CertificateChain", "certificateChain"),
        ("UploadSigningCertificate", "CertificateBody", "certificateBody"),
        ("UploadSSHPublicKey", "SSHPublicKeyBody", "sSHPublicKeyBody"),
    ],
)
def test_a_private_key_in_a_public_member_is_hidden(operation: str, member: str, recorded: str) -> None:
    model = botocore.session.get_session().get_service_model("iam").operation_model(operation)
    redact = compile_redactor(model)
    assert redact({member: PUBLIC}) == {recorded: PUBLIC}
    assert redact({member: f"{PUBLIC}\n{PRIVATE}"}) == {recorded: HIDDEN}
