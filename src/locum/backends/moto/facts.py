"""Owner, resource policy and tags of resources in moto, read from its models."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache, partial
from typing import Any, Final

from moto.utilities.tagging_service import TaggingService

from locum.backends.moto import ec2_facts, encryption, internals, kept
from locum.backends.moto.handlers import module_of
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import backends_of, models_of
from locum.backends.moto.readings import attributes_in, policy_text, tags_in
from locum.backends.moto.reliance import check
from locum.backends.moto.s3_facts import facts_of_bucket
from locum.core.arn import Arn
from locum.core.partial_arn import PartialArn
from locum.core.resources import UNKNOWN, ResourceFacts

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
            return facts_of_bucket(parsed, parts)
        return _FINDERS.get(service, _other)(parsed, owner, parsed.region or region)


@cache
def _part(service: str) -> str | None:
    """The module of moto that has the resources of `service`, once its internals are checked."""
    part = module_of(_MODULES.get(service, service))
    if part is not None:
        check(part)
    return part


def _queue(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("sqs", account, region)
    queue = None if models is None else models.queues.get(arn.resource)
    if queue is None:
        return UNKNOWN
    return ResourceFacts(
        account, policy_text(lambda: queue.policy), tags_in(lambda: queue.tags), attributes=encryption.of(queue)
    )


def _topic(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("sns", account, region)
    topic = None if models is None else models.topics.get(str(arn))
    if topic is None:
        return UNKNOWN
    return ResourceFacts(
        account,
        policy_text(lambda: topic.policy),
        tags_in(lambda: internals.tags_of_topic(topic)),
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
    tags = tags_in(lambda: models.tagger.get_tag_dict_for_resource(key.id))
    return ResourceFacts(account, policy_text(lambda: key.policy), tags, key.arn, _properties(key))


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
        return UNKNOWN if kept is None else ResourceFacts(account, None, tags_in(lambda: kept.tags))
    if models is None or kind != "function":
        return UNKNOWN
    bare = Arn(arn.partition, arn.service, region, account, f"function:{name.partition(':')[0]}")
    function = internals.function_at(models, str(bare))
    if function is None:
        return UNKNOWN
    policy = function.policy
    text = None if policy is None or not policy.statements else policy_text(lambda: policy.get_policy()["Policy"])
    return ResourceFacts(account, text, tags_in(lambda: function.tags))


def _secret(arn: Arn, account: str, region: str) -> ResourceFacts:
    models = models_of("secretsmanager", account, region)
    if models is None:
        return UNKNOWN
    secret = models.secrets.get(str(arn)) or models.secrets.get(arn.resource.removeprefix("secret:"))
    if secret is None:
        return UNKNOWN
    policy = policy_text(lambda: getattr(secret, "policy", None))
    rotation = getattr(secret, "rotation_lambda_arn", "")
    attributes = {"rotation_lambda": rotation} if isinstance(rotation, str) and rotation else {}
    return ResourceFacts(
        account, policy, tags_in(lambda: secret.tags), secret.arn, {**attributes, **encryption.of_secret(secret)}
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
    text = None if policy is None else policy_text(lambda: policy.policy_doc)
    return ResourceFacts(account, text, tags_in(lambda: table.tags), attributes=_partition_key(table, parts))


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
    attributes = attributes_in(lambda: ec2_facts.attributes_of(models, arn, account, region))
    if tags is None:
        return ResourceFacts(account, attributes=attributes) if attributes else UNKNOWN
    return ResourceFacts(account, None, tags_in(lambda: {key: str(tags[key]) for key in tags}), attributes=attributes)


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
    policy = None if of_policy is None else policy_text(partial(of_policy, models, arn))
    tags = found.tags or (None if of_tags is None else tags_in(partial(of_tags, models, arn)))
    return replace(found, account=account, policy=policy, tags=tags) if policy or tags else found


def _tagged(arn: Arn, account: str, region: str) -> ResourceFacts:
    """The tags of a resource of any other service, where its models keep them by ARN, as most do."""
    name = _module(arn)
    text = str(arn).partition(":log-stream:")[0].removesuffix(":*")  # of a log group in policies
    for place in (region, arn.partition):  # global services have the partition in place of the region
        models = models_of(name, account, place)
        tagger = getattr(models, "tagger", None) or getattr(models, "tagging_service", None)
        if isinstance(tagger, TaggingService) and tagger.has_tags(text):
            return ResourceFacts(account, None, tags_in(partial(tagger.get_tag_dict_for_resource, text)))
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
            policy = policy_text(partial(getattr, found, "policy_document"))
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
