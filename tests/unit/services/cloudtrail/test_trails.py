"""Trails: names, settings, shadows, selectors, tags, and the errors of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess, Key
from support.plane import allow, document, fresh, refused, trusting
from support.trails import ACCOUNT, Deliveries


@pytest.fixture(scope="module")
def away(plane: InProcess) -> Key:
    """The root user of another account."""
    return plane.account("444455556666")


@pytest.fixture
def trail(plane: InProcess) -> Iterator[Deliveries]:
    """A trail that is deleted in the end: there may be five."""
    made = Deliveries(plane, logging=False)
    yield made
    made.cloudtrail.delete_trail(Name=made.arn)


def test_a_trail_is_told_as_it_was_made(trail: Deliveries) -> None:
    told = trail.cloudtrail.get_trail(Name=trail.name)["Trail"]
    assert told == {
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": False,
        "HomeRegion": "us-east-1",
        "TrailARN": f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{trail.name}",
        "LogFileValidationEnabled": False,
        "HasCustomEventSelectors": False,
        "HasInsightSelectors": False,
        "IsOrganizationTrail": False,
    }
    assert trail.status()["IsLogging"] is False
    assert trail.cloudtrail.get_trail(Name=trail.arn)["Trail"] == told


def test_what_is_not_given_to_an_update_stays(trail: Deliveries) -> None:
    update = trail.cloudtrail.update_trail
    update(Name=trail.name, IsMultiRegionTrail=True, EnableLogFileValidation=True)
    told = update(Name=trail.name, IncludeGlobalServiceEvents=True)
    assert (told["IsMultiRegionTrail"], told["LogFileValidationEnabled"]) == (True, True)
    refusal = refused(update, Name=trail.name, IncludeGlobalServiceEvents=False)
    assert refusal.code == "InvalidParameterCombinationException"
    assert trail.cloudtrail.get_trail(Name=trail.name)["Trail"]["IncludeGlobalServiceEvents"] is True


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ab", "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters."),
        (
            "a" * 129,
            "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
        ),
        ("my--trail", "Trail name cannot have adjacent periods, hyphens or underscores."),
        ("-trail", "Trail name must start with a letter or number."),
        ("trail-", "Trail name must end with a letter or number."),
        ("192.168.5.4", "Trail name must not be formatted as an IP address."),
        (
            "tr ail",
            (
                "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), "
                "hyphens (-), and underscores (_)."
            ),
        ),
    ],
)
def test_a_name_that_breaks_a_rule_is_refused(plane: InProcess, name: str, message: str) -> None:
    refusal = refused(plane.client("cloudtrail").create_trail, Name=name, S3BucketName="some-bucket")
    assert (refusal.code, refusal.message) == ("InvalidTrailNameException", message)


def test_a_name_is_taken_once_and_a_region_has_five_trails(plane: InProcess) -> None:
    region = "ap-south-1"
    client, first = plane.client("cloudtrail", region=region), Deliveries(plane, logging=False)
    given = {"S3BucketName": first.bucket}
    for number in range(5):
        client.create_trail(Name=f"trail-{number}", **given)
    refusal = refused(client.create_trail, Name="trail-0", **given)
    assert (refusal.code, refusal.message) == (
        "TrailAlreadyExistsException",
        f"Trail trail-0 already exists for customer: {ACCOUNT}",
    )
    refusal = refused(client.create_trail, Name="trail-5", **given)
    assert (refusal.code, refusal.message) == (
        "MaximumNumberOfTrailsExceededException",
        f"User: {ACCOUNT} already has 5 trails in {region}.",
    )
    for number in range(5):
        client.delete_trail(Name=f"trail-{number}")
    first.cloudtrail.delete_trail(Name=first.name)


def test_a_trail_of_all_regions_has_shadows_and_is_changed_at_home(plane: InProcess, trail: Deliveries) -> None:
    elsewhere = plane.client("cloudtrail", region="eu-west-1")
    assert trail.arn not in [it["TrailARN"] for it in elsewhere.describe_trails()["trailList"]]
    assert refused(elsewhere.get_trail, Name=trail.name).code == "TrailNotFoundException"
    trail.cloudtrail.update_trail(Name=trail.name, IsMultiRegionTrail=True)
    assert trail.arn in [it["TrailARN"] for it in elsewhere.describe_trails()["trailList"]]
    own = elsewhere.describe_trails(includeShadowTrails=False)["trailList"]
    assert trail.arn not in [it["TrailARN"] for it in own]
    assert elsewhere.get_trail(Name=trail.name)["Trail"]["HomeRegion"] == "us-east-1"
    for change in (elsewhere.start_logging, elsewhere.stop_logging, elsewhere.update_trail, elsewhere.delete_trail):
        assert refused(change, Name=trail.name).code == "InvalidHomeRegionException"
    assert trail.arn in [it["TrailARN"] for it in elsewhere.list_trails()["Trails"]]


def test_nobody_sees_a_trail_of_another_account(plane: InProcess, trail: Deliveries, away: Key) -> None:
    client = plane.client("cloudtrail", away)
    assert client.list_trails()["Trails"] == []
    assert client.describe_trails(trailNameList=[trail.arn])["trailList"] == []
    for read in (client.get_trail, client.get_trail_status, client.start_logging, client.delete_trail):
        assert refused(read, Name=trail.arn).code in ("TrailNotFoundException", "AccessDeniedException")


def test_selectors_are_kept_and_told(trail: Deliveries) -> None:
    default = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [],
        "ExcludeManagementEventSources": [],
    }
    client, name = trail.cloudtrail, trail.name
    assert client.get_event_selectors(TrailName=name)["EventSelectors"] == [default]
    client.put_event_selectors(TrailName=name, EventSelectors=[{"ReadWriteType": "WriteOnly"}])
    assert client.get_event_selectors(TrailName=name)["EventSelectors"] == [{**default, "ReadWriteType": "WriteOnly"}]
    assert client.get_trail(Name=name)["Trail"]["HasCustomEventSelectors"] is True
    trail.select({"eventCategory": ["Management"], "readOnly": ["false"]})
    told = client.get_event_selectors(TrailName=name)
    assert "EventSelectors" not in told
    assert told["AdvancedEventSelectors"][0]["FieldSelectors"][1] == {"Field": "readOnly", "Equals": ["false"]}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"EventSelectors": [{}] * 6},
        {"EventSelectors": [{"IncludeManagementEvents": False}]},
        {"EventSelectors": [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}]},
        {"EventSelectors": [{"DataResources": [{"Type": "AWS::SQS::Queue", "Values": ["arn:aws:sqs"]}]}]},
        {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::bucket"]}]}]},
        {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::b/"] * 251}]}]},
        {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "readOnly", "Equals": ["true"]}]}]},
        {
            "EventSelectors": [{}],
            "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}],
        },
    ],
)
def test_selectors_that_break_a_rule_are_refused_and_change_nothing(trail: Deliveries, given: dict[str, Any]) -> None:
    before = trail.cloudtrail.get_event_selectors(TrailName=trail.name)["EventSelectors"]
    refusal = refused(trail.cloudtrail.put_event_selectors, TrailName=trail.name, **given)
    assert refusal.code == "InvalidEventSelectorsException"
    assert trail.cloudtrail.get_event_selectors(TrailName=trail.name)["EventSelectors"] == before


def test_insight_selectors_are_kept(trail: Deliveries) -> None:
    client, name = trail.cloudtrail, trail.name
    assert refused(client.get_insight_selectors, TrailName=name).code == "InsightNotEnabledException"
    client.put_insight_selectors(TrailName=name, InsightSelectors=[{"InsightType": "ApiCallRateInsight"}])
    (told,) = client.get_insight_selectors(TrailName=name)["InsightSelectors"]
    assert told["InsightType"] == "ApiCallRateInsight"
    assert client.get_trail(Name=name)["Trail"]["HasInsightSelectors"] is True


def test_tags_are_added_told_and_taken_off(trail: Deliveries) -> None:
    client, arn = trail.cloudtrail, trail.arn
    client.add_tags(ResourceId=arn, TagsList=[{"Key": "team", "Value": "red"}, {"Key": "cost", "Value": "7"}])
    client.remove_tags(ResourceId=arn, TagsList=[{"Key": "cost"}])
    (told,) = client.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert told == {"ResourceId": arn, "TagsList": [{"Key": "team", "Value": "red"}]}
    assert refused(client.add_tags, ResourceId=arn, TagsList=[{"Key": "aws:x", "Value": "1"}]).code == (
        "InvalidTagParameterException"
    )
    many = [{"Key": f"k{number}", "Value": "1"} for number in range(50)]
    assert refused(client.add_tags, ResourceId=arn, TagsList=many).code == "TagsLimitExceededException"


def test_a_policy_on_the_tag_of_a_trail_decides(plane: InProcess, trail: Deliveries) -> None:
    tagged = allow("cloudtrail:StopLogging", StringEquals={"aws:ResourceTag/team": "red"})
    client = plane.client("cloudtrail", plane.user(fresh("stops"), tagged))
    assert refused(client.stop_logging, Name=trail.name).code == "AccessDeniedException"
    trail.cloudtrail.add_tags(ResourceId=trail.arn, TagsList=[{"Key": "team", "Value": "red"}])
    client.stop_logging(Name=trail.name)


def test_attack_a_trail_takes_no_role_that_its_maker_may_not_pass(plane: InProcess, trail: Deliveries) -> None:
    name = fresh("passed")
    trust = trusting(Service="cloudtrail.amazonaws.com")
    role = plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    client = plane.client("cloudtrail", plane.user(fresh("maker"), allow("cloudtrail:*")))
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}:*"
    given = {"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role}
    refusal = refused(client.update_trail, Name=trail.name, **given)
    assert "iam:PassRole" in refusal.message
    refusal = refused(trail.cloudtrail.update_trail, Name=trail.name, **given)
    assert (refusal.code, refusal.message) == (
        "InvalidCloudWatchLogsRoleArnException",
        "Access denied. Check the permissions for your role.",
    )
    half = {"CloudWatchLogsLogGroupArn": group}
    assert (
        refused(trail.cloudtrail.update_trail, Name=trail.name, **half).code == "InvalidParameterCombinationException"
    )
    assert "CloudWatchLogsRoleArn" not in trail.cloudtrail.get_trail(Name=trail.name)["Trail"]


def test_a_topic_that_cloudtrail_may_not_publish_to_is_refused(plane: InProcess, trail: Deliveries) -> None:
    name = fresh("topic")
    topic = plane.client("sns").create_topic(Name=name)["TopicArn"]
    refusal = refused(trail.cloudtrail.update_trail, Name=trail.name, SnsTopicName=name)
    assert (refusal.code, refusal.message) == (
        "InsufficientSnsTopicPolicyException",
        "SNS Topic does not exist or the topic policy is incorrect!",
    )
    publish = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sns:Publish"}
    policy = document({**publish, "Resource": topic, "Condition": {"StringEquals": {"aws:SourceArn": trail.arn}}})
    plane.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert trail.cloudtrail.update_trail(Name=trail.name, SnsTopicName=name)["SnsTopicARN"] == topic
    assert "SnsTopicARN" not in trail.cloudtrail.update_trail(Name=trail.name, SnsTopicName="")


def test_the_trail_of_an_organization_is_seen_and_not_changed_by_its_members(plane: InProcess) -> None:
    away = plane.account("555566667777")
    manager, member = plane.client("organizations", away), plane.account("666677778888")
    cloudtrail = plane.client("cloudtrail", away)
    org = Deliveries(plane, away, logging=False)
    wanted = {"Name": org.name, "IsOrganizationTrail": True}
    assert refused(cloudtrail.update_trail, **wanted).code == "OrganizationsNotInUseException"
    manager.create_organization(FeatureSet="ALL")
    assert refused(cloudtrail.update_trail, **wanted).code == "CloudTrailAccessNotEnabledException"
    manager.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    assert cloudtrail.update_trail(**wanted)["IsOrganizationTrail"] is True
    invited = manager.invite_account_to_organization(Target={"Id": "666677778888", "Type": "ACCOUNT"})
    plane.client("organizations", member).accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    client = plane.client("cloudtrail", member)
    assert [it["TrailARN"] for it in client.describe_trails()["trailList"]] == [org.arn]
    assert client.get_trail(Name=org.arn)["Trail"]["IsOrganizationTrail"] is True
    assert refused(client.stop_logging, Name=org.name).code == "NotOrganizationMasterAccountException"
    cloudtrail.start_logging(Name=org.name)
    plane.client("iam", member).create_user(UserName="of-the-member")
    made = [event for event in org.deliver() if event["eventName"] == "CreateUser"]
    assert [event["recipientAccountId"] for event in made] == ["666677778888"]
    identifier = manager.describe_organization()["Organization"]["Id"]
    folders = {key.rpartition("/CloudTrail/")[0] for key in org.keys("CloudTrail")}
    assert f"AWSLogs/{identifier}/666677778888" in folders
    assert all(folder.startswith(f"AWSLogs/{identifier}/") for folder in folders)
