"""Aliases that CodeDeploy moves: by deployments of stacks and of clients, in the service role of their group."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.deployed import deployed
from support.plane import ACCOUNT, RunningPlane, allow, fresh, refused, trusting, up

WORKING: Final = "def handler(event, context): return event"
REPORTING: Final = """
import os
import boto3

def handler(event, context):
    weights = boto3.client("lambda").get_alias(FunctionName=os.environ["OF"], Name="live")
    if weights["FunctionVersion"] != os.environ["EXPECTED"]:
        raise ValueError(weights)
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status=os.environ["STATUS"],
    )
"""
MAY_DEPLOY: Final = allow(
    ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:InvokeFunction", "cloudwatch:DescribeAlarms"]
)
MAY_REPORT: Final = allow(["codedeploy:PutLifecycleEventHookExecutionStatus", "lambda:GetAlias"])
GROUPS: Final = "CodeDeployDefault.Lambda"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("plane")) as running:
        yield running


class Release:
    """A function of three versions, with an alias of the first, and a deployment group whose role has `statements`."""

    def __init__(
        self, plane: RunningPlane, *statements: dict[str, Any], config: str = "AllAtOnce", **group: Any
    ) -> None:
        self.plane, self.name = plane, fresh("released")
        self.functions, self.deploy = plane.client("lambda"), plane.client("codedeploy")
        self._create(self.name, WORKING)
        for number in range(3):
            self.functions.update_function_configuration(FunctionName=self.name, Description=f"{number}")
            self.functions.publish_version(FunctionName=self.name)
        self.role = plane.role(trusting(Service="codedeploy.amazonaws.com"), *(statements or (MAY_DEPLOY,)))
        self.deploy.create_application(applicationName=self.name, computePlatform="Lambda")
        self.deploy.create_deployment_group(
            applicationName=self.name,
            deploymentGroupName="all",
            serviceRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{self.role}",
            deploymentConfigName=f"{GROUPS}{config}",
            **group,
        )

    def _create(self, name: str, code: str, *statements: dict[str, Any], **variables: str) -> None:
        role = self.plane.role(trusting(Service="lambda.amazonaws.com"), *statements)
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        deployed(self.plane, code, FunctionName=name, Role=arn, Environment={"Variables": variables})

    def hook(self, status: str, expected: str) -> str:
        """A function that reports a status, where the alias is of the version that is `expected` then."""
        name = fresh("hook")
        self._create(name, REPORTING, MAY_REPORT, OF=self.name, STATUS=status, EXPECTED=expected)
        return name

    def create(self) -> str:
        """A stack with the alias."""
        stacks, stack = self.plane.client("cloudformation"), fresh("stack")
        stacks.create_stack(StackName=stack, TemplateBody=self._body("1", {}))
        assert self._settled(stack) == "CREATE_COMPLETE"
        return stack

    def update(self, stack: str, version: str, **hooks: str) -> str:
        policy = {"ApplicationName": self.name, "DeploymentGroupName": "all", **hooks}
        self.plane.client("cloudformation").update_stack(StackName=stack, TemplateBody=self._body(version, policy))
        return self._settled(stack)

    def _body(self, version: str, policy: dict[str, str]) -> str:
        properties = {"FunctionName": self.name, "Name": "live", "FunctionVersion": version}
        alias: dict[str, Any] = {"Type": "AWS::Lambda::Alias", "Properties": properties}
        if policy:
            alias["UpdatePolicy"] = {"CodeDeployLambdaAliasUpdate": policy}
        return json.dumps({"Resources": {"Live": alias}})

    def _settled(self, stack: str) -> str:
        while (status := self.status(stack)).endswith("_IN_PROGRESS"):
            pass
        return status

    def status(self, stack: str) -> str:
        return str(self.plane.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])

    def reasons(self, stack: str) -> str:
        events = self.plane.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(it.get("ResourceStatusReason", "") for it in events)

    def deployments(self) -> list[dict[str, Any]]:
        found = self.deploy.list_deployments(applicationName=self.name, deploymentGroupName="all")["deployments"]
        return [self.deploy.get_deployment(deploymentId=it)["deploymentInfo"] for it in found]

    def alias(self) -> tuple[str, dict[str, float]]:
        """The version of the alias, and the weights of others."""
        told = self.functions.get_alias(FunctionName=self.name, Name="live")
        return told["FunctionVersion"], (told.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}

    def begin(self, current: str, target: str, **more: Any) -> str:
        """Begin a deployment as a client does."""
        properties = {"Name": self.name, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
        resource = {"It": {"Type": "AWS::Lambda::Function", "Properties": properties}}
        content = json.dumps({"version": 0.0, "Resources": [resource], **more})
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}
        told = self.deploy.create_deployment(applicationName=self.name, deploymentGroupName="all", revision=revision)
        return str(told["deploymentId"])

    def ended(self, deployment: str) -> dict[str, Any]:
        while (told := self.deploy.get_deployment(deploymentId=deployment)["deploymentInfo"])["status"] in (
            "Created",
            "InProgress",
        ):
            pass
        return dict(told)


# -- stacks --------------------------------------------------------------------------------------------------


def test_an_alias_changes_its_version_by_a_deployment_with_hooks_before_and_after(plane: RunningPlane) -> None:
    it = Release(plane)
    stack = it.create()
    hooks = {"BeforeAllowTrafficHook": it.hook("Succeeded", "1"), "AfterAllowTrafficHook": it.hook("Succeeded", "2")}
    assert it.update(stack, "2", **hooks) == "UPDATE_COMPLETE", it.reasons(stack)
    assert it.alias() == ("2", {})
    (told,) = it.deployments()
    assert (told["status"], told["deploymentConfigName"]) == ("Succeeded", f"{GROUPS}AllAtOnce")


@pytest.mark.parametrize("name", ["BeforeAllowTrafficHook", "AfterAllowTrafficHook"])
def test_a_hook_that_fails_fails_the_update_and_the_alias_is_what_it_was(plane: RunningPlane, name: str) -> None:
    it = Release(plane)
    stack = it.create()
    hook = it.hook("Failed", "1" if name.startswith("Before") else "2")
    assert it.update(stack, "2", **{name: hook}) == "UPDATE_ROLLBACK_COMPLETE"
    assert f"The {name.removesuffix('Hook')} validation function {hook} failed" in it.reasons(stack)
    assert it.alias() == ("1", {})
    (told,) = it.deployments()
    assert (told["status"], told["errorInformation"]["code"]) == ("Failed", "HOOK_EXECUTION_FAILURE")


def test_traffic_shifts_at_the_times_of_the_configuration_by_the_planes_clock(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with up(tmp_path_factory.mktemp("plane")) as plane:
        it = Release(plane, config="Canary10Percent5Minutes")
        it.create()
        deployment = it.begin("1", "2")
        while it.alias() != ("1", {"2": 0.1}):
            pass
        assert plane.locum("clock", "+6m").returncode == 0
        assert it.ended(deployment)["status"] == "Succeeded"
        assert it.alias() == ("2", {})


def test_an_alarm_stops_a_deployment_which_is_rolled_back(plane: RunningPlane) -> None:
    alarms = {"enabled": True, "alarms": [{"name": "errors"}]}
    back = {"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]}
    it = Release(plane, alarmConfiguration=alarms, autoRollbackConfiguration=back)
    it.create()
    cloudwatch = plane.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors", MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1,
        Statistic="Sum", ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    assert it.ended(it.begin("1", "2"))["status"] == "Succeeded"
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="now")
    told = it.ended(it.begin("2", "3"))
    assert (told["status"], told["errorInformation"]["code"]) == ("Failed", "ALARM_ACTIVE")
    assert it.alias() == ("2", {})


def test_a_deployment_preference_of_sam_is_a_deployment(plane: RunningPlane) -> None:
    def body(text: str) -> str:
        function = {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "InlineCode": f"def handler(event, context): return '{text}'",
                "Handler": "index.handler",
                "Runtime": "python3.11",
                "AutoPublishAlias": "live",
                "DeploymentPreference": {"Type": "AllAtOnce"},
            },
        }
        outputs = {"Name": {"Value": {"Ref": "Function"}}, "App": {"Value": {"Ref": "ServerlessDeploymentApplication"}}}
        return json.dumps(
            {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Function": function}, "Outputs": outputs}
        )

    stacks, stack = plane.client("cloudformation"), fresh("serverless")
    given = {"StackName": stack, "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]}
    for text, change in (("one", stacks.create_stack), ("two", stacks.update_stack)):
        change(TemplateBody=body(text), **given)
        while (told := stacks.describe_stacks(StackName=stack)["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
            pass
        assert told["StackStatus"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")), told
        made = {it["OutputKey"]: it["OutputValue"] for it in told["Outputs"]}
        answer = plane.client("lambda").invoke(FunctionName=f"{made['Name']}:live")
        assert json.loads(answer["Payload"].read()) == text
    deploy = plane.client("codedeploy")
    (group,) = deploy.list_deployment_groups(applicationName=made["App"])["deploymentGroups"]
    (one,) = deploy.list_deployments(applicationName=made["App"], deploymentGroupName=group)["deployments"]
    assert deploy.get_deployment(deploymentId=one)["deploymentInfo"]["status"] == "Succeeded"


def test_an_application_of_a_stack_has_its_group_and_goes_with_it(plane: RunningPlane) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/{plane.role(trusting(Service='codedeploy.amazonaws.com'), MAY_DEPLOY)}"
    group = {"ApplicationName": {"Ref": "App"}, "ServiceRoleArn": role, "DeploymentConfigName": f"{GROUPS}AllAtOnce"}
    resources = {
        "App": {"Type": "AWS::CodeDeploy::Application", "Properties": {"ComputePlatform": "Lambda"}},
        "Group": {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": group},
    }
    stacks, deploy, stack = plane.client("cloudformation"), plane.client("codedeploy"), fresh("stack")
    outputs = {name: {"Value": {"Ref": name}} for name in resources}
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    while (told := stacks.describe_stacks(StackName=stack)["Stacks"][0])["StackStatus"] == "CREATE_IN_PROGRESS":
        pass
    made = {it["OutputKey"]: it["OutputValue"] for it in told["Outputs"]}
    named = {"applicationName": made["App"], "deploymentGroupName": made["Group"]}
    assert deploy.get_deployment_group(**named)["deploymentGroupInfo"]["serviceRoleArn"] == role
    stacks.delete_stack(StackName=stack)
    while stacks.describe_stacks(StackName=told["StackId"])["Stacks"][0]["StackStatus"] != "DELETE_COMPLETE":
        pass
    assert made["App"] not in deploy.list_applications()["applications"]


# -- attacks -------------------------------------------------------------------------------------------------


def test_a_group_whose_role_may_not_change_the_alias_deploys_nothing(plane: RunningPlane) -> None:
    it = Release(plane, allow("lambda:GetAlias"))
    stack = it.create()
    assert it.update(stack, "2") == "UPDATE_ROLLBACK_COMPLETE"
    assert "is not authorized to perform: lambda:UpdateAlias" in it.reasons(stack)
    assert it.alias() == ("1", {})


def test_a_role_that_does_not_trust_codedeploy_is_not_its_role(plane: RunningPlane) -> None:
    it = Release(plane)
    it.create()
    arn = f"arn:aws:iam::{ACCOUNT}:role/" + plane.role(trusting(Service="lambda.amazonaws.com"), MAY_DEPLOY)
    for refusal in (
        refused(
            it.deploy.create_deployment_group, applicationName=it.name, deploymentGroupName="theirs", serviceRoleArn=arn
        ),
        refused(
            it.deploy.update_deployment_group,
            applicationName=it.name,
            currentDeploymentGroupName="all",
            serviceRoleArn=arn,
        ),
    ):
        told = f"AWS CodeDeploy does not have the permissions required to assume the role {arn}."
        assert (refusal.code, refusal.message) == ("InvalidRoleException", told)
    assert it.deploy.list_deployment_groups(applicationName=it.name)["deploymentGroups"] == ["all"]


def test_a_role_that_does_not_trust_codedeploy_any_more_moves_no_alias(plane: RunningPlane) -> None:
    it = Release(plane)
    it.create()
    trust = trusting(Service="lambda.amazonaws.com")
    plane.client("iam").update_assume_role_policy(RoleName=it.role, PolicyDocument=trust)
    assert it.ended(it.begin("1", "2"))["errorInformation"]["code"] == "IAM_ROLE_PERMISSIONS"
    assert it.alias() == ("1", {})


def test_who_may_not_deploy_does_not_by_a_stack(plane: RunningPlane) -> None:
    it = Release(plane)
    stack = it.create()
    _, key = plane.user(allow(["cloudformation:*", "lambda:*"]))
    policy = {"ApplicationName": it.name, "DeploymentGroupName": "all"}
    plane.client("cloudformation", key).update_stack(StackName=stack, TemplateBody=it._body("2", policy))
    assert it._settled(stack) == "UPDATE_ROLLBACK_COMPLETE"
    assert "is not authorized to perform: codedeploy:CreateDeployment" in it.reasons(stack)
    assert (it.alias(), it.deployments()) == (("1", {}), [])


def test_nobody_reports_for_a_hook_without_its_execution_id(plane: RunningPlane) -> None:
    it = Release(plane)
    it.create()
    deployment = it.begin("1", "2")
    it.ended(deployment)
    report = it.deploy.put_lifecycle_event_hook_execution_status
    fault = refused(report, deploymentId=deployment, lifecycleEventHookExecutionId="guessed", status="Succeeded")
    assert fault.code == "InvalidLifecycleEventHookExecutionIdException"
    assert refused(report, deploymentId="d-none", status="Succeeded").code == "DeploymentDoesNotExistException"


def test_who_may_not_pass_the_role_makes_no_group_with_it_and_no_stack_does(plane: RunningPlane) -> None:
    it = Release(plane)
    role = plane.role(trusting(Service="codedeploy.amazonaws.com"), MAY_DEPLOY)
    given = {"applicationName": it.name, "serviceRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}"}
    _, key = plane.user(allow(["codedeploy:*", "cloudformation:*"]))
    theirs, stacks, stack = plane.client("codedeploy", key), plane.client("cloudformation", key), fresh("stack")
    for fault in (
        refused(theirs.create_deployment_group, deploymentGroupName="theirs", **given),
        refused(theirs.update_deployment_group, currentDeploymentGroupName="all", **given),
    ):
        assert (fault.code, "iam:PassRole" in fault.message) == ("AccessDeniedException", True)
    properties = {
        "ApplicationName": it.name,
        "DeploymentGroupName": "theirs",
        "ServiceRoleArn": given["serviceRoleArn"],
    }
    group = {"Type": "AWS::CodeDeploy::DeploymentGroup", "Properties": properties}
    stacks.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": {"Group": group}}))
    assert it._settled(stack) == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: iam:PassRole" in it.reasons(stack)
    assert it.deploy.list_deployment_groups(applicationName=it.name)["deploymentGroups"] == ["all"]


def test_a_group_has_one_deployment_at_a_time(plane: RunningPlane) -> None:
    it = Release(plane, config="Canary10Percent5Minutes")
    it.create()
    active = it.begin("1", "2")
    fault = refused(it.begin, current="1", target="3")
    told = f"The Deployment Group 'all' already has an active Deployment '{active}'"
    assert (fault.code, fault.message) == ("DeploymentLimitExceededException", told)
    assert len(it.deployments()) == 1
    while it.alias() != ("1", {"2": 0.1}):
        pass
    assert plane.locum("clock", "+6m").returncode == 0
    assert it.ended(active)["status"] == "Succeeded"
    assert it.ended(it.begin("3", "2"))["status"] == "Failed"  # which another one may follow
    assert it.begin("2", "3")


GROWING: Final = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 20))


@pytest.mark.parametrize("content", ["[" * 5000, "a0: &a0 {x: 1}\n" + GROWING], ids=["nested", "growing"])
def test_a_small_appspec_that_is_much_to_read_fails(plane: RunningPlane, content: str) -> None:
    it = Release(plane)
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}
    made = it.deploy.create_deployment(applicationName=it.name, deploymentGroupName="all", revision=revision)
    assert it.ended(made["deploymentId"])["errorInformation"]["code"] == "INVALID_REVISION"


@pytest.mark.parametrize(
    ("current", "config", "message"),
    [
        ("2", "AllAtOnce", "Alias live is of version 1, and not of 2."),
        ("1", "Sideways", "The embedded backend has no deployment configuration CodeDeployDefault.LambdaSideways."),
    ],
)
def test_what_cannot_be_deployed_fails(plane: RunningPlane, current: str, config: str, message: str) -> None:
    it = Release(plane, config=config)
    it.create()
    told = it.ended(it.begin(current, "3"))
    assert (told["status"], told["errorInformation"]["message"]) == ("Failed", message)
    assert it.alias() == ("1", {})
