"""Types without a table: made by the backend, by calls that are decided on, or not at all."""

from __future__ import annotations

from typing import Any

from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.derived import derived, derived_rows
from support.inprocess import InProcess
from support.plane import ACCOUNT, allow, refused
from support.stacks import CAPABILITIES, Stacks, template


def thing(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def test_a_type_without_a_table_is_made_changed_and_deleted(plane: InProcess, stacks: Stacks) -> None:
    def body(description: str) -> str:
        settings = thing("AWS::AppConfig::Application", Name="settings", Description=description)
        profile = thing(
            "AWS::AppConfig::ConfigurationProfile",
            ApplicationId={"Ref": "Settings"},
            Name="flags",
            LocationUri="hosted",
        )
        outputs = {"Made": {"Value": {"Fn::GetAtt": ["Settings", "ApplicationId"]}}}
        return template({"Settings": settings, "Profile": profile}, Outputs=outputs)

    assert stacks.create("derived", body("one"), Tags=[{"Key": "team", "Value": "blue"}]) == "CREATE_COMPLETE"
    client = plane.client("appconfig")
    made = stacks.physical("derived")
    assert stacks.outputs("derived") == {"Made": made["Settings"]}
    found = client.get_application(ApplicationId=made["Settings"])
    assert (found["Name"], found["Description"]) == ("settings", "one")
    assert made["Profile"].startswith(f"{made['Settings']}|")
    assert stacks.update("derived", body("two")) == "UPDATE_COMPLETE"
    assert stacks.physical("derived") == made
    assert client.get_application(ApplicationId=made["Settings"])["Description"] == "two"
    assert stacks.delete("derived") == "DELETE_COMPLETE"
    assert refused(client.get_application, ApplicationId=made["Settings"]).code == "ResourceNotFoundException"


def test_a_type_of_ec2_without_a_table_has_the_tags_of_its_stack(plane: InProcess, stacks: Stacks) -> None:
    body = template({"Hub": thing("AWS::EC2::TransitGateway", Description="hub", Tags=[{"Key": "a", "Value": "b"}])})
    assert stacks.create("hub", body, Tags=[{"Key": "team", "Value": "blue"}]) == "CREATE_COMPLETE"
    made = stacks.physical("hub")["Hub"]
    (found,) = plane.client("ec2").describe_transit_gateways(TransitGatewayIds=[made])["TransitGateways"]
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags.items() >= {"a": "b", "team": "blue", "aws:cloudformation:stack-name": "hub"}.items()
    assert stacks.delete("hub") == "DELETE_COMPLETE"


def test_a_derived_type_is_made_with_the_permissions_of_the_stack_alone(plane: InProcess) -> None:
    body = template({"Hub": thing("AWS::EC2::TransitGateway", Description="stolen")})
    stacks = Stacks(plane, plane.user("derives", allow("cloudformation:*")))
    assert stacks.create("stolen", body) == "ROLLBACK_COMPLETE"
    reason = stacks.reason("stolen", "Hub", "CREATE_FAILED")
    assert "You are not authorized to perform this operation" in reason
    assert "ec2:CreateTransitGateway" in reason
    found = plane.client("ec2").describe_transit_gateways()["TransitGateways"]
    assert "stolen" not in [it.get("Description") for it in found]


def test_a_derived_type_passes_no_role_without_iam_pass_role(plane: InProcess) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/etl.py"}
    body = template(
        {"Job": thing("AWS::Glue::Job", Name="etl", Role=f"arn:aws:iam::{ACCOUNT}:role/etl", Command=command)}
    )
    stacks = Stacks(plane, plane.user("passes-none", allow(["cloudformation:*", "glue:*"])))
    assert stacks.create("passes", body) == "ROLLBACK_COMPLETE"
    assert "iam:PassRole" in stacks.reason("passes", "Job", "CREATE_FAILED")


def test_a_property_that_no_call_takes_fails_before_anything_is_called(plane: InProcess, stacks: Stacks) -> None:
    assert PROVIDERS["AWS::RDS::DBCluster"] is derived("AWS::RDS::DBCluster")
    it = thing("AWS::RDS::DBCluster", Engine="aurora-mysql", DBClusterIdentifier="restored", RestoreType="full-copy")
    assert stacks.create("unheard-of", template({"It": it})) == "ROLLBACK_COMPLETE"
    assert stacks.reason("unheard-of", "It", "CREATE_FAILED") == "Encountered unsupported property RestoreType"
    assert "restored" not in [
        it["DBClusterIdentifier"] for it in plane.client("rds").describe_db_clusters()["DBClusters"]
    ]


def test_what_somebody_else_put_is_not_taken_over(plane: InProcess, stacks: Stacks) -> None:
    aggregator = {
        "ConfigurationAggregatorName": "theirs",
        "AccountAggregationSources": [{"AccountIds": ["000000000000"], "AllAwsRegions": True}],
    }
    plane.client("config").put_configuration_aggregator(**aggregator)
    assert stacks.create("theirs", template({"It": thing("AWS::Config::ConfigurationAggregator", **aggregator)})) == (
        "ROLLBACK_COMPLETE"
    )
    assert "already exists" in stacks.reason("theirs", "It", "CREATE_FAILED")
    found = plane.client("config").describe_configuration_aggregators()["ConfigurationAggregators"]
    assert [it["ConfigurationAggregatorName"] for it in found] == ["theirs"]


def test_a_property_that_stays_when_it_is_not_given_is_not_said_to_be_removed(stacks: Stacks) -> None:
    body = template({"It": thing("AWS::AppConfig::Application", Name="sticky", Description="stays")})
    assert stacks.create("sticky", body) == "CREATE_COMPLETE"
    without = template({"It": thing("AWS::AppConfig::Application", Name="sticky")})
    assert stacks.update("sticky", without) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Property Description cannot be removed by an update" in stacks.reason("sticky", "It", "UPDATE_FAILED")


def test_a_type_that_the_backend_cannot_make_says_so_when_it_is_made(stacks: Stacks) -> None:
    body = template({"It": thing("AWS::IVS::StreamKey", ChannelArn="arn:aws:ivs:us-east-1:000000000000:channel/a")})
    assert stacks.create("not-there", body) == "ROLLBACK_COMPLETE"
    assert "The embedded backend does not implement ivs:" in stacks.reason("not-there", "It", "CREATE_FAILED")


def test_a_type_that_locum_cannot_derive_is_refused_at_once(stacks: Stacks) -> None:
    it = thing("AWS::ApiGateway::DomainNameV2")
    fault = refused(
        stacks.client.create_stack, StackName="no-row", TemplateBody=template({"It": it}), Capabilities=CAPABILITIES
    )
    assert fault.code == "NotImplemented"
    assert fault.message == "Locum does not make resources of the types [AWS::ApiGateway::DomainNameV2] yet."


def test_a_type_that_nobody_knows_is_refused_with_the_text_of_aws(stacks: Stacks) -> None:
    body = template({"It": thing("AWS::Nothing::Thing"), "Other": thing("AWS::ApiGateway::DomainNameV2")})
    fault = refused(stacks.client.create_stack, StackName="nobody", TemplateBody=body, Capabilities=CAPABILITIES)
    assert (fault.code, fault.message) == (
        "ValidationError",
        "Template format error: Unrecognized resource types: [AWS::Nothing::Thing]",
    )


def test_no_type_is_derived_that_has_a_table() -> None:
    assert not set(derived_rows()) & set(PROVIDERS)
