"""Owner, resource policy and tags of resources in moto, read from its models.

What moto keeps may be of any form: its stacks write policies and tags that nobody checked. Facts are told all the same:
a policy that cannot be read is UNREADABLE (`policy.stored` has what that means), a tag that has no key or no text is
left out. Otherwise nobody could reach the resource any more, not even to repair or delete it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any, Final

from moto.core.exceptions import ServiceException
from moto.utilities.tagging_service import TaggingService
from werkzeug.exceptions import HTTPException

from locum.backends.moto import access_points, ec2_facts, encryption, internals, kept, s3_access, uploads
from locum.backends.moto.handlers import module_of
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import backends_of, models_of
from locum.backends.moto.reliance import check
from locum.backends.s3_policies import OWN_STATEMENTS, own_statements
from locum.core.arn import PARTITION, Arn
from locum.core.partial_arn import PartialArn
from locum.core.resources import UNKNOWN, UNREADABLE, ResourceFacts

Finder = Callable[[Arn, str, str], ResourceFacts]


def knows(service: str) -> bool:
    """Whether there are facts of resources of `service`."""
    return service == "s3" or service in _FINDERS


def facts(service: str, arn: str, account: str, region: str, parts: Collection[str] = ()) -> ResourceFacts:
    """The facts of the resource `arn` in moto; `account` and `region` are used where the ARN has none.

    Of an ARN that is not known to its end, they are those of what it is a part of (the bucket of an object). `parts`
    are the ids of versions and uploads of an object to tell the keys and tags of.

    Raises ConfigurationError where moto does not have the internals that are used (`relied_on`).
    """
    part = _part(service)
    parsed = Arn.find(arn.beginning if isinstance(arn, PartialArn) else arn)
    if part is None or parsed is None:
        return UNKNOWN
    owner = parsed.account or account
    with Within(part, owner):
        if service == "s3":
            return _bucket(parsed, parts)
        return _FINDERS.get(service, _other)(parsed, owner, parsed.region or region)


@cache
def _part(service: str) -> str | None:
    """The module of moto that has the resources of `service`, once its internals are checked."""
    part = module_of(_MODULES.get(service, service))
    if part is not None:
        check(part)
    return part


_OF_ITS_FORM: Final = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
    NotImplementedError,
    HTTPException,
    ServiceException,
)
"""What moto's code and ours raise for a value of an unexpected form."""


_NO_BUCKET: Final = ResourceFacts(attributes={"absent": "bucket"})


def _policy(read: Callable[[], Any]) -> str | None:
    """The text of the policy that `read` returns; None where there is none, UNREADABLE where it cannot be told."""
    try:
        policy = read()
        if policy is None or policy == "":
            return None
        if isinstance(policy, bytes):
            return _decoded(policy)
        return policy if isinstance(policy, str) else json.dumps(policy)
    except _OF_ITS_FORM:
        return UNREADABLE


@lru_cache(maxsize=1024)
def _decoded(policy: bytes) -> str:
    """The text of a policy: the same object each time, whose hash, by which it is found compiled, is not made anew."""
    return policy.decode("utf-8", "replace")


def _tags(read: Callable[[], Any]) -> dict[str, str]:
    """The tags that `read` returns, as a map or as pairs of Key and Value, as far as they are tags."""
    try:
        tags = read() or {}
        pairs = tags.items() if isinstance(tags, Mapping) else [_pair(tag) for tag in tags]
        return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}
    except _OF_ITS_FORM:
        return {}


def _pair(tag: Mapping[str, Any]) -> tuple[Any, Any]:
    return tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value", ""))


def _attributes(read: Callable[[], dict[str, str]]) -> dict[str, str]:
    """The attributes that `read` returns; none where moto has them in an unexpected form."""
    try:
        return read()
    except _OF_ITS_FORM:
        return {}


def _bucket(arn: Arn, parts: Collection[str]) -> ResourceFacts:
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
    of_bucket = None if bucket.policy is None else _policy(lambda: bucket.policy)
    policy = _policy(lambda: s3_access.policy_of(account, bucket, versions, of_bucket, block))
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
    policy, attributes = _policy(lambda: access_points.policy_of(point)), access_points.attributes(point)
    tags = _tags(lambda: access_points.tags(point))
    if tags:
        attributes["access_point_tags"] = json.dumps(tags)
    bucket = access_points.bucket_of(point)
    if bucket is None:
        return ResourceFacts(arn.account, policy, arn=None if slash else point.arn, attributes=attributes)
    versions = _versions(bucket, key_name, parts) if slash else ()
    of_bucket = _policy(lambda: bucket.policy)
    behind = _policy(lambda: access_points.bucket_policy_of(point, bucket, versions, of_bucket))
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
    return _tags(lambda: tagger.get_tag_dict_for_resource(arn)) if tagger.has_tags(arn) else None


def _queue(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("sqs", account, region)
    queue = None if models is None else models.queues.get(arn.resource)
    if queue is None:
        return UNKNOWN
    return ResourceFacts(
        account, _policy(lambda: queue.policy), _tags(lambda: queue.tags), attributes=encryption.of(queue)
    )


def _topic(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("sns", account, region)
    topic = None if models is None else models.topics.get(str(arn))
    if topic is None:
        return UNKNOWN
    return ResourceFacts(
        account,
        _policy(lambda: topic.policy),
        _tags(lambda: internals.tags_of_topic(topic)),
        attributes=encryption.of(topic),
    )


def _key(arn: Arn, account: str, region: str) -> ResourceFacts:
    kind, _, name = arn.resource.partition("/")
    models = models_of("kms", account, region)
    if models is None:
        return UNKNOWN
    if kind == "alias":
        name = models.get_key_id_from_alias(arn.resource) or ""
    key = models.keys.get(name)
    if key is None:
        return UNKNOWN
    tags = _tags(lambda: models.tagger.get_tag_dict_for_resource(key.id))
    return ResourceFacts(account, _policy(lambda: key.policy), tags, key.arn, _properties(key))


def _properties(key: Any) -> dict[str, str]:
    """The properties of a KMS key that condition keys test."""
    found = {
        "key_spec": key.key_spec,
        "key_usage": key.key_usage,
        "key_origin": key.origin,
        "multi_region": "true" if key.multi_region else "false",
        "aliases": " ".join(key.aliases),
    }
    if key.grants:
        found["grants"] = json.dumps([grant.to_json() for grant in key.grants.values()])
    if key.multi_region:
        found["multi_region_key_type"] = key.multi_region_configuration["MultiRegionKeyType"]
    return found


def _function(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a function, also for its versions and aliases, whose own policies moto does not have.

    Of an event source mapping, its tags.
    """
    kind, _, name = arn.resource.partition(":")
    models = models_of("lambda", account, region)
    if models is not None and kind == "event-source-mapping":
        kept = internals.mappings_of(models).get(name)
        return UNKNOWN if kept is None else ResourceFacts(account, None, _tags(lambda: kept.tags))
    if models is None or kind != "function":
        return UNKNOWN
    bare = Arn(arn.partition, arn.service, region, account, f"function:{name.partition(':')[0]}")
    function = internals.function_at(models, str(bare))
    if function is None:
        return UNKNOWN
    policy = function.policy
    text = None if policy is None or not policy.statements else _policy(lambda: policy.get_policy()["Policy"])
    return ResourceFacts(account, text, _tags(lambda: function.tags))


def _secret(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("secretsmanager", account, region)
    if models is None:
        return UNKNOWN
    secret = models.secrets.get(str(arn)) or models.secrets.get(arn.resource.removeprefix("secret:"))
    if secret is None:
        return UNKNOWN
    policy = _policy(lambda: getattr(secret, "policy", None))
    rotation = getattr(secret, "rotation_lambda_arn", "")
    attributes = {"rotation_lambda": rotation} if isinstance(rotation, str) and rotation else {}
    return ResourceFacts(
        account, policy, _tags(lambda: secret.tags), secret.arn, {**attributes, **encryption.of_secret(secret)}
    )


def _parameter(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a parameter of SSM."""
    models, found = models_of("ssm", account, region), _other(arn, account, region)
    if models is None:
        return found
    return replace(found, attributes=encryption.of_parameter(internals.parameters(models), arn.resource))


def _table(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a table or index, which have the table's policy, or of its stream, which has its own."""
    parts = arn.resource.split("/")
    models = models_of("dynamodb", account, region)
    table = models.tables.get(parts[1]) if models is not None and len(parts) > 1 else None
    if table is None:
        return UNKNOWN
    of_stream = "stream" in parts[2:3]
    if of_stream and parts[3:] not in ([], [""], [table.latest_stream_label]):
        return UNKNOWN
    owner_of_policy = str(arn) if of_stream else table.table_arn
    policy = models.resource_policies.get(owner_of_policy)
    text = None if policy is None else _policy(lambda: policy.policy_doc)
    return ResourceFacts(account, text, _tags(lambda: table.tags), attributes=_partition_key(table, parts))


def _rds(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a resource of RDS; of a snapshot that is there, its account at least."""
    found, models = _other(arn, account, region), models_of("rds", account, region)
    kind, _, name = arn.resource.partition(":")
    if models is None or kind not in ("snapshot", "cluster-snapshot"):
        return found
    snapshots = models.database_snapshots if kind == "snapshot" else models.cluster_snapshots
    return replace(found, account=account) if name in snapshots else UNKNOWN


def _partition_key(table: Any, parts: list[str]) -> dict[str, str]:
    """The name of the partition key of a table, or of the index in the ARN `table/NAME/index/INDEX`."""
    if parts[2:3] != ["index"]:
        return {"partition_key": table.hash_key_attr}
    indexes = [index for index in (*table.indexes, *table.global_indexes) if index.name == parts[-1]]
    names = [key["AttributeName"] for index in indexes for key in index.schema if key["KeyType"] == "HASH"]
    return {"partition_key": names[0]} if names else {}


def _ec2(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The tags of a resource of EC2, all of which moto keeps in one table, by id, and its attributes.

    An endpoint is looked up in all accounts where the ARN has none.
    """
    if not arn.account and arn.resource.startswith("vpc-endpoint/"):
        return _endpoint(arn, region)
    models = models_of("ec2", account, region)
    if models is None:
        return UNKNOWN
    tags = models.tags.get(arn.resource.partition("/")[2])
    attributes = _attributes(lambda: ec2_facts.attributes_of(models, arn, account, region))
    if tags is None:
        return ResourceFacts(account, attributes=attributes) if attributes else UNKNOWN
    return ResourceFacts(account, None, _tags(lambda: {key: str(tags[key]) for key in tags}), attributes=attributes)


def _other(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The policy and the tags of a resource of any other service."""
    found = _tagged(arn, account, region)
    of_policy, of_tags = kept.POLICIES.get(arn.service), kept.TAGS.get(arn.service)
    if of_policy is None and of_tags is None:
        return found
    places = (region, arn.partition)  # global services have the partition in place of the region
    models = next(filter(None, (models_of(_module(arn), account, at) for at in places)), None)
    if models is None:
        return found
    policy = None if of_policy is None else _policy(partial(of_policy, models, arn))
    tags = found.tags or (None if of_tags is None else _tags(partial(of_tags, models, arn)))
    return replace(found, account=account, policy=policy, tags=tags) if policy or tags else found


def _tagged(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The tags of a resource of any other service, where its models keep them by ARN, as most do."""
    name = _module(arn)
    text = str(arn).partition(":log-stream:")[0].removesuffix(":*")  # of a log group in policies
    for place in (region, arn.partition):  # global services have the partition in place of the region
        models = models_of(name, account, place)
        tagger = getattr(models, "tagger", None) or getattr(models, "tagging_service", None)
        if isinstance(tagger, TaggingService) and tagger.has_tags(text):
            return ResourceFacts(account, None, _tags(partial(tagger.get_tag_dict_for_resource, text)))
    return UNKNOWN


def _log_group(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a log group or stream: its policies are those of its account and region, which name resources."""
    models = models_of("logs", account, region)
    if models is None:
        return UNKNOWN
    documents = [_document(policy.policy_document) for policy in models.resource_policies.values()]
    statements = [statement for document in documents for statement in document]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None
    return ResourceFacts(account, policy, _tagged(arn, account, region).tags)


def _document(text: str) -> list[Any]:
    """The statements of a policy; none where it cannot be read, which never grants."""
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        return []
    return statements if isinstance(statements, list) else [statements]


def _endpoint(arn: Arn, region: str) -> ResourceFacts:
    """The facts of a VPC endpoint, whichever account it is of: their ids are unique."""
    kind, _, name = arn.resource.partition("/")
    backends = backends_of("ec2")
    for account in list(backends) if kind == "vpc-endpoint" else ():
        models = models_of("ec2", account, region)
        found = None if models is None else models.vpc_end_points.get(name)
        if found is not None and found.state == "available":
            policy = _policy(partial(getattr, found, "policy_document"))
            attributes = {"vpc": str(found.vpc_id), "service": str(found.service_name)}
            return ResourceFacts(account, policy, attributes=attributes)
    return UNKNOWN


def _module(arn: Arn) -> str:
    """The module of moto that has a resource. The second version of API Gateway has `/apis` and what is below."""
    if arn.service == "apigateway" and arn.resource.startswith(("/apis/", "/vpclinks/")):
        return "apigatewayv2"
    return _MODULES.get(arn.service, arn.service)


_MODULES: Final = {
    "es": "opensearch",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "states": "stepfunctions",
}
"""The modules of moto whose name is not that of the service in ARNs."""


_FINDERS: Final[dict[str, Finder]] = {
    "sqs": _queue,
    "sns": _topic,
    "kms": _key,
    "lambda": _function,
    "secretsmanager": _secret,
    "dynamodb": _table,
    "rds": _rds,
    "ec2": _ec2,
    "ssm": _parameter,
    "logs": _log_group,
}
