"""SSH public keys of users, for CodeCommit.

IAM User Guide, "IAM and AWS STS quotas": "SSH public keys assigned to an IAM user: 5".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from locum.core.identifiers import access_key_id
from locum.credentials.sshkeys import BadPublicKey, SshKey, UnknownEncoding, in_pem, read_public_key
from locum.services.iam.faults import (
    duplicate_ssh_public_key,
    invalid_public_key,
    quota_exceeded,
    unrecognized_public_key_encoding,
)
from locum.services.iam.limits import SSH_PUBLIC_KEYS_PER_USER
from locum.services.iam.pagination import page
from locum.services.iam.sign_in import owners
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import SshPublicKey, put, remove

_KEY_ID: Final = "APKA"
_MISSING: Final = "The Public Key with id {} cannot be found."


def upload_ssh_public_key(context: Context, params: Params) -> Outcome:
    """UploadSSHPublicKey. Its answer has the key as uploaded, including its comment."""
    owner, read = owners.user(context, params), _read(params["SSHPublicKeyBody"])
    there = owners.all_of(context, SshPublicKey, owner)
    if any(key.body == read.text for key in there):
        raise duplicate_ssh_public_key()
    if len(there) >= SSH_PUBLIC_KEYS_PER_USER:
        raise quota_exceeded("SSHPublicKeysPerUser", SSH_PUBLIC_KEYS_PER_USER)
    key = SshPublicKey(
        account=context.account,
        id=access_key_id(_KEY_ID, context.account, context.entropy),
        user=owner.key,
        body=read.text,
        fingerprint=read.fingerprint,
        uploaded=int(context.now),
    )
    return Outcome({"SSHPublicKey": _whole(owner, key, params["SSHPublicKeyBody"])}, (put(key),))


def get_ssh_public_key(context: Context, params: Params) -> Outcome:
    """GetSSHPublicKey, in OpenSSH's format or in PEM."""
    owner, key = _found(context, params)
    form = _FORMS.get(params["Encoding"])
    if form is None:
        raise unrecognized_public_key_encoding()
    return Outcome({"SSHPublicKey": _whole(owner, key, form(key.body))})


def list_ssh_public_keys(context: Context, params: Params) -> Outcome:
    """ListSSHPublicKeys: the oldest first."""
    owner = owners.user(context, params)
    found = page(params, owners.all_of(context, SshPublicKey, owner), lambda key: f"{key.uploaded:012}/{key.id}")
    return found.outcome("SSHPublicKeys", lambda key: _listed(owner, key))


def update_ssh_public_key(context: Context, params: Params) -> Outcome:
    """UpdateSSHPublicKey: Active or Inactive."""
    _, key = _found(context, params)
    return Outcome({}, (put(replace(key, active=owners.is_active(params))),))


def delete_ssh_public_key(context: Context, params: Params) -> Outcome:
    """DeleteSSHPublicKey."""
    _, key = _found(context, params)
    return Outcome({}, (remove(key),))


_FORMS: Final[dict[str, Callable[[str], str]]] = {"SSH": str, "PEM": in_pem}


def _read(body: str) -> SshKey:
    """Parse a public key. Raises InvalidPublicKey, UnrecognizedPublicKeyEncoding."""
    try:
        return read_public_key(body)
    except UnknownEncoding:
        raise unrecognized_public_key_encoding() from None
    except BadPublicKey:
        raise invalid_public_key() from None


def _found(context: Context, params: Params) -> tuple[owners.Owner, SshPublicKey]:
    owner = owners.user(context, params)
    return owner, owners.one_of(context, SshPublicKey, owner, params["SSHPublicKeyId"], _MISSING)


def _listed(owner: owners.Owner, key: SshPublicKey) -> dict[str, Any]:
    return {
        "UserName": owner.name,
        "SSHPublicKeyId": key.id,
        "Status": owners.status(key.active),
        "UploadDate": key.uploaded,
    }


def _whole(owner: owners.Owner, key: SshPublicKey, body: str) -> dict[str, Any]:
    return {**_listed(owner, key), "Fingerprint": key.fingerprint, "SSHPublicKeyBody": body}


OPERATIONS: Final[dict[str, Operation]] = {
    "UploadSSHPublicKey": writes(upload_ssh_public_key),
    "GetSSHPublicKey": reads(get_ssh_public_key),
    "ListSSHPublicKeys": reads(list_ssh_public_keys),
    "UpdateSSHPublicKey": writes(update_ssh_public_key),
    "DeleteSSHPublicKey": writes(delete_ssh_public_key),
}
