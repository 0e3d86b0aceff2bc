"""lambda:Invoke, carried out by the function host: whose process it is, what is recorded, what is refused and how."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from locum.agents.functions.host import FunctionHost
from locum.agents.functions.provisioned import LaunchOf, ProvisionedConcurrency
from locum.audit import cloudtrail_event
from locum.backends.moto.functions import find
from locum.compute.functions.functions import Functions
from locum.core.clock import MovableClock, system_clock
from support.deployed import ARN, ECHO, MAY_LOG, TRUSTS_LAMBDA, deployed, invoked, records, role
from support.functions import WAITING, Meeting, Visitor, package
from support.inprocess import InProcess, refusal
from support.plane import ACCOUNT, TRUSTS_EC2, allow, fresh, needs_namespaces, trusting


@pytest.fixture(autouse=True)
def nothing_is_left(plane: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has environments of its own, of which nothing is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    plane.run(plane.node.runtime.backends.by_operation["lambda", "Invoke"].close())
    assert list(tmp_path.glob("locum-function-*")) == []


@pytest.fixture
def place(place: Meeting, plane: InProcess) -> Meeting:
    """A place that functions of the plane reach."""
    plane.let_functions_reach(place.port)
    return place


# -- what an invocation is answered --------------------------------------------------------------------------


def test_the_function_answers_and_knows_the_id_of_the_request(plane: InProcess) -> None:
    answer, payload = invoked(plane, deployed(plane), Payload=b'{"a": 1}')
    metadata = answer["ResponseMetadata"]
    assert payload == {"event": {"a": 1}, "id": metadata["RequestId"]}
    assert metadata["HTTPHeaders"]["content-type"] == "application/json"
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer.keys().isdisjoint({"FunctionError", "LogResult"})


def test_without_a_payload_the_event_is_an_empty_object(plane: InProcess) -> None:
    assert invoked(plane, deployed(plane))[1]["event"] == {}


def test_the_tail_of_the_log_is_told_to_who_asks_for_it(plane: InProcess) -> None:
    name = deployed(plane, "def handler(event, context): print('working')")
    answer, _ = invoked(plane, name, LogType="Tail")
    assert b"\nworking\n" in base64.b64decode(answer["LogResult"])


def test_an_error_of_the_function_is_no_error_of_the_call(plane: InProcess) -> None:
    answer, payload = invoked(plane, deployed(plane, "def handler(event, context): raise ValueError('no')"))
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no")


@pytest.mark.parametrize("as_called", ["{name}:live", f"{ARN}{{name}}:live", f"{ACCOUNT}:function:{{name}}:live"])
def test_a_version_is_invoked_by_its_alias_in_every_form_of_the_name(plane: InProcess, as_called: str) -> None:
    program = "def handler(event, context): return [context.function_version, context.invoked_function_arn]"
    name, client = deployed(plane, program), plane.client("lambda")
    version = client.publish_version(FunctionName=name)["Version"]
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    client.update_function_code(FunctionName=name, ZipFile=package(main=ECHO))
    answer, payload = invoked(plane, as_called.format(name=name))
    assert payload == [version, f"{ARN}{name}:live"]
    assert answer["ExecutedVersion"] == version


def test_what_the_client_tells_of_itself_reaches_the_function(plane: InProcess) -> None:
    name = deployed(plane, "def handler(event, context): return context.client_context.custom")
    told = base64.b64encode(b'{"custom": {"a": 1}}').decode()
    assert invoked(plane, name, ClientContext=told)[1] == {"a": 1}
    met = refusal(plane.client("lambda").invoke, FunctionName=name, ClientContext="no base64")
    assert met[0] == "InvalidRequestContentException"


def test_a_dry_run_checks_and_runs_nothing(plane: InProcess, place: Meeting) -> None:
    name = deployed(plane, WAITING, Environment={"Variables": place.environment})
    assert invoked(plane, name, InvocationType="DryRun")[0]["StatusCode"] == 204
    assert records(plane, "AssumeRole", name) == []
    assert refusal(plane.client("lambda").invoke, FunctionName="nothing", InvocationType="DryRun")[1] == 404


@needs_namespaces
def test_tmp_has_the_size_of_the_ephemeral_storage(plane: InProcess) -> None:
    program = """
import os

def handler(event, context):
    found = os.statvfs("/tmp")
    return found.f_blocks * found.f_frsize >> 20
"""
    assert invoked(plane, deployed(plane, program))[1] == 512
    assert invoked(plane, deployed(plane, program, EphemeralStorage={"Size": 1024}))[1] == 1024


# -- asynchronous invocations --------------------------------------------------------------------------------


def test_an_event_is_accepted_at_once_and_lambda_invokes_the_function_later(plane: InProcess, place: Meeting) -> None:
    name = deployed(plane, WAITING, Environment={"Variables": place.environment})
    answer, payload = invoked(plane, name, InvocationType="Event", Payload=b'{"a": 1}')
    assert (answer["StatusCode"], payload) == (202, None)
    plane.run(asyncio.to_thread(place.next)).release()
    plane.carry_out()
    later, first = records(plane, "Invoke", name)
    assert (later.invoked_by, later.source_account, later.source_arn) == (
        "lambda.amazonaws.com",
        ACCOUNT,
        f"{ARN}{name}",
    )
    assert (later.cause, later.status, later.account) == (first.request_id, 200, ACCOUNT)


def test_a_function_that_takes_long_holds_up_no_other(plane: InProcess, place: Meeting) -> None:
    name = deployed(plane, WAITING, Environment={"Variables": place.environment})
    visitors = []
    for _ in range(2):
        invoked(plane, name, InvocationType="Event")
        visitors.append(plane.run(asyncio.to_thread(place.next)))  # while the one before is under way
    for visitor in visitors:
        visitor.release()
    plane.carry_out()
    assert len(records(plane, "Invoke", name)) == 4


def test_an_event_survives_the_end_of_the_plane(plane: InProcess, place: Meeting) -> None:
    name = deployed(plane, WAITING, Environment={"Variables": place.environment})
    invoked(plane, name, InvocationType="Event")
    first: Visitor = plane.run(asyncio.to_thread(place.next))
    plane.close()
    plane.start()
    assert first.gone()
    plane.run(asyncio.to_thread(place.next)).release()
    plane.carry_out()
    later, _ = records(plane, "Invoke", name)
    assert (later.status, later.invoked_by) == (200, "lambda.amazonaws.com")


# -- the execution role --------------------------------------------------------------------------------------


def test_lambda_assumes_the_role_for_the_function_and_that_is_recorded(plane: InProcess) -> None:
    made = role(plane)
    name = deployed(plane, Role=made)
    invoked(plane, name)
    (record,) = records(plane, "AssumeRole", name)
    assert (record.invoked_by, record.source_arn, record.verdict) == ("lambda.amazonaws.com", f"{ARN}{name}", "allow")
    event = cloudtrail_event(record)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    assert event["requestParameters"] == {"roleArn": made, "roleSessionName": name}


def trusts(plane: InProcess, role_arn: str, policy: str) -> None:
    """Change the trust policy of a role."""
    plane.client("iam").update_assume_role_policy(RoleName=role_arn.rpartition("/")[2], PolicyDocument=policy)


def test_a_role_that_lambda_may_not_assume_makes_no_function(plane: InProcess) -> None:
    cannot = "The role defined for the function cannot be assumed by Lambda."
    functions, made = plane.client("lambda"), role(plane, TRUSTS_EC2)
    name = deployed(plane)
    creating = refusal(lambda **role: deployed(plane, **role), Role=made)
    assert creating == ("InvalidParameterValueException", 400, cannot)
    changing = refusal(functions.update_function_configuration, FunctionName=name, Role=made)
    assert changing == ("InvalidParameterValueException", 400, cannot)
    functions.update_function_configuration(FunctionName=name, Timeout=5)


def test_a_role_that_trusts_only_ec2_is_not_assumed_and_why_is_explained(plane: InProcess) -> None:
    made = role(plane)
    name = deployed(plane, Role=made)
    trusts(plane, made, TRUSTS_EC2)
    met = refusal(plane.client("lambda").invoke, FunctionName=name)
    assert met == ("AccessDeniedException", 403, "The role defined for the function cannot be assumed by Lambda.")
    (record,) = records(plane, "AssumeRole", name)
    assert (record.verdict, record.error_code) == ("implicit-deny", "AccessDenied")
    assert "sts:AssumeRole" in json.dumps(record.explanation, default=str)


def test_a_role_that_is_gone_is_not_assumed(plane: InProcess) -> None:
    made = role(plane)
    name = deployed(plane, Role=made)
    plane.client("iam").delete_role(RoleName=made.rpartition("/")[2])
    assert refusal(plane.client("lambda").invoke, FunctionName=name)[0] == "AccessDeniedException"


def test_a_trust_policy_may_name_the_function(plane: InProcess) -> None:
    name = fresh("named")
    trust = trusting({"ArnEquals": {"aws:SourceArn": f"{ARN}{name}"}}, Service="lambda.amazonaws.com")
    made = role(plane)
    other = deployed(plane, Role=made)
    trusts(plane, made, trust)
    deployed(plane, FunctionName=name, Role=made)
    assert invoked(plane, name)[0]["StatusCode"] == 200
    assert refusal(plane.client("lambda").invoke, FunctionName=other)[0] == "AccessDeniedException"


def test_what_the_function_does_is_done_by_the_session_of_its_role(plane: InProcess) -> None:
    program = """
import boto3

def handler(event, context):
    return boto3.client("sts").get_caller_identity()["Arn"]
"""
    made = role(plane)
    name = deployed(plane, program, Role=made)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{made.rpartition('/')[2]}/{name}"
    assert invoked(plane, name)[1] == session


def test_a_policy_may_ask_which_function_it_is(plane: InProcess) -> None:
    program = """
import boto3

def handler(event, context):
    return len(boto3.client("iam").list_users()["Users"])
"""
    name = fresh("asked")
    by_name = allow("iam:ListUsers", "*", ArnEquals={"lambda:SourceFunctionArn": f"{ARN}{name}"})
    made = role(plane, TRUSTS_LAMBDA, by_name)
    deployed(plane, program, FunctionName=name, Role=made)
    other = deployed(plane, program, Role=made)
    assert invoked(plane, name)[1] == 0
    assert "not authorized to perform: iam:ListUsers" in invoked(plane, other)[1]["errorMessage"]


def test_credentials_that_a_function_prints_are_in_no_file_of_locums(
    plane: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    program = """
import os

def handler(event, context):
    print(os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"])
    raise ValueError(os.environ["AWS_SECRET_ACCESS_KEY"])
"""
    answer, _ = invoked(plane, deployed(plane, program, Role=role(plane, TRUSTS_LAMBDA, MAY_LOG)), LogType="Tail")
    plane.write_logs()
    assert plane.records()[0].operation == "PutLogEvents"
    secret, token = base64.b64decode(answer["LogResult"]).decode().splitlines()[1].split()
    plane.run(plane.node.ledger.flush())
    stored = b"".join(path.read_bytes() for path in plane.node.options.data.rglob("*") if path.is_file())
    for leaked in (secret, token):
        assert leaked.encode() not in stored
        assert leaked not in caplog.text


def test_an_environment_is_used_again_until_the_code_changes(plane: InProcess) -> None:
    program = """
import os

count = 0

def handler(event, context):
    global count
    count += 1
    return [count, os.environ["AWS_ACCESS_KEY_ID"]]
"""
    name = deployed(plane, program)
    (one, first), (two, second) = invoked(plane, name)[1], invoked(plane, name)[1]
    assert (one, two, first) == (1, 2, second)
    plane.client("lambda").update_function_code(FunctionName=name, ZipFile=package(main=f"{program}\n"))
    assert invoked(plane, name)[1] == [1, first]


def test_a_function_has_its_layers_and_another_version_of_one_begins_anew(plane: InProcess) -> None:
    client, layer = plane.client("lambda"), fresh("layer")
    arns = []
    for told in ("one", "two"):
        archive = package(**{"python/helper": f"told = {told!r}"})
        arns.append(client.publish_layer_version(LayerName=layer, Content={"ZipFile": archive})["LayerVersionArn"])
    name = deployed(plane, "import helper\ndef handler(event, context): return helper.told", Layers=arns[:1])
    assert invoked(plane, name)[1] == "one"
    client.update_function_configuration(FunctionName=name, Layers=arns[1:])
    assert invoked(plane, name)[1] == "two"


# -- refusals ------------------------------------------------------------------------------------------------


def test_who_may_not_invoke_the_function_does_not(plane: InProcess) -> None:
    name = deployed(plane)
    met = refusal(plane.client("lambda", plane.user(fresh("user"))).invoke, FunctionName=name)
    assert met[:2] == ("AccessDeniedException", 403)
    assert records(plane, "AssumeRole", name) == []


@pytest.mark.parametrize("name", ["nothing", f"{ARN}nothing", "nothing:live"])
def test_a_function_that_is_not_there_is_not_found(plane: InProcess, name: str) -> None:
    qualifier = ":live" if name.endswith(":live") else ""
    met = refusal(plane.client("lambda").invoke, FunctionName=name)
    assert met == ("ResourceNotFoundException", 404, f"Function not found: {ARN}nothing{qualifier}")


@pytest.mark.parametrize(("kind", "most"), [("RequestResponse", 6 << 20), ("Event", 1 << 20)])
def test_an_event_that_is_too_large_is_refused(plane: InProcess, kind: str, most: int) -> None:
    payload = b'"%b"' % (b"x" * (most - 1))
    met = refusal(plane.client("lambda").invoke, FunctionName=deployed(plane), InvocationType=kind, Payload=payload)
    text = f"{most + 1} byte payload is too large for the {kind} invocation type (limit {most} bytes)"
    assert met == ("RequestEntityTooLargeException", 413, text)


@pytest.mark.parametrize("payload", [b"{", b"no JSON", b"[" * 100_000])
def test_an_event_that_is_no_json_is_refused(plane: InProcess, payload: bytes) -> None:
    met = refusal(plane.client("lambda").invoke, FunctionName=deployed(plane), Payload=payload)
    assert met[:2] == ("InvalidRequestContentException", 400)
    assert met[2].startswith("Could not parse request body into json: Could not parse payload into json: ")


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_a_runtime_that_is_not_hosted_is_told(plane: InProcess, kind: str) -> None:
    name = deployed(plane, Runtime="ruby3.3")
    met = refusal(plane.client("lambda").invoke, FunctionName=name, InvocationType=kind)
    text = "Locum runs functions of the runtimes python3.x, nodejsN.x and provided, and not ruby3.3."
    assert met == ("InvalidRuntimeException", 502, text)


def test_a_runtime_that_the_machine_does_not_have_is_told(plane: InProcess) -> None:
    name = deployed(plane, Runtime="nodejs22.x")
    with room_for(plane, 1, search_path="/nowhere"):
        met = refusal(plane.client("lambda").invoke, FunctionName=name)
    assert met == ("InvalidRuntimeException", 502, "There is no node on the PATH of Locum's process.")


def test_a_package_that_cannot_be_unpacked_is_told(plane: InProcess) -> None:
    met = refusal(plane.client("lambda").invoke, FunctionName=deployed(plane, Code={"ZipFile": b"no archive"}))
    assert met[:2] == ("InvalidZipFileException", 502)


@contextmanager
def room_for(plane: InProcess, at_once: int, search_path: str = os.environ["PATH"]) -> Iterator[None]:
    """A host of the plane that runs so many functions at a time, with that PATH."""
    by_operation = cast("dict[Any, Any]", plane.node.runtime.backends.by_operation)
    settings, functions = plane.node.runtime.settings, Functions(system_clock, at_once=at_once)
    calls = plane.node.calls
    logs = plane.node.function_logs
    around = functions, calls.wake_ups.listening, MovableClock(system_clock)

    def provisioned(launch: LaunchOf) -> ProvisionedConcurrency:
        return ProvisionedConcurrency(find, launch, *around)

    host = FunctionHost(find, calls.assume, functions, logs, lambda: settings.endpoint, search_path, provisioned)
    usual = by_operation["lambda", "Invoke"]
    by_operation["lambda", "Invoke"] = host
    try:
        yield
    finally:
        by_operation["lambda", "Invoke"] = usual
        plane.run(host.close())


def test_too_many_at_a_time_are_throttled(plane: InProcess) -> None:
    name = deployed(plane)
    with room_for(plane, 0):
        met = refusal(plane.client("lambda").invoke, FunctionName=name)
    assert met == ("TooManyRequestsException", 429, "Rate Exceeded.")


def test_a_function_without_concurrency_is_throttled(plane: InProcess) -> None:
    name, client = deployed(plane), plane.client("lambda")
    version = client.publish_version(FunctionName=name)["Version"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    for qualifier in ("$LATEST", version):
        with pytest.raises(client.exceptions.TooManyRequestsException) as met:
            client.invoke(FunctionName=name, Qualifier=qualifier)
        assert met.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=name)
    assert invoked(plane, name)[0]["StatusCode"] == 200


def test_only_so_many_of_a_function_run_at_a_time_as_are_reserved(plane: InProcess, place: Meeting) -> None:
    name, client = deployed(plane, WAITING, Environment={"Variables": place.environment}), plane.client("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    invoked(plane, name, InvocationType="Event")
    visitor: Visitor = plane.run(asyncio.to_thread(place.next))
    assert refusal(client.invoke, FunctionName=name)[:2] == ("TooManyRequestsException", 429)
    assert invoked(plane, deployed(plane))[0]["StatusCode"] == 200
    visitor.release()
    plane.carry_out()


def test_a_type_of_invocation_that_there_is_not_is_refused(plane: InProcess) -> None:
    met = refusal(plane.client("lambda").invoke, FunctionName=deployed(plane), InvocationType="Later")
    assert met[1] == 400
    assert "Member must satisfy enum value set" in met[2]
