"""Owner, resource policy and tags of resources in moto, read from its models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from moto.backends import get_backend
from moto.utilities.tagging_service import TaggingService

from locum.backends.moto import internals
from locum.backends.moto.handlers import module_of
from locum.backends.moto.lookups import Within
from locum.backends.moto.relied_on import check
from locum.core.arn import Arn
from locum.core.partial_arn import PartialArn
from locum.core.resources import UNKNOWN, ResourceFacts

Finder = Callable[[Arn, str, str], ResourceFacts]


def facts(service: str, arn: str, account: str, region: str) -> ResourceFacts:
    """The facts of the resource `arn` in moto; `account` and `region` are used where the ARN has none.

    Of an ARN that is not known to its end, they are those of what it is a part of (the bucket of an object).

    Raises ConfigurationError where moto does not have the internals that are used (`relied_on`).
    """
    part = module_of(_MODULES.get(service, service))
    finder = _FINDERS.get(service, _tagged)
    parsed = Arn.find(arn.beginning if isinstance(arn, PartialArn) else arn)
    if part is None or parsed is None:
        return UNKNOWN
    check(part)
    owner = parsed.account or account
    with Within(part, owner):
        return finder(parsed, owner, parsed.region or region)


def models_of(service: str, account: str, region: str) -> Any:
    """moto's models of a service in an account and a region, or None where nothing was created there.

    They are looked up before the decision, for any accounts and regions in the request, so that this must not create
    them.
    """
    return _existing(_existing(get_backend(service), account), region)


def _existing(backends: Any, key: str) -> Any:
    """The entry for an account or region, without creating it as moto's dictionaries do."""
    return None if backends is None else dict.get(backends, key)


def _text(policy: Any) -> str | None:
    if not policy:
        return None
    if isinstance(policy, bytes):
        return policy.decode("utf-8", "replace")
    return policy if isinstance(policy, str) else json.dumps(policy)


def _bucket(arn: Arn, _account: str, _region: str) -> ResourceFacts:
    """The facts of a bucket or object: the policy is the bucket's. Bucket names are unique among all accounts."""
    backends: Any = get_backend("s3")
    name = arn.resource.split("/", 1)[0]
    owner = backends.bucket_accounts.get(name)
    if owner is None:
        return UNKNOWN
    partition, account = owner
    models = _existing(_existing(backends, account), partition)
    bucket = None if models is None else models.buckets.get(name)
    if bucket is None:
        return ResourceFacts(account=account)
    policy = None if bucket.policy is None else _text(bucket.policy)
    return ResourceFacts(account, policy, _bucket_tags(bucket, arn, models.tagger))


def _bucket_tags(bucket: Any, arn: Arn, tagger: Any) -> dict[str, str] | None:
    """The tags of the bucket, or of the object where the ARN is that of an object; None where there are none."""
    _, slash, name = arn.resource.partition("/")
    key = bucket.keys.get(name) if slash else bucket
    if key is None or not hasattr(key, "arn") or not tagger.has_tags(key.arn):
        return None
    tags: dict[str, str] = tagger.get_tag_dict_for_resource(key.arn)
    return tags


def _queue(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("sqs", account, region)
    queue = None if models is None else models.queues.get(arn.resource)
    return UNKNOWN if queue is None else ResourceFacts(account, _text(queue.policy), dict(queue.tags))


def _topic(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("sns", account, region)
    topic = None if models is None else models.topics.get(str(arn))
    if topic is None:
        return UNKNOWN
    return ResourceFacts(account, _text(topic.policy), internals.tags_of_topic(topic))


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
    return ResourceFacts(account, _text(key.policy), models.tagger.get_tag_dict_for_resource(key.id), key.arn)


def _function(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a function, also for its versions and aliases, whose own policies moto does not have."""
    kind, _, name = arn.resource.partition(":")
    models = models_of("lambda", account, region)
    if models is None or kind != "function":
        return UNKNOWN
    bare = Arn(arn.partition, arn.service, region, account, f"function:{name.partition(':')[0]}")
    function = internals.function_at(models, str(bare))
    if function is None:
        return UNKNOWN
    policy = function.policy
    text = _text(policy.get_policy()["Policy"]) if policy is not None and policy.statements else None
    return ResourceFacts(account, text, dict(function.tags))


def _secret(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("secretsmanager", account, region)
    if models is None:
        return UNKNOWN
    secret = models.secrets.get(str(arn)) or models.secrets.get(arn.resource.removeprefix("secret:"))
    if secret is None:
        return UNKNOWN
    return ResourceFacts(account, _text(getattr(secret, "policy", None)), _pairs(secret.tags), secret.arn)


def _table(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The facts of a table or index, which have the table's policy, or of a stream, which has its own."""
    parts = arn.resource.split("/")
    models = models_of("dynamodb", account, region)
    table = models.tables.get(parts[1]) if models is not None and len(parts) > 1 else None
    if table is None:
        return UNKNOWN
    owner_of_policy = str(arn) if "stream" in parts[2:3] else table.table_arn
    policy = models.resource_policies.get(owner_of_policy)
    return ResourceFacts(account, None if policy is None else _text(policy.policy_doc), _pairs(table.tags))


def _ec2(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The tags of a resource of EC2, all of which moto keeps in one table, by id."""
    models = models_of("ec2", account, region)
    tags = None if models is None else models.tags.get(arn.resource.partition("/")[2])
    return UNKNOWN if tags is None else ResourceFacts(account, None, {key: str(tags[key]) for key in tags})


def _tagged(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The tags of a resource of any other service, where its models keep them by ARN, as most do."""
    name = _MODULES.get(arn.service, arn.service)
    text = str(arn).removesuffix(":*")  # of a log group in policies
    for place in (region, arn.partition):  # global services have the partition in place of the region
        models = models_of(name, account, place)
        tagger = getattr(models, "tagger", None) or getattr(models, "tagging_service", None)
        if isinstance(tagger, TaggingService) and tagger.has_tags(text):
            return ResourceFacts(account, None, tagger.get_tag_dict_for_resource(text))
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


def _pairs(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


_MODULES: Final = {
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "states": "stepfunctions",
}
"""The modules of moto whose name is not that of the service in ARNs."""

_FINDERS: Final[dict[str, Finder]] = {
    "s3": _bucket,
    "sqs": _queue,
    "sns": _topic,
    "kms": _key,
    "lambda": _function,
    "secretsmanager": _secret,
    "dynamodb": _table,
    "ec2": _ec2,
    "logs": _log_group,
}
