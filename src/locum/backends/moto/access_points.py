"""Access points of S3 in moto, and what moto does not know of them: their regions, their rules, and whose bucket.

Amazon S3 API Reference, CreateAccessPoint; S3 User Guide, "Access points naming rules, restrictions, and limitations".
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from locum.backends.moto import recall, s3_access
from locum.backends.moto.models import all_models, backends_of, models_of
from locum.backends.moto.s3_access import Block, block_of
from locum.backends.port import BackendCall
from locum.backends.public_policies import is_public
from locum.backends.s3_policies import restriction
from locum.core.arn import PARTITION, Arn
from locum.core.errors import Fault
from locum.core.s3_errors import ACCESS_DENIED, NO_SUCH_ACCESS_POINT, NO_SUCH_BUCKET

PART: Final = "s3control"
_MODULE: Final = "moto.s3control.models"
_BUCKET_ACCOUNT: Final = "locum_bucket_account"
"""The attribute of an access point in moto for the account that owned its bucket when it was made."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
_ALIAS: Final = "-s3alias"
_ALIASED: Final = 20  # characters of the name that an alias begins with, so that it is no longer than a bucket's name
_OF_ONE: Final = frozenset(
    {
        "DeleteAccessPoint", "DeleteAccessPointPolicy", "GetAccessPoint", "GetAccessPointPolicy",
        "GetAccessPointPolicyStatus", "PutAccessPointPolicy",
    }
)  # fmt: skip
_SETTINGS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
"""The members of a PublicAccessBlockConfiguration, in the order of those of `Block`."""
_ENDPOINTS: Final = {
    "ipv4": "s3-accesspoint",
    "fips": "s3-accesspoint-fips",
    "fips_dualstack": "s3-accesspoint-fips.dualstack",
    "dualstack": "s3-accesspoint.dualstack",
}

_aliases: WeakValueDictionary[str, Any] = WeakValueDictionary()
"""The access points by their aliases, those that are deleted perhaps among them."""


# -- what there is ---------------------------------------------------------------------------------------


def find(arn: Arn) -> Any:
    """moto's access point of the ARN, or of that of an object behind it; None where there is none."""
    kind, _, rest = arn.resource.partition("/")
    point = _points(arn.account).get(rest.partition("/object/")[0]) if kind == "accesspoint" else None
    return point if point is not None and Arn.parse(point.arn).region == arn.region else None


def of_alias(alias: str) -> Any:
    """moto's access point with that alias; None where there is none."""
    recall.here(PART)
    point = _aliases.get(alias)
    return point if point is not None and find(Arn.parse(point.arn)) is point else None


def bucket_of(point: Any) -> Any:
    """moto's bucket of an access point; None where it is gone, or belongs to another account now."""
    owner = backends_of("s3").bucket_accounts.get(point.bucket)
    if owner is None or owner[1] != _bucket_account(point):
        return None
    models = models_of("s3", owner[1], owner[0])
    return None if models is None else models.buckets.get(point.bucket)


def attributes(point: Any) -> dict[str, str]:
    """The attributes of an access point, for its facts; no `bucket` where that is gone."""
    bucket = None if bucket_of(point) is None else point.bucket
    found = {"network_origin": point.network_origin, "vpc": point.vpc_id, "bucket": bucket}
    return {name: value for name, value in found.items() if value}


def tags(point: Any) -> dict[str, str]:
    """The tags of an access point, which moto keeps with those of S3."""
    models = models_of("s3", account_of(point), PARTITION)
    return {} if models is None else dict(models.tagger.get_tag_dict_for_resource(point.arn))


def policy_of(point: Any) -> str | None:
    """The policy that counts for an access point; None where there is none.

    S3 User Guide, "Blocking public access": S3 applies "the most restrictive combination" of the settings of the access
    point, the bucket and the account. RestrictPublicBuckets leaves a public policy to the own account and to services.
    """
    policy: str | None = point.policy
    if policy is None or not block(point).restrict or not is_public(policy):
        return policy
    document = json.loads(policy)
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    kept_out = restriction(point.arn, account_of(point), _bucket_account(point))
    return json.dumps({**document, "Statement": [*statements, kept_out]})


def bucket_policy_of(point: Any, bucket: Any, versions: Sequence[Any], policy: str | None) -> str | None:
    """The policy that counts for the bucket of an access point, or for its object, through the access point.

    `versions` are those of the object, the latest last; `policy` is the bucket policy.
    """
    return s3_access.policy_of(bucket.account_id, bucket, versions, policy, block(point), (account_of(point),))


def block(point: Any) -> Block:
    """The settings of Block Public Access that count through an access point: its own, its bucket's, both accounts'."""
    bucket = bucket_of(point)
    of_bucket = block_of("" if bucket is None else bucket.account_id, bucket)
    found = (_own_block(point), of_bucket, block_of(account_of(point)))
    return Block(*(any(settings) for settings in zip(*found, strict=True)))


def account_of(point: Any) -> str:
    """The account that owns an access point."""
    return str(point.arn).split(":", 5)[4]


def _own_block(point: Any) -> Block:
    return Block(*(str(point.pubc.get(name)).lower() == "true" for name in _SETTINGS))


def _bucket_account(point: Any) -> str:
    return str(getattr(point, _BUCKET_ACCOUNT, ""))


def _points(account: str) -> Mapping[str, Any]:
    """The access points of an account by name."""
    recall.here(PART)
    models = models_of(PART, account, PARTITION) if _MODULE in sys.modules else None
    found: Mapping[str, Any] = {} if models is None else models.access_points.get(account, {})
    return found


def know_aliases() -> None:
    """Know the aliases of all access points, which were kept."""
    for models in all_models(PART):
        for points in models.access_points.values():
            _aliases.update({point.alias: point for point in points.values()})


# -- calls -----------------------------------------------------------------------------------------------


def check(call: BackendCall) -> None:
    """Raise Fault where a call of S3 Control is for an access point of another region, of which moto has one name."""
    if call.operation in _OF_ONE:
        _required(call)
    if call.operation == "PutAccessPointPolicy":
        _check_policy(call)


def check_bucket(call: BackendCall) -> None:
    """Raise Fault for a call of S3 that deletes a bucket with access points of the same account."""
    if call.operation != "DeleteBucket":
        return
    bucket = call.params["Bucket"]
    if any(point.bucket == bucket and bucket_of(point) is not None for point in _points(call.account).values()):
        text = (
            "The bucket you are trying to delete has access points attached. Delete your access points and try again."
        )
        raise Fault("BucketHasAccessPointsAttached", text, 400)


def _create(call: BackendCall) -> dict[str, Any]:
    """CreateAccessPoint. For the bucket of another account, which that need not allow: it grants nothing."""
    from_moto = sys.modules[_MODULE]
    params, name = call.params, str(call.params.get("Name", ""))
    if not _NAME.fullmatch(name) or name.endswith((_ALIAS, "--ol-s3")):
        raise Fault("InvalidAccessPoint", "The specified access point name or account is not valid.", 400)
    if name in _points(call.account):
        text = "Your previous request to create the named accesspoint succeeded and you already own it."
        raise Fault("AccessPointAlreadyOwnedByYou", text, 409)
    bucket, owner = str(params.get("Bucket", "")), params.get("BucketAccountId") or call.account
    found = backends_of("s3").bucket_accounts.get(bucket)
    if found is None:
        raise Fault(*NO_SUCH_BUCKET, members={"BucketName": bucket})
    if found[1] != owner:
        raise Fault(*ACCESS_DENIED)
    models = from_moto.s3control_backends[call.account][PARTITION]
    point = models.create_access_point(
        call.account,
        name,
        bucket,
        params.get("VpcConfiguration") or {},
        params.get("PublicAccessBlockConfiguration") or {},
    )
    point.alias = f"{name[:_ALIASED].rstrip('-')}{point.alias[len(name) :]}"
    point.arn = f"arn:{PARTITION}:s3:{call.region}:{call.account}:accesspoint/{name}"
    setattr(point, _BUCKET_ACCOUNT, owner)
    of_s3 = models_of("s3", call.account, PARTITION)
    if of_s3 is not None:
        of_s3.tagger.delete_all_tags_for_resource(point.arn)  # of an earlier one by that name
    if params.get("Tags"):
        models.tag_resource(point.arn, params["Tags"])
    _aliases[point.alias] = point
    return {"AccessPointArn": point.arn, "Alias": point.alias}


def _get(call: BackendCall) -> dict[str, Any]:
    """GetAccessPoint: moto does not tell whose the bucket is."""
    point = _required(call)
    told = {
        "Name": point.name,
        "Bucket": point.bucket,
        "NetworkOrigin": point.network_origin,
        "PublicAccessBlockConfiguration": dict(zip(_SETTINGS, _own_block(point), strict=True)),
        "CreationDate": datetime.fromisoformat(point.created).replace(tzinfo=UTC),
        "Alias": point.alias,
        "AccessPointArn": point.arn,
        "Endpoints": {kind: f"{host}.{call.region}.amazonaws.com" for kind, host in _ENDPOINTS.items()},
        "BucketAccountId": _bucket_account(point),
    }
    return told if point.vpc_id is None else {**told, "VpcConfiguration": {"VpcId": point.vpc_id}}


def _policy_status(call: BackendCall) -> dict[str, Any]:
    """GetAccessPointPolicyStatus: moto takes every policy for a public one."""
    point = _required(call)
    if point.policy is None:
        raise Fault("NoSuchAccessPointPolicy", "The specified accesspoint policy does not exist", 404)
    return {"PolicyStatus": {"IsPublic": is_public(point.policy)}}


def _required(call: BackendCall) -> Any:
    """The access point that a call of S3 Control names, in its region. Raises Fault where there is none."""
    name = str(call.params.get("Name", ""))
    point = find(Arn(PARTITION, "s3", call.region, call.account, f"accesspoint/{name}"))
    if point is None:
        raise Fault(*NO_SUCH_ACCESS_POINT)
    return point


def _check_policy(call: BackendCall) -> None:
    """Raise Fault for a public policy where BlockPublicPolicy is on: at the access point, its bucket or the account."""
    point = _required(call)
    if block(point).policy and is_public(str(call.params.get("Policy", ""))):
        raise Fault(
            "AccessDenied",
            f"User: {call.origin.arn} is not authorized to perform: s3:PutAccessPointPolicy on resource: {point.arn} "
            "because public policies are blocked by the BlockPublicPolicy block public access setting.",
            403,
        )


OPERATIONS: Final[Mapping[str, Callable[[BackendCall], dict[str, Any]]]] = {
    "CreateAccessPoint": _create,
    "GetAccessPoint": _get,
    "GetAccessPointPolicyStatus": _policy_status,
}
"""The operations of S3 Control that moto's handlers do not carry out."""
