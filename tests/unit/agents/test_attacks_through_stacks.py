"""Attacks by way of a stack: CloudFormation as the deputy of somebody who may use it and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.services.cloudformation.proposals import evaluation_of
from locum.services.cloudformation.sealing import Seals
from locum.services.verbs import Outcome
from locum.state import Stack, StackResource, put
from support.inprocess import InProcess
from support.plane import ACCOUNT, allow, refused, trusting
from support.stacks import CAPABILITIES, Stacks, template

AWAY = "444455556666"
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "planted-by-a-stack"}}
TEMPLATE = template({"Queue": QUEUE})


@pytest.fixture(scope="module", autouse=True)
def vault(plane: InProcess) -> None:
    """What the attackers are after."""
    plane.client("ssm").put_parameter(Name="/of-stacks/kept", Value="kept-in-ssm", Type="String")
    plane.client("ssm").put_parameter(Name="/of-stacks/sealed", Value="Sealed-in-ssm", Type="SecureString")
    plane.client("secretsmanager").create_secret(Name="kept-from-stacks", SecretString='{"password": "kept-as-secret"}')
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="vault-of-templates")
    s3.put_object(Bucket="vault-of-templates", Key="template.json", Body=TEMPLATE.encode())


def attacker(plane: InProcess, name: str, *also: dict[str, Any]) -> Stacks:
    return Stacks(plane, plane.user(name, allow(["cloudformation:*", "sqs:*"]), *also))


@pytest.mark.parametrize("operation", ["create_stack", "create_change_set", "get_template_summary"])
def test_a_template_is_read_with_the_permissions_of_whoever_names_it(plane: InProcess, operation: str) -> None:
    client = attacker(plane, f"reads-{operation.replace('_', '-')}").client
    given: dict[str, Any] = {"TemplateURL": "https://vault-of-templates.s3.amazonaws.com/template.json"}
    if operation != "get_template_summary":
        given["StackName"] = "taken"
    if operation == "create_change_set":
        given |= {"ChangeSetName": "taken", "ChangeSetType": "CREATE"}
    fault = refused(getattr(client, operation), **given)
    assert (fault.code, fault.message.startswith("S3 error: ")) == ("ValidationError", True)


def test_a_parameter_of_systems_manager_is_read_with_the_permissions_of_the_caller(plane: InProcess) -> None:
    body = template(
        {"Queue": QUEUE},
        Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/of-stacks/kept"}},
        Outputs={"O": {"Value": {"Ref": "P"}}},
    )
    fault = refused(attacker(plane, "parameter").client.create_stack, StackName="parameter", TemplateBody=body)
    assert (fault.code, "kept-in-ssm" in fault.message) == ("ValidationError", False)
    allowed = attacker(plane, "may-read", allow("ssm:GetParameters"))
    assert allowed.create("may-read", body) == "CREATE_COMPLETE"
    assert allowed.outputs("may-read") == {"O": "kept-in-ssm"}
    assert allowed.delete("may-read") == "DELETE_COMPLETE"


REFERENCES = [
    ("{{resolve:ssm:/of-stacks/kept}}", "ssm:GetParameters", "kept-in-ssm"),
    (
        "{{resolve:secretsmanager:kept-from-stacks:SecretString:password}}",
        "secretsmanager:GetSecretValue",
        "kept-as-secret",
    ),
]


@pytest.mark.parametrize(("reference", "action", "value"), REFERENCES)
def test_a_dynamic_reference_is_read_with_the_permissions_of_the_stack(
    plane: InProcess, reference: str, action: str, value: str
) -> None:
    number = REFERENCES.index((reference, action, value))
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "k", "Value": reference}]}}
    stacks = attacker(plane, f"refers-{number}")
    assert stacks.create(f"refers-{number}", template({"Queue": queue})) == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform" in stacks.reason(f"refers-{number}", "Queue", "CREATE_FAILED")
    allowed = attacker(plane, f"may-refer-{number}", allow(action))
    assert allowed.create(f"may-refer-{number}", template({"Queue": queue})) == "CREATE_COMPLETE"
    url = allowed.physical(f"may-refer-{number}")["Queue"]
    assert plane.client("sqs").list_queue_tags(QueueUrl=url)["Tags"]["k"] == value
    assert value not in plane.client("cloudformation").get_template(StackName=f"may-refer-{number}")["TemplateBody"]


def test_a_secret_of_systems_manager_is_read_with_the_permissions_of_the_stack(plane: InProcess) -> None:
    profile = {"Password": "{{resolve:ssm-secure:/of-stacks/sealed}}"}
    body = template({"User": {"Type": "AWS::IAM::User", "Properties": {"LoginProfile": profile}}})
    stacks = attacker(plane, "refers-to-secret", allow("iam:*"))
    assert stacks.create("refers-to-secret", body) == "ROLLBACK_COMPLETE"
    reason = stacks.reason("refers-to-secret", "User", "CREATE_FAILED")
    assert "is not authorized to perform: ssm:GetParameters" in reason
    allowed = attacker(plane, "may-refer-to-secret", allow(["iam:*", "ssm:GetParameters"]))
    assert allowed.create("may-refer-to-secret", body) == "CREATE_COMPLETE"
    assert "Sealed-in-ssm" not in json.dumps(
        allowed.client.describe_stack_events(StackName="may-refer-to-secret"), default=str
    )


def test_a_stack_makes_nothing_in_another_account(plane: InProcess) -> None:
    here, away = Stacks(plane), plane.account(AWAY)
    assert here.create("here", TEMPLATE) == "CREATE_COMPLETE"
    assert refused(plane.client("sqs", away).get_queue_url, QueueName="planted-by-a-stack").code.endswith(
        "NonExistentQueue"
    )
    arn = here.told("here")["StackId"]
    client = plane.client("cloudformation", away)
    assert "does not exist" in refused(client.describe_stacks, StackName="here").message
    for operation in (client.describe_stacks, client.delete_stack):
        assert refused(operation, StackName=arn).code == "AccessDenied"
    assert here.settled("here") == "CREATE_COMPLETE"
    assert here.delete("here") == "DELETE_COMPLETE"


def test_a_function_gets_no_role_that_its_maker_may_not_pass(plane: InProcess) -> None:
    plane.client("iam").create_role(
        RoleName="strong", AssumeRolePolicyDocument=trusting(Service="lambda.amazonaws.com")
    )
    properties = {
        "Role": f"arn:aws:iam::{ACCOUNT}:role/strong",
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): return 1"},
    }
    stacks = attacker(plane, "borrower", allow("lambda:*"))
    body = template({"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}})
    assert stacks.create("borrower", body) == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: iam:PassRole" in stacks.reason("borrower", "Function", "CREATE_FAILED")


def test_a_change_sets_arn_decides_which_stack_is_meant(plane: InProcess) -> None:
    root = plane.client("cloudformation")
    for name in ("mine", "prod"):
        assert Stacks(plane).create(name, template({"Q": {"Type": "AWS::SQS::Queue"}})) == "CREATE_COMPLETE"
    changes = root.create_change_set(StackName="prod", ChangeSetName="c", TemplateBody=TEMPLATE)["Id"]
    mine = allow("cloudformation:*", f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/mine/*")
    client = plane.client("cloudformation", plane.user("of-mine", mine))
    for stack in ({}, {"StackName": "mine"}):
        assert refused(client.execute_change_set, ChangeSetName=changes, **stack).code == "AccessDenied"
    assert root.describe_change_set(ChangeSetName=changes)["ExecutionStatus"] == "AVAILABLE"


def test_a_policy_on_the_arn_of_a_stack_holds_for_its_name(plane: InProcess) -> None:
    stacks = Stacks(plane)
    stacks.create("guarded", template({"Q": {"Type": "AWS::SQS::Queue"}}))
    arn = stacks.told("guarded")["StackId"]
    deny = {"Effect": "Deny", "Action": "cloudformation:DeleteStack", "Resource": arn}
    client = plane.client("cloudformation", plane.user("deleting", allow("*"), deny))
    for name in ("guarded", arn):
        assert refused(client.delete_stack, StackName=name).code == "AccessDenied"


def test_the_rights_that_a_caller_has_lost_make_nothing(plane: InProcess) -> None:
    stacks = attacker(plane, "demoted")
    client = stacks.client
    made = client.create_change_set(
        StackName="demoted", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=TEMPLATE, Capabilities=CAPABILITIES
    )
    only = json.dumps({"Version": "2012-10-17", "Statement": [allow("cloudformation:*")]})
    plane.client("iam").put_user_policy(UserName="demoted", PolicyName="p", PolicyDocument=only)
    names = plane.client("iam").list_user_policies(UserName="demoted")["PolicyNames"]
    for name in names:
        plane.client("iam").put_user_policy(UserName="demoted", PolicyName=name, PolicyDocument=only)
    client.execute_change_set(ChangeSetName=made["Id"])
    assert stacks.settled("demoted") == "ROLLBACK_COMPLETE"
    assert "is not authorized to perform: sqs:" in stacks.reason("demoted", "Queue", "CREATE_FAILED")


def test_a_role_for_the_deletion_must_be_passed(plane: InProcess) -> None:
    iam = plane.client("iam")
    trust = trusting(Service="cloudformation.amazonaws.com")
    arn = iam.create_role(RoleName="mighty", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    Stacks(plane).create("lent", template({"Q": {"Type": "AWS::SQS::Queue"}}))
    weak = Stacks(plane, plane.user("weak", allow("cloudformation:*")))
    fault = refused(weak.client.delete_stack, StackName="lent", RoleARN=arn)
    assert (fault.code, "iam:PassRole" in fault.message) == ("AccessDenied", True)
    assert Stacks(plane).settled("lent") == "CREATE_COMPLETE"


def test_every_operation_that_takes_a_role_has_it_passed(plane: InProcess) -> None:
    client = plane.client("cloudformation", plane.user("lender", allow("cloudformation:*")))
    arn = f"arn:aws:iam::{ACCOUNT}:role/mighty"
    model = client.meta.service_model
    given = {"StackName": "lent", "ChangeSetName": "c", "TemplateBody": TEMPLATE, "RoleARN": arn}
    for python, name in client.meta.method_to_api_mapping.items():
        members = model.operation_model(name).input_shape.members if model.operation_model(name).input_shape else {}
        if "RoleARN" in members and name != "CreateGeneratedTemplate":
            fault = refused(getattr(client, python), **{key: it for key, it in given.items() if key in members})
            assert (name, fault.code, "iam:PassRole" in fault.message) == (name, "AccessDenied", True)


@pytest.mark.parametrize("kind", ["AWS::IAM::Role", "AWS::SSM::Parameter"])
def test_a_restart_takes_nothing_that_was_there_for_its_own(plane: InProcess, kind: str) -> None:
    stacks, iam, ssm = Stacks(plane), plane.client("iam"), plane.client("ssm")
    trust = trusting(Service="ec2.amazonaws.com")
    if kind == "AWS::IAM::Role":
        iam.create_role(RoleName="precious-to-others", AssumeRolePolicyDocument=trust)
        properties: dict[str, Any] = {"RoleName": "precious-to-others", "AssumeRolePolicyDocument": json.loads(trust)}
    else:
        ssm.put_parameter(Name="precious-to-others", Value="kept", Type="String")
        properties = {"Name": "precious-to-others", "Type": "String", "Value": "other"}
    name = f"takes-{kind.rpartition('::')[2].lower()}"
    stacks.client.create_stack(
        StackName=name,
        TemplateBody=template({"R": {"Type": kind, "Properties": properties}}),
        Capabilities=CAPABILITIES,
    )
    arn = stacks.told(name)["StackId"]
    begun(plane, arn, kind)
    assert stacks.settled(arn) == "ROLLBACK_COMPLETE"
    assert stacks.delete(arn) == "DELETE_COMPLETE"
    if kind == "AWS::IAM::Role":
        assert iam.get_role(RoleName="precious-to-others")["Role"]["RoleName"] == "precious-to-others"
    else:
        assert ssm.get_parameter(Name="precious-to-others")["Parameter"]["Value"] == "kept"


def begun(plane: InProcess, arn: str, kind: str) -> None:
    """Bring the one resource of a stack to where a restart finds a creation that was begun."""
    ledger = plane.node.runtime.ledger
    (stack,) = (it for it in ledger.state.every(Stack) if it.arn == arn)
    seals = Seals(plane.node.runtime.keyring, plane.node.runtime.entropy)
    evaluation = evaluation_of(ledger.state, stack, stack.version, seals)
    wanted = {"properties": dict(evaluation.template.resources["R"].properties), "tags": {}}
    it = StackResource(
        account=stack.account,
        region=stack.region,
        stack=stack.id,
        logical="R",
        type=kind,
        status="CREATE_IN_PROGRESS",
        at=stack.created,
        token="ABCDEFGHIJKL",
        operation=stack.operation,
        waiting=seals.seal(stack.account, stack.id, wanted),
    )
    plane.run(ledger.transact(lambda _state: Outcome({}, (put(it),)), lambda _outcome: ()))


def test_aliases_of_yaml_are_refused(plane: InProcess) -> None:
    bomb = "x: &a {k: 1}\n" + "".join(f"y{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}'] * 9)}]}}\n" for n in range(1, 21))
    bomb = bomb.replace("*b0", "*a") + "Resources: {Q: {Type: AWS::SQS::Queue}}\n"
    fault = refused(plane.client("cloudformation").validate_template, TemplateBody=bomb)
    assert fault.message == "Template format error: YAML aliases are not allowed in CloudFormation templates"


def test_a_nested_stack_is_protected_as_its_root(plane: InProcess) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="nests-of-stacks")
    s3.put_object(
        Bucket="nests-of-stacks", Key="inner.json", Body=template({"Q": {"Type": "AWS::SQS::Queue"}}).encode()
    )
    url = "https://nests-of-stacks.s3.amazonaws.com/inner.json"
    body = template({"Inner": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}})
    stacks = Stacks(plane)
    assert stacks.create("outer", body, EnableTerminationProtection=True) == "CREATE_COMPLETE"
    inner = stacks.physical("outer")["Inner"]
    assert stacks.told(inner)["EnableTerminationProtection"]
    assert "TerminationProtection is enabled" in refused(stacks.client.delete_stack, StackName=inner).message
    off = {"StackName": inner, "EnableTerminationProtection": False}
    assert refused(stacks.client.update_termination_protection, **off).code == "ValidationError"
    stacks.client.update_termination_protection(StackName="outer", EnableTerminationProtection=False)
    assert stacks.delete("outer") == "DELETE_COMPLETE"


def test_a_template_puts_no_tags_of_awss_own_on_a_resource(plane: InProcess) -> None:
    tags = [{"Key": "aws:cloudformation:stack-id", "Value": "arn:of-somebody-else"}]
    stacks = attacker(plane, "reserved-tags")
    body = template({"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": tags}}})
    assert stacks.create("reserved-tags", body) == "ROLLBACK_COMPLETE"
    assert "aws: prefixed tag key names are not allowed" in stacks.reason("reserved-tags", "Queue", "CREATE_FAILED")


def test_a_number_without_end_is_no_template(plane: InProcess) -> None:
    body = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": ' + "9" * 5000 + "}}}}"
    fault = refused(plane.client("cloudformation").create_stack, StackName="endless", TemplateBody=body)
    assert (fault.code, fault.message) == ("ValidationError", "Template format error: JSON not well-formed.")


def test_one_answer_describes_a_hundred_resources(plane: InProcess) -> None:
    handles = {f"H{number}": {"Type": "AWS::CloudFormation::WaitConditionHandle"} for number in range(120)}
    stacks = Stacks(plane)
    assert stacks.create("many", template(handles)) == "CREATE_COMPLETE"
    assert len(stacks.client.describe_stack_resources(StackName="many")["StackResources"]) == 100
    pages = stacks.client.get_paginator("list_stack_resources").paginate(StackName="many")
    assert sum(len(page["StackResourceSummaries"]) for page in pages) == 120
    assert stacks.delete("many") == "DELETE_COMPLETE"
