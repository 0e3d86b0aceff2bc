"""Owner, resource policy and tags of resources that live in moto, read from its models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from moto.backends import get_backend

from locum.core.arn import Arn
from locum.core.resources import UNKNOWN, ResourceFacts

Finder = Callable[[Arn, str, str], ResourceFacts]


def facts(service: str, arn: str, account: str, region: str) -> ResourceFacts:
    """What moto knows of `arn`; `account` and `region` where the ARN leaves them empty."""
    finder = _FINDERS.get(service)
    parsed = Arn.find(arn)
    if finder is None or parsed is None:
        return UNKNOWN
    return finder(parsed, parsed.account or account, parsed.region or region)


def _models(service: str, account: str, region: str) -> Any:
    return get_backend(service)[account][region]


def _text(policy: Any) -> str | None:
    if not policy:
        return None
    if isinstance(policy, bytes):
        return policy.decode("utf-8", "replace")
    return policy if isinstance(policy, str) else json.dumps(policy)


def _bucket(arn: Arn, _account: str, _region: str) -> ResourceFacts:
    """The bucket's policy guards its objects as well. Buckets of all accounts share one namespace."""
    backends: Any = get_backend("s3")
    name = arn.resource.split("/", 1)[0]
    owner = backends.bucket_accounts.get(name)
    if owner is None:
        return UNKNOWN
    partition, account = owner
    bucket = backends[account][partition].buckets.get(name)
    if bucket is None:
        return ResourceFacts(account=account)
    policy = None if bucket.policy is None else _text(bucket.policy)
    return ResourceFacts(account, policy, _bucket_tags(bucket, arn, backends[account][partition].tagger))


def _bucket_tags(bucket: Any, arn: Arn, tagger: Any) -> dict[str, str] | None:
    """The tags of the bucket, or of the object where the ARN is one's; None where there are none."""
    _, slash, name = arn.resource.partition("/")
    key = bucket.keys.get(name) if slash else bucket
    if key is None or not hasattr(key, "arn") or not tagger.has_tags(key.arn):
        return None
    tags: dict[str, str] = tagger.get_tag_dict_for_resource(key.arn)
    return tags


def _queue(arn: Arn, account: str, region: str) -> ResourceFacts:
    queue = _models("sqs", account, region).queues.get(arn.resource)
    return UNKNOWN if queue is None else ResourceFacts(account, _text(queue.policy), dict(queue.tags))


def _topic(arn: Arn, account: str, region: str) -> ResourceFacts:
    topic = _models("sns", account, region).topics.get(str(arn))
    if topic is None:
        return ResourceFacts(account=account)
    return ResourceFacts(account, _text(topic.policy), dict(topic._tags))  # noqa: SLF001 - moto has no accessor


def _key(arn: Arn, account: str, region: str) -> ResourceFacts:
    kind, _, name = arn.resource.partition("/")
    models = _models("kms", account, region)
    if kind == "alias":
        name = models.get_key_id_from_alias(arn.resource) or ""
    key = models.keys.get(name)
    return UNKNOWN if key is None else ResourceFacts(account, _text(key.policy), arn=key.arn)


def _function(arn: Arn, account: str, region: str) -> ResourceFacts:
    kind, _, rest = arn.resource.partition(":")
    functions = _models("lambda", account, region)._lambdas  # noqa: SLF001 - the look-up raises where there is none
    function = functions.get_function_by_name_or_arn(rest.split(":")[0]) if kind == "function" else None
    if function is None:
        return UNKNOWN
    policy = function.policy
    return ResourceFacts(account, None if policy is None else _text(policy.wire_format()))


def _secret(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = _models("secretsmanager", account, region)
    secret = models.secrets.get(str(arn)) or models.secrets.get(arn.resource.removeprefix("secret:"))
    return UNKNOWN if secret is None else ResourceFacts(account, _text(getattr(secret, "policy", None)), arn=secret.arn)


def _table(arn: Arn, account: str, region: str) -> ResourceFacts:
    name = arn.resource.split("/")[1] if "/" in arn.resource else ""
    table = _models("dynamodb", account, region).tables.get(name)
    if table is None:
        return UNKNOWN
    tags = {tag["Key"]: tag["Value"] for tag in table.tags}
    return ResourceFacts(account, _text(getattr(table, "policy", None)), tags)


_FINDERS: Final[dict[str, Finder]] = {
    "s3": _bucket,
    "sqs": _queue,
    "sns": _topic,
    "kms": _key,
    "lambda": _function,
    "secretsmanager": _secret,
    "dynamodb": _table,
}
