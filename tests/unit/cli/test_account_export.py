"""An account's identities for other tools: what is written makes the same identities on another plane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from locum.cli.accounts import (
    bringing,
    cloudformation,
    details,
    ordering,
    reading,
    resources,
    secrets,
    summary,
    terraform,
)
from locum.cli.accounts.bringing import every
from locum.cli.accounts.documents import same
from locum.cli.accounts.model import Account, Role
from locum.cli.accounts.work import Outcome
from locum.core.errors import ConfigurationError
from support.inprocess import InProcess
from support.inprocess_client import InProcessClient
from support.plane import ACCOUNT, allow, document, fresh
from support.real_account import REAL, RealAccount, trust
from support.stacks import CAPABILITIES, Stacks

OTHER: Final = "555566667777"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    """A plane with a real account's identities. No test changes it."""
    plane = InProcess(tmp_path_factory.mktemp("first") / "data")
    client = InProcessClient(plane)
    told = details.account(details.pages("file", json.dumps(RealAccount(11).details())))
    wanted = details.renamed_account(told, {REAL: ACCOUNT}, ACCOUNT)
    bringing.carry_out(bringing.planned(wanted, reading.account_of(client), change=False), client)
    iam = plane.client("iam")
    ids, prints = ["sts.amazonaws.com", "other"], ["ab" * 20]
    tags = [{"Key": "team", "Value": "ci"}]
    iam.create_open_id_connect_provider(Url="https://ci.example/x", ClientIDList=ids, ThumbprintList=prints, Tags=tags)
    yield plane
    plane.close()


@pytest.fixture
def second(tmp_path: Path) -> Iterator[InProcess]:
    """A plane with another account, which has nothing."""
    plane = InProcess(tmp_path / "second", account=OTHER)
    yield plane
    plane.close()


def comparable(account: Account, own: str) -> Account:
    """An account without what differs from plane to plane, and without circles of trust."""
    found = details.renamed_account(account, {own: REAL}, REAL)
    roles = {key: replace(one, description=one.description or "") for key, one in found.roles.items()}
    circular = {"ring-a", "ring-b"}
    return replace(found, aws_versions={}, roles={key: one for key, one in roles.items() if key not in circular})


def test_what_is_exported_and_imported_elsewhere_is_equal_in_all(first: InProcess, second: InProcess) -> None:
    source, target = InProcessClient(first), InProcessClient(second)
    text = json.dumps(reading.details_of(source))
    wanted = details.renamed_account(details.account(details.pages("file", text)), {ACCOUNT: OTHER}, OTHER)
    works = bringing.planned(wanted, reading.account_of(target), change=False)
    bringing.carry_out(works, target)
    assert summary.is_complete(works)
    ours, theirs = reading.account_of(source), reading.account_of(target)
    assert details.renamed_account(ours, {ACCOUNT: OTHER}, OTHER) == theirs
    again = bringing.planned(wanted, theirs, change=False)
    assert {work.outcome for work in every(again)} == {Outcome.KEPT}


def test_templates_that_are_exported_deploy_to_the_same_identities_elsewhere(
    first: InProcess, second: InProcess
) -> None:
    ours = reading.account_of(InProcessClient(first))
    made = cloudformation.exported(ours)
    assert ACCOUNT not in "".join(made.files.values())
    cloud, s3 = second.client("cloudformation"), second.client("s3")
    bucket = fresh("templates")
    s3.create_bucket(Bucket=bucket)
    for name, text in made.files.items():
        s3.put_object(Bucket=bucket, Key=name, Body=text.encode())
        url = f"https://{bucket}.s3.amazonaws.com/{name}"
        cloud.validate_template(TemplateURL=url)
        cloud.create_stack(StackName=name.partition(".")[0], TemplateURL=url, Capabilities=CAPABILITIES)
        second.settle_stacks()
        s3.delete_object(Bucket=bucket, Key=name)
        (stack,) = cloud.describe_stacks(StackName=name.partition(".")[0])["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    s3.delete_bucket(Bucket=bucket)  # whose name is taken for all planes of this process
    theirs = reading.account_of(InProcessClient(second))
    expected, found = comparable(ours, ACCOUNT), comparable(theirs, OTHER)
    for one in found.users.values():
        assert not [key for key in one.tags or {} if key.startswith("aws:")]
    assert found.roles == expected.roles
    assert found.groups == expected.groups
    assert found.providers == expected.providers
    assert list(found.providers) == ["ci.example/x"]
    assert found.users == expected.users
    assert {key: (one.path, one.document) for key, one in found.policies.items()} == {
        key: (one.path, one.document) for key, one in expected.policies.items()
    }
    assert {key: one.roles for key, one in found.profiles.items()} == {
        key: one.roles for key, one in expected.profiles.items()
    }
    assert any("versions of policies" in line for line in made.told)


def test_a_large_account_is_several_templates_of_which_each_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudformation, "MOST", 20)
    account = details.account(details.pages("file", json.dumps(RealAccount(40).details())))
    made = cloudformation.exported(account)
    assert len(made.files) > 3
    labels: set[str] = set()
    for text in made.files.values():
        resources = json.loads(text)["Resources"]
        assert len(resources) <= 20
        assert not labels & resources.keys()
        labels |= resources.keys()
        for reference in _references(resources):
            assert reference in resources or reference.startswith("AWS::")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.keys() == {"Ref"}:
            yield value["Ref"]
        elif value.keys() == {"Fn::GetAtt"}:
            yield value["Fn::GetAtt"][0]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_a_configuration_says_every_identity_once_and_refers_to_what_is_there() -> None:
    account = details.account(details.pages("file", json.dumps(RealAccount(40).details())))
    made = terraform.exported(account, imports=True)
    body = json.loads(made.files["iam.tf.json"])
    resources = body["resource"]
    assert {one["name"] for one in resources["aws_iam_role"].values()} | {
        one.get("aws_service_name") for one in resources["aws_iam_service_linked_role"].values()
    } == {one.name for one in account.roles.values() if "/aws-service-role/" not in one.path} | {
        "autoscaling.amazonaws.com"
    }
    addresses = {f"{kind}.{label}" for kind, found in resources.items() for label in found}
    assert sorted(one["to"] for one in body["import"]) == sorted(addresses)
    text = json.dumps(resources)
    assert REAL not in text
    for part in text.replace("$${", "").split("${")[1:]:
        address = part.partition("}")[0]
        assert address.rpartition(".")[0] in addresses | {"data.aws_caller_identity.current"}


def test_attack_what_policies_and_tags_say_is_no_expression_of_terraform() -> None:
    """Policy variables are written as Terraform's templates are."""
    hostile = '${file("/etc/passwd")} %{ if true }x%{ endif }'
    role = Role(
        name="r",
        trust=trust({"AWS": REAL}),
        inline={hostile: {"Statement": {"Resource": f"arn:aws:s3:::{hostile}"}}},
        tags={"key": hostile},
        description=hostile,
    )
    made = terraform.exported(Account(id=REAL, roles={"r": role}), imports=True)
    text = made.files["iam.tf.json"].replace("$${", "").replace("%%{", "")
    expressions = {part.partition("}")[0] for part in text.split("${")[1:]}
    assert expressions == {"data.aws_caller_identity.current.account_id", "aws_iam_role.r.name"}
    assert "%{" not in text


def test_attack_characters_for_private_use_make_no_expression_of_terraform() -> None:
    """JSON's escapes for them are in a policy that IAM takes."""
    hostile = "\ue001path.cwd\ue001 \ue000 \ue0021path.cwd\ue0021 $\ue002{path.cwd}"
    said = {"Statement": {"Resource": hostile, "Condition": {hostile: {"aws:username": hostile}}}}
    role = Role(name="r", trust=trust({"AWS": hostile}), inline={"p": said})
    made = terraform.exported(Account(id=REAL, roles={"r": role}), imports=False)
    resources = json.loads(made.files["iam.tf.json"])["resource"]
    assert json.loads(resources["aws_iam_role_policy"]["r_p"]["policy"]) == said
    assert json.loads(resources["aws_iam_role"]["r"]["assume_role_policy"]) == trust({"AWS": hostile})


def test_attack_what_policies_say_is_no_function_of_cloudformation() -> None:
    said = {"Statement": {"Resource": f"arn:aws:iam::{REAL}:user/${{aws:username}}/${{AWS::Region}}"}}
    account = Account(id=REAL, roles={"r": Role(name="r", trust=trust({"AWS": REAL}), inline={"p": said})})
    (text,) = cloudformation.exported(account).files.values()
    (resource,) = json.loads(text)["Resources"].values()
    written = resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]["Resource"]["Fn::Sub"]
    assert written == "arn:aws:iam::${AWS::AccountId}:user/${!aws:username}/${!AWS::Region}"


def test_roles_are_after_those_that_they_trust_and_a_circle_lets_nobody_else_in() -> None:
    def named(*names: str) -> Any:
        return trust({"AWS": [f"arn:aws:iam::{REAL}:role/{name}" for name in names]})

    trusts = {"a": named("c", "b"), "b": named("c"), "c": named("c", "a"), "d": named("a")}
    account = Account(id=REAL, roles={name: Role(name=name, trust=said) for name, said in trusts.items()})
    roles, told = ordering.in_order(account)
    assert [one.name for one in roles] == ["c", "b", "a", "d"]
    assert len(told) == 2
    assert all(same(one.trust, trusts[one.name]) for one in roles[1:])
    assert [one["Effect"] for one in roles[0].trust["Statement"]] == ["Deny"]


def test_a_long_chain_of_roles_is_no_deep_recursion() -> None:
    names = [f"r{number}" for number in range(3000)]
    roles = {
        name: Role(name=name, trust=trust({"AWS": f"arn:aws:iam::{REAL}:role/{after}"}))
        for name, after in zip(names, [*names[1:], names[-1]], strict=True)
    }
    ordered, told = ordering.in_order(Account(id=REAL, roles=roles))
    assert [one.name for one in ordered] == names[::-1]
    assert len(told) == 1  # the last names itself


def test_keys_and_passwords_are_told_and_not_exported(second: InProcess) -> None:
    iam, client = second.client("iam"), InProcessClient(second)
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    iam.create_login_profile(UserName="ann", Password="Sesame-open-1!")
    iam.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=document(allow("s3:*")))
    told = json.dumps(reading.details_of(client))
    assert not [secret for secret in (key["SecretAccessKey"], key["AccessKeyId"], "Sesame") if secret in told]
    assert secrets.left_out(["ann"], client) == ["1 access keys, of ann", "1 passwords, of ann"]


@pytest.mark.nightly
def test_buckets_queues_and_tables_are_in_templates_where_that_is_asked_for(second: InProcess, tmp_path: Path) -> None:
    s3, client = second.client("s3"), InProcessClient(second)
    s3.create_bucket(Bucket="reports")
    s3.put_bucket_versioning(Bucket="reports", VersioningConfiguration={"Status": "Enabled"})
    attributes = {"DelaySeconds": "9", "Policy": document(allow("sqs:*") | {"Principal": {"AWS": OTHER}})}
    second.client("sqs").create_queue(QueueName="jobs", Attributes=attributes)
    key = {"AttributeName": "id", "KeyType": "HASH"}
    second.client("dynamodb").create_table(
        TableName="people", KeySchema=[key], AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    types = ("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::DynamoDB::Table")
    others = [one for kind in types for one in resources.of_type(kind, client)]
    (text,) = cloudformation.exported(Account(id=OTHER), others).files.values()
    s3.delete_bucket(Bucket="reports")
    third = InProcess(tmp_path / "third")
    made = Stacks(third)
    status = made.create("all", text)
    assert status == "CREATE_COMPLETE", made.client.describe_stack_events(StackName="all")["StackEvents"]
    assert third.client("s3").get_bucket_versioning(Bucket="reports")["Status"] == "Enabled"
    url = third.client("sqs").get_queue_url(QueueName="jobs")["QueueUrl"]
    found = third.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["DelaySeconds"] == "9"
    table = third.client("dynamodb").describe_table(TableName="people")["Table"]
    assert (table["KeySchema"], table["BillingModeSummary"]["BillingMode"]) == ([key], "PAY_PER_REQUEST")
    third.close()


def test_a_type_that_nobody_knows_is_refused(second: InProcess) -> None:
    with pytest.raises(ConfigurationError, match="AWS::S3::Pail is no type of resources"):
        resources.of_type("AWS::S3::Pail", InProcessClient(second))
