"""IAM's errors. Codes and statuses are those of the model, texts those of AWS (IAM API Reference, "Errors")."""

from __future__ import annotations

from locum.core.errors import Fault


def no_such_entity(message: str) -> Fault:
    """NoSuchEntity: the resource does not exist."""
    return Fault("NoSuchEntity", message, 404)


def already_exists(message: str) -> Fault:
    """EntityAlreadyExists: the name is in use."""
    return Fault("EntityAlreadyExists", message, 409)


def delete_conflict(message: str) -> Fault:
    """DeleteConflict: something depends on the resource."""
    return Fault("DeleteConflict", message, 409)


def limit_exceeded(message: str) -> Fault:
    """LimitExceeded with a text of its own."""
    return Fault("LimitExceeded", message, 409)


def quota_exceeded(quota: str, limit: int) -> Fault:
    """LimitExceeded with the common text; `quota` is AWS's name of the quota (`PoliciesPerRole`)."""
    return limit_exceeded(f"Cannot exceed quota for {quota}: {limit}")


def malformed_policy(message: str) -> Fault:
    """MalformedPolicyDocument: a policy document is not valid."""
    return Fault("MalformedPolicyDocument", message, 400)


def invalid_input(message: str) -> Fault:
    """InvalidInput: a value is well-formed, but not acceptable."""
    return Fault("InvalidInput", message, 400)


def validation_error(message: str) -> Fault:
    """ValidationError: a value breaks a constraint that is not in the model."""
    return Fault("ValidationError", message, 400)


def invalid_authentication_code() -> Fault:
    """InvalidAuthenticationCode: the codes of an MFA device are not two consecutive ones."""
    return Fault("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)


def unmodifiable_role(name: str) -> Fault:
    """UnmodifiableEntity: a service-linked role (or one of IAM Identity Center) cannot be changed."""
    return Fault(
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
        400,
    )


def not_attachable(message: str) -> Fault:
    """PolicyNotAttachable: the policy cannot be attached to this kind of identity."""
    return Fault("PolicyNotAttachable", message, 400)


def password_policy_violation(message: str) -> Fault:
    """PasswordPolicyViolation: a password does not conform to the account's password policy."""
    return Fault("PasswordPolicyViolation", message, 400)


def invalid_user_type(message: str) -> Fault:
    """InvalidUserType: only IAM users can make the call."""
    return Fault("InvalidUserType", message, 400)


def report_not_ready(code: str, status: int) -> Fault:
    """The errors of GetCredentialReport, which AWS returns without a message."""
    return Fault(code, "", status)


def malformed_certificate(message: str) -> Fault:
    """MalformedCertificate: "the certificate was malformed or expired.

    The error message describes the specific error".
    """
    return Fault("MalformedCertificate", message, 400)


def invalid_certificate() -> Fault:
    """InvalidCertificate: the certificate is well-formed, but not acceptable."""
    return Fault("InvalidCertificate", "The certificate is invalid.", 400)


def duplicate_certificate() -> Fault:
    """DuplicateCertificate: the account has the same signing certificate already."""
    return Fault("DuplicateCertificate", "The same certificate is associated with an IAM user in the account.", 409)


def key_pair_mismatch() -> Fault:
    """KeyPairMismatch: the private key does not match the certificate."""
    return Fault("KeyPairMismatch", "The public key certificate and the private key do not match.", 400)


def invalid_public_key() -> Fault:
    """InvalidPublicKey: an SSH public key is of a known encoding, but not an acceptable key."""
    return Fault("InvalidPublicKey", "The public key is malformed or otherwise invalid.", 400)


def unrecognized_public_key_encoding() -> Fault:
    """UnrecognizedPublicKeyEncoding: an SSH public key is neither in ssh-rsa format nor in PEM."""
    return Fault("UnrecognizedPublicKeyEncoding", "The public key encoding format is unsupported or unrecognized.", 400)


def duplicate_ssh_public_key() -> Fault:
    """DuplicateSSHPublicKey: the user has this SSH public key already."""
    return Fault("DuplicateSSHPublicKey", "The SSH public key is already associated with the specified IAM user.", 400)


def access_denied(message: str) -> Fault:
    """AccessDenied, for the few denials that do not depend on policies."""
    return Fault("AccessDenied", message, 403)
