"""IAM's errors: the code and status are modelled, the texts are AWS's own (IAM API Reference, "Errors")."""

from __future__ import annotations

from locum.core.errors import Fault


def no_such_entity(message: str) -> Fault:
    """The request names a resource that does not exist."""
    return Fault("NoSuchEntity", message, 404)


def already_exists(message: str) -> Fault:
    """The name is taken."""
    return Fault("EntityAlreadyExists", message, 409)


def delete_conflict(message: str) -> Fault:
    """Something still depends on the resource."""
    return Fault("DeleteConflict", message, 409)


def limit_exceeded(message: str) -> Fault:
    """A quota would be exceeded, and the text is not the common one."""
    return Fault("LimitExceeded", message, 409)


def quota_exceeded(quota: str, limit: int) -> Fault:
    """The common text of LimitExceeded; `quota` is AWS's name for it (`PoliciesPerRole`)."""
    return limit_exceeded(f"Cannot exceed quota for {quota}: {limit}")


def malformed_policy(message: str) -> Fault:
    """A policy document does not parse."""
    return Fault("MalformedPolicyDocument", message, 400)


def invalid_input(message: str) -> Fault:
    """A value is well-formed and yet not possible."""
    return Fault("InvalidInput", message, 400)


def validation_error(message: str) -> Fault:
    """A value breaks a constraint that the model does not state."""
    return Fault("ValidationError", message, 400)


def invalid_authentication_code() -> Fault:
    """The codes of an MFA device are not two consecutive ones."""
    return Fault("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)


def unmodifiable_role(name: str) -> Fault:
    """A service-linked role (or one of IAM Identity Center's) is changed by somebody else than its service."""
    return Fault(
        "UnmodifiableEntity",
        f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS",
        400,
    )


def not_attachable(message: str) -> Fault:
    """The policy exists, but not for this kind of identity."""
    return Fault("PolicyNotAttachable", message, 400)


def password_policy_violation(message: str) -> Fault:
    """A password is not what the account's password policy asks for."""
    return Fault("PasswordPolicyViolation", message, 400)


def invalid_user_type(message: str) -> Fault:
    """The call is one that only IAM users can make."""
    return Fault("InvalidUserType", message, 400)


def report_not_ready(code: str, status: int) -> Fault:
    """The credential report cannot be had. AWS answers these errors without a message."""
    return Fault(code, "", status)


def malformed_certificate(message: str) -> Fault:
    """IAM API Reference: "the certificate was malformed or expired. The error message describes the specific error"."""
    return Fault("MalformedCertificate", message, 400)


def invalid_certificate() -> Fault:
    """The certificate is well-formed, and cannot be used."""
    return Fault("InvalidCertificate", "The certificate is invalid.", 400)


def duplicate_certificate() -> Fault:
    """Somebody in the account has the same signing certificate."""
    return Fault("DuplicateCertificate", "The same certificate is associated with an IAM user in the account.", 409)


def key_pair_mismatch() -> Fault:
    """The private key is another certificate's."""
    return Fault("KeyPairMismatch", "The public key certificate and the private key do not match.", 400)


def invalid_public_key() -> Fault:
    """The text of an SSH public key is of a known encoding, and not of a key that is taken."""
    return Fault("InvalidPublicKey", "The public key is malformed or otherwise invalid.", 400)


def unrecognized_public_key_encoding() -> Fault:
    """An SSH public key in a form that is neither ssh-rsa nor PEM."""
    return Fault("UnrecognizedPublicKeyEncoding", "The public key encoding format is unsupported or unrecognized.", 400)


def duplicate_ssh_public_key() -> Fault:
    """The user has this SSH public key already."""
    return Fault("DuplicateSSHPublicKey", "The SSH public key is already associated with the specified IAM user.", 400)


def access_denied(message: str) -> Fault:
    """The few denials that IAM itself decides, whatever policies say."""
    return Fault("AccessDenied", message, 403)
