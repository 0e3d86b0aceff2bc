"""How resources are told whose providers are written by hand, or whose rows name no call that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.services.cloudformation.providers.base import Found, Reading, Request, Resource
from locum.services.cloudformation.providers.reading import absent
from locum.services.cloudformation.providers.rows import Call, Listing, Shown
from locum.services.cloudformation.shapes import decoded

_API: Final = {"restApiId": "{p.RestApiId}"}
SHOWN: Final[Mapping[str, tuple[str, Shown]]] = {
    "AWS::ApiGateway::Deployment": (
        "apigateway",
        Shown(
            Call("GetDeployment", {**_API, "deploymentId": "{id}"}),
            "",
            hides="StageName StageDescription",
            told="Description",
        ),
    ),
    "AWS::ApiGateway::Method": (
        "apigateway",
        Shown(
            Call("GetMethod", {**_API, "resourceId": "{p.ResourceId}", "httpMethod": "{p.HttpMethod}"}),
            "",
            hides="Integration MethodResponses",
            id="{p.RestApiId}|{p.ResourceId}|{p.HttpMethod}",
        ),
    ),
    "AWS::ApiGateway::RestApi": (
        "apigateway",
        Shown(
            Call("GetRestApi", {"restApiId": "{id}"}),
            "",
            told="Description",
            lists=Listing(Call("GetRestApis"), "items", "{item.id}"),
        ),
    ),
    "AWS::ApiGateway::Stage": (
        "apigateway",
        Shown(Call("GetStage", {**_API, "stageName": "{id}"}), "", hides="MethodSettings"),
    ),
    "AWS::Batch::JobDefinition": (
        "batch",
        Shown(
            Call("DescribeJobDefinitions", {"jobDefinitions": ["{id}"]}),
            "jobDefinitions.0",
            ended={"status": "INACTIVE"},
        ),
    ),
    "AWS::CloudFormation::StackSet": (
        "cloudformation",
        Shown(
            Call("DescribeStackSet", {"StackSetName": "{id}"}),
            "StackSet",
            hides="Parameters",  # which may be secret
            told="Description",
            lists=Listing(Call("ListStackSets", {"Status": "ACTIVE"}), "Summaries", "{item.StackSetId}"),
        ),
    ),
    "AWS::Cognito::UserPoolDomain": (
        "cognito-idp",
        Shown(Call("DescribeUserPoolDomain", {"Domain": "{id}"}), "DomainDescription", where={"Domain": "{id}"}),
    ),
    "AWS::EC2::DHCPOptions": (
        "ec2",
        Shown(
            Call("DescribeDhcpOptions", {"DhcpOptionsIds": ["{id}"]}),
            "DhcpOptions.0",
            told="Tags",
            lists=Listing(Call("DescribeDhcpOptions"), "DhcpOptions", "{item.DhcpOptionsId}"),
        ),
    ),
    "AWS::EC2::FlowLog": (
        "ec2",
        Shown(
            Call("DescribeFlowLogs", {"FlowLogIds": ["{id}"]}),
            "FlowLogs.0",
            hides="ResourceType",
            lists=Listing(Call("DescribeFlowLogs"), "FlowLogs", "{item.FlowLogId}"),
        ),
    ),
    "AWS::EC2::KeyPair": (
        "ec2",
        Shown(
            Call("DescribeKeyPairs", {"KeyNames": ["{id}"]}),
            "KeyPairs.0",
            hides="PublicKeyMaterial",
            told="Tags",
            lists=Listing(Call("DescribeKeyPairs"), "KeyPairs", "{item.KeyName}"),
        ),
    ),
    "AWS::EC2::VPCDHCPOptionsAssociation": (
        "ec2",
        Shown(
            Call("DescribeVpcs", {"VpcIds": ["{p.VpcId}"]}),
            "Vpcs.0",
            where={"DhcpOptionsId": "{p.DhcpOptionsId}"},
            id="{p.DhcpOptionsId}|{p.VpcId}",
        ),
    ),
    "AWS::EC2::VPCGatewayAttachment": (
        "ec2",
        Shown(
            Call("DescribeInternetGateways", {"Filters": [{"Name": "attachment.vpc-id", "Values": ["{p.VpcId}"]}]}),
            "InternetGateways.0",
            id="IGW|{p.VpcId}",
        ),
    ),
    "AWS::IAM::ServiceLinkedRole": (
        "iam",
        Shown(Call("GetRole", {"RoleName": "{id}"}), "Role", hides="AWSServiceName CustomSuffix", told="Description"),
    ),
    "AWS::IAM::VirtualMFADevice": (
        "iam",
        Shown(
            Call("ListVirtualMFADevices"),
            "VirtualMFADevices",
            where={"SerialNumber": "{id}"},
            lists=Listing(Call("ListVirtualMFADevices"), "VirtualMFADevices", "{item.SerialNumber}"),
        ),
    ),
    "AWS::Organizations::Account": (
        "organizations",
        Shown(
            Call("DescribeAccount", {"AccountId": "{id}"}),
            "Account",
            members={"AccountName": "{it.Name}"},
            ended={"Status": "SUSPENDED"},
            lists=Listing(Call("ListAccounts"), "Accounts", "{item.Id}"),
        ),
    ),
    "AWS::Route53::HealthCheck": (
        "route53",
        Shown(
            Call("GetHealthCheck", {"HealthCheckId": "{id}"}),
            "HealthCheck",
            lists=Listing(Call("ListHealthChecks"), "HealthChecks", "{item.Id}"),
        ),
    ),
    "AWS::Route53::HostedZone": (
        "route53",
        Shown(
            Call("GetHostedZone", {"Id": "{id}"}),
            "HostedZone",
            hides="Name VPCs",
            lists=Listing(Call("ListHostedZones"), "HostedZones", lambda zone: zone["Id"].rpartition("/")[2]),
        ),
    ),
}


def _permission(resource: Resource) -> Reading:
    """A statement of the policy of a function."""
    function = resource.properties.get("FunctionName", "")
    policy = decoded((yield Request("lambda", "GetPolicy", {"FunctionName": function})).get("Policy"))
    statements = policy.get("Statement", ()) if isinstance(policy, Mapping) else ()
    found = next((it for it in statements if it.get("Sid") == resource.physical), None)
    if found is None:
        raise absent(resource)
    principal = found.get("Principal")
    conditions = {
        name.lower(): value for inner in (found.get("Condition") or {}).values() for name, value in inner.items()
    }
    names = {"SourceArn": "aws:sourcearn", "SourceAccount": "aws:sourceaccount", "PrincipalOrgID": "aws:principalorgid"}
    shown = {name: conditions[key] for name, key in names.items() if key in conditions}
    if isinstance(principal, Mapping):
        principal = next(iter(principal.values()), None)
    shown |= {"FunctionName": function, "Action": found.get("Action"), "Principal": principal}
    return Found(shown, {"Id": resource.physical}, frozenset(names.keys() - shown.keys()))


READ: Final = {"AWS::Lambda::Permission": _permission}
"""Types that are read by hand."""
