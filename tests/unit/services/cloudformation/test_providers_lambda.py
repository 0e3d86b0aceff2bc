"""Providers of Lambda's functions and what belongs to them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers.base import Resource
from locum.services.cloudformation.providers.inline_code import package
from support.deployed import invoked, role
from support.inprocess import InProcess, refusal
from support.remaking import Remaking, own

SOURCE = "def handler(event, context): return {'answer': 42}"
KIND = "AWS::Lambda::Function"


@pytest.fixture(scope="module")
def making(plane: InProcess) -> Remaking:
    return Remaking(plane)


@pytest.fixture(scope="module")
def client(plane: InProcess) -> Any:
    return plane.client("lambda")


@pytest.fixture(scope="module")
def given(plane: InProcess) -> dict[str, Any]:
    return {
        "Code": {"ZipFile": SOURCE},
        "Handler": "index.handler",
        "Role": role(plane),
        "Runtime": "python3.11",
    }


@pytest.fixture(scope="module")
def function(making: Remaking, given: dict[str, Any]) -> Resource:
    return making.create(KIND, "Shared", **given)


def test_source_in_a_template_is_an_index_file_with_the_module_of_responses_where_it_is_named() -> None:
    def files(source: str, runtime: str) -> list[str]:
        with zipfile.ZipFile(io.BytesIO(package(source, runtime))) as archive:
            return archive.namelist()

    assert files(SOURCE, "python3.13") == ["index.py"]
    assert files("import cfnresponse", "python3.13") == ["index.py", "cfnresponse.py"]
    response = 'const response = require("cfn-response")'
    assert files(response, "nodejs22.x") == ["index.js", "node_modules/cfn-response.js"]
    assert package(SOURCE, "python3.13") == package(SOURCE, "python3.13")
    with pytest.raises(ValueError, match="nodejs, python"):
        files(SOURCE, "java21")
    with pytest.raises(ValueError, match="4 MB"):
        files("#" * (4 * 1024 * 1024 + 1), "python3.13")


def test_a_function_runs_and_is_changed(plane: InProcess, making: Remaking, client: Any, given: dict[str, Any]) -> None:
    variables = {"Environment": {"Variables": {"A": 1}}}
    tags = [{"Key": "a", "Value": "b"}, {"Key": "old", "Value": "x"}]
    made = making.create(KIND, **given, **variables, Timeout="30", Tags=tags, ReservedConcurrentExecutions=2)
    assert made.physical.startswith("shop-Thing-")
    seen = client.get_function(FunctionName=made.physical)
    assert made.attributes["Arn"] == seen["Configuration"]["FunctionArn"]
    assert seen["Configuration"]["Environment"]["Variables"] == {"A": "1"}
    assert own(seen["Tags"]) == {"a": "b", "old": "x"}
    assert seen["Concurrency"]["ReservedConcurrentExecutions"] == 2
    assert making.again(made).physical == made.physical
    assert invoked(plane, made.physical)[1] == {"answer": 42}
    code = {"Code": {"ZipFile": SOURCE.replace("42", "43")}}
    made = making.update(made, **{**given, **code}, MemorySize="256", Tags=[{"Key": "a", "Value": "c"}])
    seen = client.get_function(FunctionName=made.physical)
    assert seen["Configuration"]["Timeout"] == 3
    assert seen["Configuration"]["MemorySize"] == 256
    assert not seen["Configuration"].get("Environment", {}).get("Variables")
    assert own(seen["Tags"]) == {"a": "c"}
    assert "Concurrency" not in seen
    assert invoked(plane, made.physical)[1] == {"answer": 43}
    making.delete(made)
    making.delete(made)
    assert refusal(client.get_function, FunctionName=made.physical)[0] == "ResourceNotFoundException"


def test_source_of_a_runtime_that_is_compiled_is_refused(making: Remaking, given: dict[str, Any]) -> None:
    with pytest.raises(Fault, match="ZipFile"):
        making.create(KIND, **{**given, "Runtime": "java21"})


def test_code_may_be_an_object_of_s3(plane: InProcess, making: Remaking, given: dict[str, Any]) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="the-code-of-functions")
    s3.put_object(Bucket="the-code-of-functions", Key="one.zip", Body=package(SOURCE, "python3.11"))
    code = {"S3Bucket": "the-code-of-functions", "S3Key": "one.zip"}
    made = making.create(KIND, **{**given, "Code": code})
    assert invoked(plane, made.physical)[1] == {"answer": 42}
    making.delete(made)


def test_a_permission_is_a_statement_of_the_policy(making: Remaking, client: Any, function: Resource) -> None:
    grant = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceAccount": "123456789012"}
    made = making.create("AWS::Lambda::Permission", FunctionName=function.attributes["Arn"], **grant)
    assert making.again(made).physical == made.physical == made.attributes["Id"]
    (statement,) = json.loads(client.get_policy(FunctionName=function.physical)["Policy"])["Statement"]
    assert (statement["Sid"], statement["Principal"]) == (made.physical, {"Service": "s3.amazonaws.com"})
    making.delete(made)
    making.delete(made)
    assert made.physical not in str(refusal(client.get_policy, FunctionName=function.physical))


def test_versions_have_aliases(making: Remaking, client: Any, function: Resource) -> None:
    version = making.create("AWS::Lambda::Version", FunctionName=function.physical)
    assert version.physical == f"{function.attributes['Arn']}:1"
    assert (version.attributes["Version"], making.again(version).physical) == ("1", version.physical)
    of = {"FunctionName": function.physical, "Name": "live"}
    alias = making.create("AWS::Lambda::Alias", **of, FunctionVersion="1", Description="x")
    assert alias.physical == f"{function.attributes['Arn']}:live" == making.again(alias).physical
    alias = making.update(alias, **of, FunctionVersion="$LATEST")
    assert client.get_alias(**of)["FunctionVersion"] == "$LATEST"
    for made in (alias, version):
        making.delete(made)
        making.delete(made)
    assert refusal(client.get_alias, **of)[0] == "ResourceNotFoundException"


def test_layers_may_be_used_by_others(plane: InProcess, making: Remaking, client: Any) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="layers-of-functions")
    s3.put_object(Bucket="layers-of-functions", Key="one.zip", Body=package("x = 1", "python3.11"))
    content = {"S3Bucket": "layers-of-functions", "S3Key": "one.zip"}
    made = making.create("AWS::Lambda::LayerVersion", Content=content, CompatibleRuntimes=["python3.11"])
    assert made.physical.endswith(":1")
    grant = {"Action": "lambda:GetLayerVersion", "Principal": "123456789012"}
    allowed = making.create("AWS::Lambda::LayerVersionPermission", LayerVersionArn=made.physical, **grant)
    assert allowed.physical.startswith(f"{made.physical}#")
    making.delete(allowed)
    making.delete(made)
    making.delete(made)
    assert client.list_layer_versions(LayerName=made.attributes["LayerArn"])["LayerVersions"] == []


def test_a_mapping_reads_its_queue(plane: InProcess, making: Remaking, client: Any, function: Resource) -> None:
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName="mapped-to-a-function")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    iam = plane.client("iam")
    name = client.get_function(FunctionName=function.physical)["Configuration"]["Role"].rpartition("/")[2]
    may = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document)
    of = {"FunctionName": function.physical, "EventSourceArn": arn}
    made = making.create("AWS::Lambda::EventSourceMapping", **of, BatchSize="5", Enabled="false")
    seen = client.get_event_source_mapping(UUID=made.physical)
    assert (seen["BatchSize"], seen["State"]) == (5, "Disabled")
    assert making.again(made).physical == made.physical
    making.update(made, **of, BatchSize=6, Enabled=False)
    assert client.get_event_source_mapping(UUID=made.physical)["BatchSize"] == 6
    making.delete(made)
    making.delete(made)


def test_a_function_has_a_url(making: Remaking, client: Any, function: Resource) -> None:
    of = {"TargetFunctionArn": function.attributes["Arn"]}
    made = making.create("AWS::Lambda::Url", **of, AuthType="AWS_IAM", Cors={"AllowOrigins": ["*"]})
    assert made.attributes["FunctionUrl"].startswith("http")
    making.update(made, **of, AuthType="NONE")
    assert client.get_function_url_config(FunctionName=function.physical)["AuthType"] == "NONE"
    making.delete(made)
    making.delete(made)
    assert refusal(client.get_function_url_config, FunctionName=function.physical)[0] == "ResourceNotFoundException"


def test_failed_events_go_where_the_configuration_says(making: Remaking, client: Any, function: Resource) -> None:
    of = {"FunctionName": function.physical, "Qualifier": "$LATEST"}
    made = making.create("AWS::Lambda::EventInvokeConfig", **of, MaximumRetryAttempts="1")
    assert made.physical == f"{function.physical}|$LATEST"
    making.update(made, **of, MaximumRetryAttempts=0)
    assert client.get_function_event_invoke_config(**of)["MaximumRetryAttempts"] == 0
    making.delete(made)
    making.delete(made)
