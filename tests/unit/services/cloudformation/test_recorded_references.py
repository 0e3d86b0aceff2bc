"""Parameters of Systems Manager and dynamic references, held against what AWS was seen to answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.inprocess import InProcess
from support.plane import refused
from support.stacks import Stacks, template

HANDLE: dict[str, Any] = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}
VALUE = "AWS::SSM::Parameter::Value<{}>"


def made(value: Any, name: str, **more: Any) -> dict[str, Any]:
    properties = {"Name": name, "Type": "String", "Value": value, **more}
    return {"Made": {"Type": "AWS::SSM::Parameter", "Properties": properties}}


def declaring(kind: str, **more: Any) -> str:
    told = {"Fn::Join": ["|", {"Ref": "P"}]} if "List" in kind else {"Ref": "P"}
    return template(HANDLE, Parameters={"P": {"Type": kind, **more}}, Outputs={"Told": {"Value": told}})


def given(value: str) -> list[dict[str, str]]:
    return [{"ParameterKey": "P", "ParameterValue": value}]


PREVIOUS = [{"ParameterKey": "P", "UsePreviousValue": True}]


class Store:
    """Parameters of Systems Manager."""

    def __init__(self, plane: InProcess) -> None:
        self._ssm = plane.client("ssm")

    def put(self, name: str, *values: str, kind: str = "String") -> None:
        for value in values:
            self._ssm.put_parameter(Name=name, Type=kind, Value=value, Overwrite=True)

    def value(self, name: str) -> str:
        return str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])

    def label(self, name: str) -> None:
        self._ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["prod"])


@pytest.fixture(scope="module")
def store(plane: InProcess) -> Store:
    store = Store(plane)
    store.put("/r/text", "first", "second")
    store.label("/r/text")
    store.put("/r/list", "a,b, c ,d", kind="StringList")
    store.put("/r/commas", "x,y,z")
    store.put("/r/secure", "hidden", kind="SecureString")
    return store


# -- parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "resolved", "told"),
    [
        ("String", "/r/text", "second", "second"),
        ("String", "/r/text:1", "first", "first"),
        ("List<String>", "/r/list", "a,b,c,d", "a|b|c|d"),
    ],
)
def test_a_parameter_is_read_from_the_store(
    stacks: Stacks, store: Store, kind: str, value: str, resolved: str, told: str
) -> None:
    name = f"read-{resolved.replace(',', '')}"
    assert stacks.create(name, declaring(VALUE.format(kind)), Parameters=given(value)) == "CREATE_COMPLETE"
    shown = {"ParameterKey": "P", "ParameterValue": value, "ResolvedValue": resolved}
    assert stacks.told(name)["Parameters"] == [shown]
    assert stacks.outputs(name) == {"Told": told}


INCOMPATIBLE = "Types for SSM parameters [{}] defined in CFN template and SSM are incompatible"


@pytest.mark.parametrize(
    ("body", "value", "message"),
    [
        (
            declaring(VALUE.format("String")),
            "/r/text:99",
            "Unable to fetch parameters [/r/text:99] from parameter store for this account.",
        ),
        (
            declaring(VALUE.format("String")),
            "/r/secure",
            "Parameters [/r/secure] referenced by template have types not supported by CloudFormation.",
        ),
        (declaring(VALUE.format("CommaDelimitedList")), "/r/commas", INCOMPATIBLE.format("/r/commas")),
        (declaring(VALUE.format("List<String>")), "/r/commas", INCOMPATIBLE.format("/r/commas")),
        (declaring(VALUE.format("String")), "/r/list", INCOMPATIBLE.format("/r/list")),
        (
            declaring(VALUE.format("String"), AllowedPattern="^sec.*$"),
            "/r/text",
            "Parameter 'P' must match pattern ^sec.*$",
        ),
        (
            declaring(VALUE.format("String"), AllowedValues=["second"]),
            "/r/text",
            "Parameter 'P' must be one of AllowedValues",
        ),
        (
            declaring(VALUE.format("String"), MaxLength=5),
            "/r/text",
            "Parameter 'P' must contain at most 5 characters",
        ),
    ],
)
def test_a_parameter_that_cannot_be_read_is_refused(
    stacks: Stacks, store: Store, body: str, value: str, message: str
) -> None:
    fault = refused(stacks.client.create_stack, StackName="unread", TemplateBody=body, Parameters=given(value))
    assert (fault.code, fault.message) == ("ValidationError", message)


def test_constraints_are_those_of_the_name(stacks: Stacks, store: Store) -> None:
    body = declaring(VALUE.format("String"), AllowedPattern="^/r/.*$", Default="/r/text:1")
    assert stacks.create("named", body) == "CREATE_COMPLETE"
    assert stacks.outputs("named") == {"Told": "first"}


def test_every_update_reads_a_parameter_again(stacks: Stacks, store: Store) -> None:
    store.put("/r/again", "one")
    assert stacks.create("again", declaring(VALUE.format("String")), Parameters=given("/r/again")) == "CREATE_COMPLETE"
    store.put("/r/again", "two")
    stacks.client.update_stack(StackName="again", UsePreviousTemplate=True, Parameters=PREVIOUS)
    assert stacks.settled("again") == "UPDATE_COMPLETE"
    assert stacks.outputs("again") == {"Told": "two"}
    store.put("/r/again", "three")
    names = {"StackName": "again", "ChangeSetName": "read"}
    stacks.client.create_change_set(UsePreviousTemplate=True, Parameters=PREVIOUS, **names)
    stacks.settled("again")
    told = stacks.client.describe_change_set(**names)
    assert told["Changes"] == []
    assert told["Parameters"] == [{"ParameterKey": "P", "ParameterValue": "/r/again", "ResolvedValue": "three"}]
    assert stacks.outputs("again") == {"Told": "two"}


# -- dynamic references of Systems Manager ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("{{resolve:ssm:/r/text}}", "second"),
        ("{{resolve:ssm:/r/text:1}}", "first"),
        ("{{resolve:ssm:/r/list}}", "a,b, c ,d"),
        ("before-{{resolve:ssm:/r/text:1}}-after", "before-first-after"),
        ("{{resolve:ssm:/r/text:1}}_{{resolve:ssm:/r/commas:1}}", "first_x,y,z"),
        ({"Fn::Sub": "sub-{{resolve:ssm:/r/text:1}}-x"}, "sub-first-x"),
    ],
)
def test_a_reference_is_replaced_within_properties(stacks: Stacks, store: Store, value: Any, found: str) -> None:
    assert stacks.create("replaced", template(made(value, "/r/made"))) == "CREATE_COMPLETE"
    assert store.value("/r/made") == found
    assert stacks.delete("replaced") == "DELETE_COMPLETE"


def test_every_update_reads_a_reference_again(stacks: Stacks, store: Store) -> None:
    store.put("/r/source", "one")
    resources = made("{{resolve:ssm:/r/source}}", "/r/follows")
    assert stacks.create("follows", template(resources)) == "CREATE_COMPLETE"
    for value, others in (("two", {}), ("three", HANDLE)):
        store.put("/r/source", value)
        assert stacks.update("follows", template({**resources, **others})) == "UPDATE_COMPLETE"
        assert store.value("/r/follows") == value


PROPERTY = "AWS::SSM::Parameter/Properties/Value"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        (
            "{{resolve:ssm:/r/text:prod}}",
            "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/r/text:prod}}]",
        ),
        (
            "{{resolve:ssm-secure:/r/secure:prod}}",
            "Incorrect format is used in the following SSM reference: [{{resolve:ssm-secure:/r/secure:prod}}]",
        ),
        ("{{resolve:ssm-secure:/r/secure:1}}", f"SSM Secure reference is not supported in: [{PROPERTY}]"),
        ("{{resolve:ssm-secure:/r/text:1}}", f"SSM Secure reference is not supported in: [{PROPERTY}]"),
        ("{{resolve:ssm:/r/secure:1}}", "Non-secure ssm prefix was used for secure parameter /r/secure"),
        ("{{resolve:ssm:/r/nothing:1}}", "Parameters: [ssm:/r/nothing:1] cannot be found."),
    ],
)
def test_a_reference_is_refused_at_once(stacks: Stacks, store: Store, reference: str, message: str) -> None:
    body = template(made(reference, "/r/refused"))
    fault = refused(stacks.client.create_stack, StackName="refused", TemplateBody=body)
    assert (fault.code, fault.message) == ("ValidationError", message)


def test_a_secret_reference_without_version_fails_the_stack_before_anything_is_made(
    stacks: Stacks, store: Store
) -> None:
    body = template(made("{{resolve:ssm-secure:/r/secure}}", "/r/misplaced"))
    assert stacks.create("misplaced", body) == "ROLLBACK_COMPLETE"
    assert [logical for logical, _ in stacks.events("misplaced")] == ["misplaced"] * 3
    reason = f"SSM Secure reference is not supported in: [{PROPERTY}]. Rollback requested by user."
    assert stacks.reason("misplaced", "misplaced", "ROLLBACK_IN_PROGRESS") == reason


def test_a_secret_reference_is_replaced_where_it_may_be(plane: InProcess, stacks: Stacks, store: Store) -> None:
    store.put("/r/password", "A-good-Passw0rd!", kind="SecureString")
    profile = {"Password": "{{resolve:ssm-secure:/r/password:1}}"}
    user = {"Type": "AWS::IAM::User", "Properties": {"UserName": "referring", "LoginProfile": profile}}
    assert stacks.create("placed", template({"User": user})) == "CREATE_COMPLETE"
    assert plane.client("iam").get_login_profile(UserName="referring")["LoginProfile"]["UserName"] == "referring"


def test_a_default_names_a_version(stacks: Stacks, store: Store) -> None:
    fault = refused(
        stacks.client.create_stack,
        StackName="default",
        TemplateBody=declaring("String", Default="{{resolve:ssm:/r/text}}"),
    )
    assert fault.message == "Template error: parameter P should not contain ssm versionless resolver"
    assert stacks.create("default", declaring("String", Default="{{resolve:ssm:/r/text:1}}")) == "CREATE_COMPLETE"
    assert stacks.outputs("default") == {"Told": "first"}


# -- dynamic references of Secrets Manager ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rotate(plane: InProcess) -> Callable[[str], None]:
    client = plane.client("secretsmanager")
    client.create_secret(Name="r/json", SecretString='{"user":"u1","word":"w1"}')
    client.create_secret(Name="r/plain", SecretString="plain")

    def put(number: str) -> None:
        client.put_secret_value(SecretId="r/json", SecretString=f'{{"user":"u{number}","word":"w{number}"}}')

    put("2")
    return put


def test_secrets_are_read_where_a_resource_is_updated(
    stacks: Stacks, store: Store, rotate: Callable[[str], None]
) -> None:
    reference = "{{resolve:secretsmanager:r/json:SecretString:word}}"
    outputs = {"Told": {"Value": reference}}
    assert stacks.create("secrets", template(made(reference, "/r/word"), Outputs=outputs)) == "CREATE_COMPLETE"
    assert store.value("/r/word") == "w2"
    assert stacks.outputs("secrets") == {"Told": reference}
    rotate("3")
    body = template({**made(reference, "/r/word"), **HANDLE}, Outputs=outputs)
    assert stacks.update("secrets", body) == "UPDATE_COMPLETE"
    assert store.value("/r/word") == "w2"
    assert ("Made", "UPDATE_IN_PROGRESS") not in stacks.events("secrets")
    body = template({**made(reference, "/r/word", Description="x"), **HANDLE}, Outputs=outputs)
    assert stacks.update("secrets", body) == "UPDATE_COMPLETE"
    assert store.value("/r/word") == "w3"


@pytest.mark.parametrize(
    ("rest", "reason"),
    [
        ("r/json:SecretString:nothing", "Could not find a value associated with JSONKey in SecretString"),
        ("r/plain:SecretString:word", "Could not parse SecretString JSON"),
    ],
)
def test_a_secret_without_the_value_fails_its_resource(
    stacks: Stacks, rotate: Callable[[str], None], rest: str, reason: str
) -> None:
    body = template(made(f"{{{{resolve:secretsmanager:{rest}}}}}", "/r/none"))
    assert stacks.create("no-value", body) == "ROLLBACK_COMPLETE"
    assert stacks.reason("no-value", "Made", "CREATE_FAILED") == reason
    assert stacks.delete("no-value") == "DELETE_COMPLETE"
