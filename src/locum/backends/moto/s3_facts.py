"""The facts of buckets, objects and access points of S3 in moto."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from locum.backends.moto import access_points, encryption, s3_access, uploads
from locum.backends.moto.models import backends_of, models_of
from locum.backends.moto.readings import policy_text, tags_in
from locum.backends.s3_policies import OWN_STATEMENTS, own_statements
from locum.core.arn import PARTITION, Arn
from locum.core.resources import UNKNOWN, ResourceFacts

_NO_BUCKET: Final = ResourceFacts(attributes={"absent": "bucket"})


def facts_of_bucket(arn: Arn, parts: Collection[str]) -> ResourceFacts:
    """The facts of a bucket or object: the policy is the bucket's, with what ACLs grant (`s3_access`).

    Bucket names are unique among all accounts. The attribute `absent` says that there is no such `bucket`, or no such
    `key` in a bucket whose ACL lets others list it; `region` where the bucket is. `own_statements` is the number of
    statements of the bucket policy where the policy of a bucket has others behind them.
    """
    if arn.account:
        return _access_point(arn, parts)
    name, slash, key_name = arn.resource.partition("/")
    owner = backends_of("s3").bucket_accounts.get(name)
    if owner is None:
        point = None if slash else access_points.of_alias(name)  # `calls` asks by the alias alone
        return _NO_BUCKET if point is None else _access_point(Arn.parse(point.arn), parts)
    partition, account = owner
    models = models_of("s3", account, partition)
    bucket = None if models is None else models.buckets.get(name)
    if bucket is None:
        return ResourceFacts(account=account)
    versions = _versions(bucket, key_name, parts) if slash else ()
    key, block = s3_access.current(versions), s3_access.block_of(account, bucket)
    attributes = {**encryption.of_object(bucket, key_name, versions, parts), "region": bucket.region_name}
    if parts:
        attributes = {**attributes, **_tags_of_versions(versions, parts, models.tagger)}
    if key_name and bucket.multiparts and parts:
        attributes = {**attributes, **uploads.attributes(bucket, key_name, parts)}
    if key_name and key is None and s3_access.is_listed(account, bucket):
        attributes = {**attributes, "absent": "key"}
    of_bucket = None if bucket.policy is None else policy_text(lambda: bucket.policy)
    policy = policy_text(lambda: s3_access.policy_of(account, bucket, versions, of_bucket, block))
    if not slash and policy != of_bucket:
        attributes = {**attributes, OWN_STATEMENTS: str(own_statements(of_bucket))}
    return ResourceFacts(
        account,
        policy,
        _tags_of(key if slash else bucket, models.tagger),
        attributes=attributes,
    )


def _versions(bucket: Any, name: str, parts: Collection[str]) -> Sequence[Any]:
    """The versions of an object whose ids are in `parts`, and the latest, which is the last."""
    versions: Sequence[Any] = bucket.keys.getlist(name, ())
    if not parts:
        return versions[-1:]
    return [*(version for version in versions[:-1] if version.version_id in parts), *versions[-1:]]


def _access_point(arn: Arn, parts: Collection[str]) -> ResourceFacts:
    """The facts of an access point, with its bucket, or of an object behind it, with the tags of that.

    `bucket_policy` is the policy of the bucket as it counts through the access point; empty where there is none.
    """
    point = access_points.find(arn)
    if point is None:
        return UNKNOWN
    _, slash, key_name = arn.resource.partition("/object/")
    policy, attributes = policy_text(lambda: access_points.policy_of(point)), access_points.attributes(point)
    tags = tags_in(lambda: access_points.tags(point))
    if tags:
        attributes["access_point_tags"] = json.dumps(tags)
    bucket = access_points.bucket_of(point)
    if bucket is None:
        return ResourceFacts(arn.account, policy, arn=None if slash else point.arn, attributes=attributes)
    versions = _versions(bucket, key_name, parts) if slash else ()
    of_bucket = policy_text(lambda: bucket.policy)
    behind = policy_text(lambda: access_points.bucket_policy_of(point, bucket, versions, of_bucket))
    attributes["bucket_policy"] = behind or ""
    if not slash:
        return ResourceFacts(arn.account, policy, tags, point.arn, attributes)
    tagger = models_of("s3", bucket.account_id, PARTITION).tagger
    of_object = _tags_of(s3_access.current(versions), tagger)
    attributes |= _tags_of_versions(versions, parts, tagger)
    return ResourceFacts(arn.account, policy, of_object, attributes=attributes)


def _tags_of_versions(versions: Sequence[Any], parts: Collection[str], tagger: Any) -> dict[str, str]:
    """The tags of those versions of an object whose ids are in `parts`, as JSON, by `tags/VERSION`."""
    named = [version for version in versions if version.version_id in parts and hasattr(version, "arn")]
    return {f"tags/{version.version_id}": json.dumps(_tags_of(version, tagger) or {}) for version in named}


def _tags_of(resource: Any, tagger: Any) -> dict[str, str] | None:
    """The tags of a bucket or object; None where there are none."""
    arn = None if resource is None else resource.arn
    return tags_in(lambda: tagger.get_tag_dict_for_resource(arn)) if tagger.has_tags(arn) else None
