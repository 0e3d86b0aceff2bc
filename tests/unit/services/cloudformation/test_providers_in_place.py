"""Resources that update policies change in place: shards that are added and removed, versions that are upgraded."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.errors import Fault
from support.inprocess import InProcess
from support.remaking import Remaking, own
from support.stacks import Stacks, template

GROUP = {
    "ReplicationGroupDescription": "sharded",
    "CacheNodeType": "cache.t4g.micro",
    "AutomaticFailoverEnabled": "true",
    "ClusterMode": "enabled",
    "ReplicasPerNodeGroup": "1",
}
CACHES = "AWS::ElastiCache::ReplicationGroup"
SEARCH = "AWS::OpenSearchService::Domain"
ELASTIC = "AWS::Elasticsearch::Domain"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture
def stacks(plane: InProcess) -> Stacks:
    return Stacks(plane)


def shards(plane: InProcess, group: str) -> list[str]:
    (found,) = plane.client("elasticache").describe_replication_groups(ReplicationGroupId=group)["ReplicationGroups"]
    return [shard["NodeGroupId"] for shard in found["NodeGroups"]]


def stack(kind: str, properties: dict[str, Any], **policy: Any) -> str:
    return template({"It": {"Type": kind, "Properties": properties, **({"UpdatePolicy": policy} if policy else {})}})


# -- shards ----------------------------------------------------------------------------------------------


def test_shards_are_added_and_removed_where_the_policy_says_so(plane: InProcess, stacks: Stacks) -> None:
    policy = {"UseOnlineResharding": "true"}
    assert stacks.create("shards", stack(CACHES, {**GROUP, "NumNodeGroups": 2}, **policy)) == "CREATE_COMPLETE"
    group = stacks.physical("shards")["It"]
    for count in (4, 3):
        body = stack(CACHES, {**GROUP, "NumNodeGroups": str(count)}, **policy)
        assert stacks.update("shards", body) == "UPDATE_COMPLETE"
        assert shards(plane, group) == [f"{number:04d}" for number in range(1, count + 1)]
    assert stacks.physical("shards")["It"] == group
    assert stacks.delete("shards") == "DELETE_COMPLETE"


def test_without_the_policy_another_group_is_made(plane: InProcess, stacks: Stacks) -> None:
    assert stacks.create("plain", stack(CACHES, {**GROUP, "NumNodeGroups": 1})) == "CREATE_COMPLETE"
    group = stacks.physical("plain")["It"]
    body = stack(CACHES, {**GROUP, "NumNodeGroups": 2}, UseOnlineResharding=False)
    assert stacks.update("plain", body) == "UPDATE_COMPLETE"
    assert stacks.physical("plain")["It"] != group
    assert stacks.delete("plain") == "DELETE_COMPLETE"


def test_shards_come_back_in_place_where_the_update_fails(plane: InProcess, stacks: Stacks) -> None:
    before = template({"It": {"Type": CACHES, "Properties": {**GROUP, "NumNodeGroups": 2}}})
    assert stacks.create("back", before) == "CREATE_COMPLETE"
    group = stacks.physical("back")["It"]
    sharded = {
        "Type": CACHES,
        "Properties": {**GROUP, "NumNodeGroups": 3},
        "UpdatePolicy": {"UseOnlineResharding": True},
    }
    failing = {"Type": "AWS::SNS::Subscription", "DependsOn": "It", "Properties": {"Protocol": "sqs", "TopicArn": "no"}}
    assert stacks.update("back", template({"It": sharded, "Bad": failing})) == "UPDATE_ROLLBACK_COMPLETE"
    assert (stacks.physical("back")["It"], shards(plane, group)) == (group, ["0001", "0002"])
    assert stacks.delete("back") == "DELETE_COMPLETE"


def test_named_shards_go_and_others_stay(plane: InProcess, making: Remaking) -> None:
    one, two, three = ({"NodeGroupId": f"000{number}"} for number in "123")
    made = making.create(CACHES, **GROUP, NodeGroupConfiguration=[one, two, three], NumNodeGroups=3)
    made = making.update(made, **GROUP, NodeGroupConfiguration=[one, three], NumNodeGroups=2)
    assert shards(plane, made.physical) == ["0001", "0003"]
    other = {**one, "ReplicaCount": 3}
    with pytest.raises(Fault, match="NodeGroupConfiguration cannot be updated but for shards"):
        making.update(made, **GROUP, NodeGroupConfiguration=[other, three], NumNodeGroups=2)
    making.delete(made)


def test_where_new_shards_are_to_be_is_not_ignored(plane: InProcess, making: Remaking) -> None:
    one = {"NodeGroupId": "0001"}
    made = making.create(CACHES, **GROUP, NodeGroupConfiguration=[one])
    two = {"NodeGroupId": "0002", "PrimaryAvailabilityZone": "us-east-1b", "ReplicaAvailabilityZones": ["us-east-1a"]}
    with pytest.raises(Fault, match="ModifyReplicationGroupShardConfiguration with ReshardingConfiguration"):
        making.update(made, **GROUP, NodeGroupConfiguration=[one, two])
    making.delete(made)


# -- versions --------------------------------------------------------------------------------------------


def version(plane: InProcess, name: str) -> str:
    return str(plane.client("opensearch").describe_domain(DomainName=name)["DomainStatus"]["EngineVersion"])


def test_a_version_is_upgraded_where_the_policy_says_so(plane: InProcess, stacks: Stacks) -> None:
    policy = {"EnableVersionUpgrade": True}
    wanted = {"DomainName": "upgraded", "EngineVersion": "OpenSearch_1.0"}
    assert stacks.create("upgrade", stack(SEARCH, wanted, **policy)) == "CREATE_COMPLETE"
    body = stack(SEARCH, {**wanted, "EngineVersion": "OpenSearch_1.2"}, **policy)
    assert stacks.update("upgrade", body) == "UPDATE_COMPLETE"
    assert version(plane, "upgraded") == "OpenSearch_1.2"
    assert stacks.delete("upgrade") == "DELETE_COMPLETE"


def test_without_the_policy_another_version_takes_another_domain(plane: InProcess, stacks: Stacks) -> None:
    assert stacks.create("other", stack(SEARCH, {"EngineVersion": "OpenSearch_1.0"})) == "CREATE_COMPLETE"
    domain = stacks.physical("other")["It"]
    assert stacks.update("other", stack(SEARCH, {"EngineVersion": "OpenSearch_1.2"})) == "UPDATE_COMPLETE"
    assert stacks.physical("other")["It"] != domain
    assert stacks.delete("other") == "DELETE_COMPLETE"


def test_an_upgrade_that_is_refused_fails_and_the_domain_stays(plane: InProcess, stacks: Stacks) -> None:
    """Also where the template before has no policy: another domain is not made in its place."""
    wanted = {"EngineVersion": "OpenSearch_1.2"}
    assert stacks.create("refused", stack(SEARCH, wanted)) == "CREATE_COMPLETE"
    domain = stacks.physical("refused")["It"]
    body = stack(SEARCH, {"EngineVersion": "OpenSearch_1.0"}, EnableVersionUpgrade=True)
    assert stacks.update("refused", body) == "UPDATE_ROLLBACK_COMPLETE"
    assert "from OpenSearch_1.2 to OpenSearch_1.0 is not possible" in stacks.reason("refused", "It", "UPDATE_FAILED")
    assert (stacks.physical("refused")["It"], version(plane, domain)) == (domain, "OpenSearch_1.2")
    assert stacks.delete("refused") == "DELETE_COMPLETE"


def test_a_domain_of_elasticsearch_is_changed_and_upgraded(plane: InProcess, making: Remaking) -> None:
    config = {"InstanceType": "t3.small.elasticsearch", "InstanceCount": 2}
    given = {"ElasticsearchVersion": "7.7", "ElasticsearchClusterConfig": config}
    made = making.create(ELASTIC, **given, Tags=[{"Key": "a", "Value": "b"}])
    assert making.again(made).physical == made.physical
    es = plane.client("es")
    assert own(es.list_tags(ARN=made.attributes["Arn"])["TagList"]) == {"a": "b"}
    made = making.update(made, ElasticsearchVersion="7.10", ElasticsearchClusterConfig={**config, "InstanceCount": 3})
    seen = es.describe_elasticsearch_domain(DomainName=made.physical)["DomainStatus"]
    assert (seen["ElasticsearchVersion"], seen["ElasticsearchClusterConfig"]["InstanceCount"]) == ("7.10", 3)
    assert own(es.list_tags(ARN=made.attributes["Arn"])["TagList"]) == {}
    making.delete(made)
    making.delete(made)


def test_a_domain_has_its_settings(plane: InProcess, making: Remaking) -> None:
    config = {"InstanceType": "t3.small.search", "InstanceCount": 1}
    made = making.create(SEARCH, EngineVersion="OpenSearch_1.0", ClusterConfig=config)
    assert made.attributes["DomainEndpoint"].startswith(made.physical)
    made = making.update(made, EngineVersion="OpenSearch_1.0", ClusterConfig={**config, "InstanceCount": 2})
    seen = plane.client("opensearch").describe_domain(DomainName=made.physical)["DomainStatus"]
    assert seen["ClusterConfig"]["InstanceCount"] == 2
    making.delete(made)
    making.delete(made)
