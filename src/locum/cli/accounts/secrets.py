"""What of an account is secret, and in no export: told, so that nobody misses it later."""

from __future__ import annotations

from collections.abc import Iterable

from locum.cli.accounts.reading import Client, at_once
from locum.cli.client import CallFailed

_LISTED = (
    ("list_access_keys", "AccessKeyMetadata", "access keys"),
    ("list_mfa_devices", "MFADevices", "MFA devices"),
    ("list_ssh_public_keys", "SSHPublicKeys", "SSH keys"),
    ("list_signing_certificates", "Certificates", "signing certificates"),
    ("list_service_specific_credentials", "ServiceSpecificCredentials", "service-specific credentials"),
)


def left_out(users: Iterable[str], client: Client) -> list[str]:
    """What users have that nobody else is to know. Raises CallFailed."""
    counted: dict[str, list[str]] = {}

    def look(user: str) -> list[tuple[str, str]]:
        found = [
            (what, user)
            for operation, member, what in _LISTED
            for _ in client.call("iam", operation, UserName=user)[member]
        ]
        return [*found, *([("passwords", user)] if _has_password(user, client) else [])]

    for told in at_once(client, look, users):
        for what, user in told:
            counted.setdefault(what, []).append(user)
    return [f"{len(names)} {what}, of {', '.join(dict.fromkeys(names))}" for what, names in counted.items()]


def _has_password(user: str, client: Client) -> bool:
    try:
        client.call("iam", "get_login_profile", UserName=user)
    except CallFailed as error:
        if error.code != "NoSuchEntity":
            raise
        return False
    return True
