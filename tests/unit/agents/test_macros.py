"""Macros: functions of accounts process templates, or parts of them, invoked with the caller's permissions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess, Key
from support.plane import allow, document, needs_namespaces, trusting
from support.stacks import CAPABILITIES, Stacks, template

pytestmark = needs_namespaces

MACROS = """
import json
def handler(event, context):
    fragment, told = event["fragment"], {"requestId": event["requestId"], "status": "success"}
    what = event["params"].get("What", "suffix")
    if what == "fail":
        return told | {"status": "failure", "errorMessage": "it is a test"}
    if what == "silent":
        return told | {"status": "failure"}
    if what == "raise":
        raise ValueError("secret")
    if what == "another":
        return told | {"requestId": "another", "fragment": fragment}
    if what == "text":
        return told | {"fragment": "no template"}
    if what == "secrets":
        fragment["Outputs"] = {"Known": {"Value": json.dumps(sorted(event["templateParameterValues"]))}}
    if what == "event":
        seen = {name: event[name] for name in ("transformId", "params", "region", "accountId")}
        fragment["Resources"]["Seen"] = {
            "Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": json.dumps(seen)}}
    if what == "suffix":
        fragment["Value"] = str(fragment.get("Value", "")) + " " + event["params"].get("With", "suffixed")
    return told | {"fragment": fragment}
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    made = InProcess(Path(tmp_path_factory.mktemp("macros")) / "data")
    body = template(
        {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": "processing",
                    "Runtime": "python3.11",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": MACROS},
                },
            },
            "Macro": {
                "Type": "AWS::CloudFormation::Macro",
                "Properties": {"Name": "Processed", "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]}},
            },
        },
        Outputs={"Macro": {"Value": {"Ref": "Macro"}}},
    )
    stacks = Stacks(made)
    assert stacks.create("macros", body) == "CREATE_COMPLETE"
    assert stacks.outputs("macros") == {"Macro": "Processed"}
    yield made
    made.close()


TRUST = json.loads(trusting(Service="lambda.amazonaws.com"))


def parameter(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", **properties}}


def whole(what: str) -> dict[str, Any]:
    return {"Name": "Processed", "Parameters": {"What": what}}


def test_a_macro_processes_what_is_beside_it(plane: InProcess, stacks: Stacks) -> None:
    transform = {"Name": "Processed", "Parameters": {"With": "beside"}}
    body = template({"It": parameter(Name="/beside", Value="one", **{"Fn::Transform": transform})})
    assert stacks.create("beside", body) == "CREATE_COMPLETE"
    assert plane.client("ssm").get_parameter(Name="/beside")["Parameter"]["Value"] == "one beside"
    shown = stacks.client.get_template(StackName="beside", TemplateStage="Processed")["TemplateBody"]
    assert shown["Resources"]["It"]["Properties"]["Value"] == "one beside"


def test_macros_are_applied_from_the_most_deeply_nested_outward_and_in_their_order(stacks: Stacks) -> None:
    listed = [{"Name": "Processed", "Parameters": {"With": text}} for text in ("first", "second")]
    inner = {"Name": "Processed", "Parameters": {"With": "inner"}}
    body = template(
        {"It": parameter(Name="/order", Value="v", **{"Fn::Transform": listed})},
        Mappings={"M": {"A": {"Value": "x", "Fn::Transform": inner}}},
    )
    assert stacks.create("order", body) == "CREATE_COMPLETE"
    shown = stacks.client.get_template(StackName="order", TemplateStage="Processed")["TemplateBody"]
    assert shown["Resources"]["It"]["Properties"]["Value"] == "v first second"
    assert shown["Mappings"]["M"]["A"] == {"Value": "x inner"}


def test_a_macro_of_the_whole_template_is_told_what_the_documentation_says(plane: InProcess, stacks: Stacks) -> None:
    body = template({"It": parameter(Value="v")}, Transform=[whole("event")])
    assert stacks.create("told", body) == "CREATE_COMPLETE"
    name = stacks.physical("told")["Seen"]
    told = json.loads(plane.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    account = plane.client("sts").get_caller_identity()["Account"]
    assert told == {
        "transformId": f"{account}::Processed",
        "params": {"What": "event"},
        "region": "us-east-1",
        "accountId": account,
    }


def test_a_macro_does_not_learn_parameters_with_no_echo(stacks: Stacks) -> None:
    declared = {"Plain": {"Type": "String"}, "Secret": {"Type": "String", "NoEcho": True}}
    body = template({"It": parameter(Value="v")}, Transform=whole("secrets"), Parameters=declared)
    given = [{"ParameterKey": name, "ParameterValue": "x"} for name in declared]
    assert stacks.create("no-echo", body, Parameters=given) == "CREATE_COMPLETE"
    assert stacks.outputs("no-echo") == {"Known": '["Plain"]'}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("fail", "Transform {account}::Processed failed with: it is a test"),
        ("silent", "Transform {account}::Processed failed without an error message."),
        ("raise", "Received malformed response from transform {account}::Processed"),
        ("another", "Received malformed response from transform {account}::Processed"),
        ("text", "Template format error: unsupported structure."),
    ],
)
def test_a_stack_whose_macro_fails_is_rolled_back(plane: InProcess, stacks: Stacks, what: str, reason: str) -> None:
    name, body = f"broken-{what}", template({"It": parameter(Value="v")}, Transform=whole(what))
    assert stacks.create(name, body) == "ROLLBACK_COMPLETE"
    account = plane.client("sts").get_caller_identity()["Account"]
    told = reason.format(account=account)
    assert stacks.reason(name, name, "ROLLBACK_IN_PROGRESS") == f"{told}. Rollback requested by user."
    assert [status for _, status in stacks.events(name)] == [
        "CREATE_IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
    ]
    assert stacks.delete(name) == "DELETE_COMPLETE"


def test_an_update_whose_macro_fails_changes_nothing(stacks: Stacks) -> None:
    assert stacks.create("kept", template({"It": parameter(Value="v")})) == "CREATE_COMPLETE"
    body = template({"It": parameter(Value="w")}, Transform=whole("fail"))
    assert stacks.update("kept", body) == "UPDATE_ROLLBACK_COMPLETE"
    shown = stacks.client.get_template(StackName="kept")["TemplateBody"]
    assert shown["Resources"]["It"]["Properties"]["Value"] == "v"
    assert stacks.update("kept", template({"It": parameter(Value="w")})) == "UPDATE_COMPLETE"


def test_a_change_set_whose_macro_fails_is_failed_and_not_executed(stacks: Stacks) -> None:
    body = template({"It": parameter(Value="v")}, Transform="Unheard")
    made = {"StackName": "unheard", "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    stacks.client.create_change_set(TemplateBody=body, **made)
    told = stacks.client.describe_change_set(StackName="unheard", ChangeSetName="first")
    assert (told["Status"], told["ExecutionStatus"], told["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert told["StatusReason"].startswith("No transform named ")
    assert told["StatusReason"].endswith("::Unheard found.")
    with pytest.raises(ClientError, match="cannot be executed"):
        stacks.client.execute_change_set(StackName="unheard", ChangeSetName="first")


def test_a_name_of_a_macro_is_a_text(stacks: Stacks) -> None:
    body = template({"It": parameter(Value="v", **{"Fn::Transform": {"Name": {"Ref": "AWS::Region"}}})})
    with pytest.raises(ClientError, match=r"Key Name of transform definition must be a string\."):
        stacks.client.create_stack(StackName="not-a-text", TemplateBody=body, Capabilities=CAPABILITIES)


# -- attacks -------------------------------------------------------------------------------------------------


def test_a_caller_who_may_not_invoke_the_function_has_no_macro(plane: InProcess) -> None:
    iam = plane.client("iam")
    iam.create_user(UserName="stacker")
    allowed = document(allow(["cloudformation:*", "ssm:*"]))
    iam.put_user_policy(UserName="stacker", PolicyName="p", PolicyDocument=allowed)
    made = iam.create_access_key(UserName="stacker")["AccessKey"]
    theirs = Stacks(plane, Key(made["AccessKeyId"], made["SecretAccessKey"]))
    body = template({"It": parameter(Value="v")}, Transform=whole("event"))
    assert theirs.create("not-invoked", body) == "ROLLBACK_COMPLETE"
    reason = theirs.reason("not-invoked", "not-invoked", "ROLLBACK_IN_PROGRESS")
    assert "is not authorized to perform: lambda:InvokeFunction" in reason


def test_a_macro_is_gone_with_its_stack(plane: InProcess, stacks: Stacks) -> None:
    arn = plane.client("lambda").get_function(FunctionName="processing")["Configuration"]["FunctionArn"]
    macro = {"Type": "AWS::CloudFormation::Macro", "Properties": {"Name": "Passing", "FunctionName": arn}}
    assert stacks.create("passing", template({"Macro": macro})) == "CREATE_COMPLETE"
    body = template({"It": parameter(Value="v", **{"Fn::Transform": "Passing"})})
    assert stacks.create("passed", body) == "CREATE_COMPLETE"
    assert stacks.delete("passing") == "DELETE_COMPLETE"
    assert stacks.create("too-late", body) == "ROLLBACK_COMPLETE"
    assert "::Passing found." in stacks.reason("too-late", "too-late", "ROLLBACK_IN_PROGRESS")
    assert stacks.delete("passed") == "DELETE_COMPLETE"  # whose template needs it no more


def test_a_template_does_not_call_macros_without_end(plane: InProcess, stacks: Stacks) -> None:
    many = {"Name": "Processed", "Parameters": {"With": "again"}}
    body = template({"It": parameter(Value="v", **{"Fn::Transform": [many] * 51})})
    assert stacks.create("endless", body) == "ROLLBACK_COMPLETE"
    assert "more than 50" in stacks.reason("endless", "endless", "ROLLBACK_IN_PROGRESS")


def test_a_macro_of_another_account_runs_where_its_function_lets_the_caller(plane: InProcess, stacks: Stacks) -> None:
    account = plane.client("sts").get_caller_identity()["Account"]
    other = plane.account("111122223333")
    theirs = Stacks(plane, other)
    body = template({"It": parameter(Name="/other", Value="v", **{"Fn::Transform": f"{account}::Processed"})})
    assert theirs.create("refused", body) == "ROLLBACK_COMPLETE"
    assert "lambda:InvokeFunction" in theirs.reason("refused", "refused", "ROLLBACK_IN_PROGRESS")
    plane.client("lambda").add_permission(
        FunctionName="processing", StatementId="all", Action="lambda:InvokeFunction", Principal="*"
    )
    assert theirs.create("let", body) == "CREATE_COMPLETE"
    assert plane.client("ssm", other).get_parameter(Name="/other")["Parameter"]["Value"] == "v suffixed"
