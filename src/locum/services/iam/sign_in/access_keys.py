"""Long-term access keys of users and of the root user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from locum.credentials import new_access_key
from locum.services.iam import last_use, shapes
from locum.services.iam.faults import access_denied, invalid_input, no_such_entity, quota_exceeded
from locum.services.iam.limits import ACCESS_KEYS_PER_USER
from locum.services.iam.pagination import page
from locum.services.iam.sign_in import owners
from locum.services.verbs import Context, Operation, Outcome, Params, looks_up, reads, writes
from locum.state import AccessKey, User, put, remove
from locum.state.indexes import ACCESS_KEY_ID, KEYS_OF_USER, scoped


def create_access_key(context: Context, params: Params) -> Outcome:
    """CreateAccessKey. Only this answer contains the secret."""
    owner = owners.user_or_root(context, params)
    if context.state.count(KEYS_OF_USER, scoped(context.account, owner.key)) >= ACCESS_KEYS_PER_USER:
        raise quota_exceeded("AccessKeysPerUser", ACCESS_KEYS_PER_USER)
    key_id, secret, sealed = new_access_key(context.keyring, context.account, context.entropy)
    seconds, milliseconds = divmod(int(context.now * 1000), 1000)
    key = AccessKey(
        account=context.account,
        id=key_id,
        user=owner.key,
        secret=sealed,
        created=seconds,
        millisecond=milliseconds,
    )
    shown = {"UserName": "", **shapes.access_key(key, owner.name), "SecretAccessKey": secret}
    return Outcome({"AccessKey": shown}, (put(key),))


def list_access_keys(context: Context, params: Params) -> Outcome:
    """ListAccessKeys."""
    owner = owners.user_or_root(context, params)
    found = page(params, _keys(context, owner), lambda key: key.id)
    return found.outcome("AccessKeyMetadata", lambda key: shapes.access_key(key, owner.name))


def update_access_key(context: Context, params: Params) -> Outcome:
    """UpdateAccessKey: Active or Inactive. Only AWS sets the model's third status."""
    key = _key(context, params)
    if params["Status"] not in ("Active", "Inactive"):
        raise invalid_input(f"The status of an access key cannot be set to {params['Status']}.")
    return Outcome({}, (put(replace(key, active=params["Status"] == "Active")),))


def delete_access_key(context: Context, params: Params) -> Outcome:
    """DeleteAccessKey."""
    return Outcome({}, (remove(_key(context, params)),))


def get_access_key_last_used(context: Context, params: Params) -> Outcome:
    """GetAccessKeyLastUsed. Region and service are "N/A" for a key that was never used, as on AWS."""
    key_id = params["AccessKeyId"]
    key = context.state.first(AccessKey, ACCESS_KEY_ID, key_id)
    if key is None or key.account != context.account:
        raise access_denied(
            f"User: {context.caller.principal.arn} is not authorized to perform iam:GetAccessKeyLastUsed"
            f" on resource: access key {key_id}"
        )
    user = context.state.get(User, key.account, key.user)
    last = last_use.of_key(context, key.account if user is None else user.id, key)
    shown: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
    if last is not None:
        shown = {
            "LastUsedDate": int(last.at),
            "ServiceName": last_use.service_of(last),
            "Region": last_use.region_of(last),
        }
    return Outcome({**({} if user is None else {"UserName": user.name}), "AccessKeyLastUsed": shown})


def _keys(context: Context, owner: owners.Owner) -> Iterator[AccessKey]:
    for key in context.state.find(KEYS_OF_USER, scoped(context.account, owner.key)):
        if isinstance(key, AccessKey):
            yield key


def _key(context: Context, params: Params) -> AccessKey:
    """The key AccessKeyId of the owner in `params`. Raises NoSuchEntity."""
    owner = owners.user_or_root(context, params)
    key = context.state.get(AccessKey, context.account, params["AccessKeyId"])
    if key is None or key.user != owner.key:
        raise no_such_entity(f"The Access Key with id {params['AccessKeyId']} cannot be found.")
    return key


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateAccessKey": writes(create_access_key),
    "ListAccessKeys": reads(list_access_keys),
    "UpdateAccessKey": writes(update_access_key),
    "DeleteAccessKey": writes(delete_access_key),
    "GetAccessKeyLastUsed": looks_up(get_access_key_last_used),
}
