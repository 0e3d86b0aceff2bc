"""A real account's identities on a plane: all of them, once, in the order in which they need one another."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.exceptions import EndpointConnectionError
from click.testing import CliRunner

from locum import policy
from locum.cli.accounts import bringing, details, summary
from locum.cli.accounts.bringing import Works, every
from locum.cli.accounts.documents import decoded
from locum.cli.accounts.model import Account
from locum.cli.accounts.reading import account_of
from locum.cli.accounts.work import Outcome
from locum.cli.client import CallFailed
from locum.core.principal import Principal
from locum.policy import Policies, PolicyKind, Request, Source
from locum.state import managed
from support.inprocess import InProcess
from support.inprocess_client import InProcessClient
from support.plane import ACCOUNT
from support.real_account import AWS_POLICY, MISSING, REAL, VENDOR, RealAccount, Row, arn, encoded, trust

ASKED: Final = (
    ("s3:GetObject", "arn:aws:s3:::billing-data-{}/report"),
    ("s3:ListBucket", "arn:aws:s3:::orders-data-{}"),
    ("sqs:SendMessage", f"arn:aws:sqs:eu-central-1:{ACCOUNT}:search-jobs"),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/people"),
)
"""Actions on what policies of the account are about; `{}` is the number of a role."""


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    running = InProcess(tmp_path / "data")
    yield running
    running.close()


def read(told: Any) -> Account:
    """The account of a file, as that of the plane."""
    found = details.account(details.pages("real.json", told if isinstance(told, str) else json.dumps(told)))
    return details.renamed_account(found, {REAL: ACCOUNT}, ACCOUNT)


def brought(client: InProcessClient, wanted: Account, *, change: bool = False) -> Works:
    works = bringing.planned(wanted, account_of(client), change=change)
    bringing.carry_out(works, client)
    return works


def outcomes(works: Works) -> dict[str, Outcome]:
    return {work.name: work.outcome for work in every(works)}


def role(name: str, trusted: Row, **more: Any) -> Row:
    """A role in the form of the details."""
    known = {"Path": "/", "RoleName": name, "Arn": arn("role", name), "AssumeRolePolicyDocument": trusted}
    return {**known, "RolePolicyList": [], "AttachedManagedPolicies": [], "Tags": [], **more}


def roles(*found: Row) -> Row:
    return {"RoleDetailList": list(found)}


def allowing(action: str) -> Row:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


EC2: Final = trust({"Service": "ec2.amazonaws.com"})

# -- a whole account ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [18, pytest.param(200, marks=pytest.mark.nightly)])
def test_the_roles_of_an_account_are_made_and_decide_as_their_documents_do(plane: InProcess, number: int) -> None:
    client, told = InProcessClient(plane), RealAccount(number).details()
    works = brought(client, read(told))
    assert len(works["roles"]) == number
    assert {work.name for work in every(works) if work.failures} == {"AWSReservedSSO_Admin_0123456789abcdef",
                                                                     "new-service"}  # fmt: skip
    assert_as_told(account_of(client), told)
    assert_decides(plane, told)

    again = brought(client, read(told))
    assert set(outcomes(again).values()) == {Outcome.KEPT, Outcome.FAILED, Outcome.DIFFERS}
    assert [name for name, outcome in outcomes(again).items() if outcome is Outcome.DIFFERS] == ["new-service"]
    assert not summary.is_complete(again)


def here(value: Any) -> Any:
    """A value of the file with the plane's account."""
    return json.loads(json.dumps(value).replace(f"::{REAL}:", f"::{ACCOUNT}:").replace(f":{REAL}:", f":{ACCOUNT}:")
                      .replace(f'"{REAL}"', f'"{ACCOUNT}"'))  # fmt: skip


def assert_as_told(present: Account, told: Row, *, numbered: bool = True) -> None:
    """Each entity is as the file has it: compared with the file by itself, not as the import reads it."""
    for one in told["Policies"]:
        made = present.policies[one["PolicyName"]]
        documents = {v["VersionId"]: here(decoded(v["Document"])) for v in one["PolicyVersionList"]}
        assert (made.path, made.document) == (one["Path"], documents[one["DefaultVersionId"]])
        assert sorted(map(json.dumps, made.versions.values())) == sorted(map(json.dumps, documents.values()))
        assert not numbered or (made.default, dict(made.versions)) == (one["DefaultVersionId"], documents)
    for one in told["UserDetailList"]:
        user = present.users[one["UserName"]]
        assert (user.path, list(user.groups)) == (one["Path"], one["GroupList"])
        assert user.tags == {tag["Key"]: tag["Value"] for tag in one["Tags"]}
    for one in told["RoleDetailList"][:-6]:
        made_role = present.roles[one["RoleName"].lower()]
        assert made_role.trust == here(decoded(one["AssumeRolePolicyDocument"]))
        assert set(made_role.attached) == {here(p["PolicyArn"]) for p in one["AttachedManagedPolicies"]}
        held = [name for name, profile in present.profiles.items() if made_role.name in profile.roles]
        assert held == [profile["InstanceProfileName"] for profile in one["InstanceProfileList"]]


def assert_decides(plane: InProcess, told: Row) -> None:
    """The simulator decides on each role as the evaluator does on the documents of the file."""
    iam = plane.client("iam")
    local = {one["Arn"]: one for one in told["Policies"]}
    verdicts = set()
    for number, one in enumerate(told["RoleDetailList"][:-6]):
        entries = [{"ContextKeyName": "s3:prefix", "ContextKeyValues": [""], "ContextKeyType": "string"}]
        for action, resource in (ASKED[number % 4], ASKED[(number + 1) % 4]):
            answer = iam.simulate_principal_policy(
                PolicySourceArn=here(one["Arn"]), ActionNames=[action], ContextEntries=entries,
                ResourceArns=[resource.format(number)],
            )["EvaluationResults"][0]  # fmt: skip
            expected = decided(one, local, action, resource.format(number))
            assert (answer["EvalDecision"] == "allowed") is expected, (one["RoleName"], action, resource)
            verdicts.add(expected)
    assert verdicts == {True, False}


def decided(one: Row, local: dict[str, Row], action: str, resource: str) -> bool:
    def compiled(document: Any) -> policy.CompiledPolicy:
        text = document if isinstance(document, str) else json.dumps(here(document))
        return policy.compile(policy.parse(text, PolicyKind.IDENTITY), Source(PolicyKind.IDENTITY))

    def managed_policy(name: str) -> Any:
        if name not in local:
            found = managed.get(name)
            assert found is not None
            return found.versions[0].document
        wanted = local[name]["DefaultVersionId"]
        return decoded(next(v["Document"] for v in local[name]["PolicyVersionList"] if v["VersionId"] == wanted))

    identity = [compiled(decoded(inline["PolicyDocument"])) for inline in one["RolePolicyList"]]
    identity += [compiled(managed_policy(attached["PolicyArn"])) for attached in one["AttachedManagedPolicies"]]
    bounded = one.get("PermissionsBoundary")
    boundary = None if bounded is None else compiled(managed_policy(bounded["PermissionsBoundaryArn"]))
    principal = Principal.role_session(here(one["Arn"]), one["RoleId"], "session")
    request = Request(principal, action, resource, ACCOUNT, {"s3:prefix": ""})
    return policy.evaluate(request, Policies(tuple(identity), boundary)).allowed


# -- in order, and in part -----------------------------------------------------------------------------------


def test_roles_that_trust_each_other_and_themselves_get_the_whole_trust(plane: InProcess) -> None:
    both = trust({"AWS": [arn("role", "a"), arn("role", "b")]})
    works = brought(InProcessClient(plane), read(roles(role("a", both), role("b", both))))
    assert summary.is_complete(works)
    for made in plane.client("iam").list_roles()["Roles"]:
        named = made["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]
        assert named == [f"arn:aws:iam::{ACCOUNT}:role/a", f"arn:aws:iam::{ACCOUNT}:role/b"]


def test_who_is_not_here_is_left_out_of_a_trust_policy_and_a_second_import_says_so_again(plane: InProcess) -> None:
    unknown = ["AROAQX7EXAMPLEDELETED", f"arn:aws:iam::{VENDOR}:role/Collector", arn("user", "gone")]
    told = roles(role("a", trust({"AWS": [*unknown, REAL]})), role("b", trust({"AWS": unknown})))
    client = InProcessClient(plane)
    for expected in (Outcome.MADE, Outcome.KEPT):
        works = brought(client, read(told))
        assert outcomes(works) == {"a": expected, "b": expected}
        for work in works["roles"]:
            assert sorted(work.left) == sorted(f"{one} in its trust policy, as it is not here" for one in here(unknown))
    trusts = {one["RoleName"]: one["AssumeRolePolicyDocument"] for one in plane.client("iam").list_roles()["Roles"]}
    assert trusts["a"]["Statement"][0]["Principal"] == {"AWS": [ACCOUNT]}
    assert [one["Effect"] for one in trusts["b"]["Statement"]] == ["Deny"]


def test_a_trust_policy_that_was_narrowed_here_is_told_of_as_another_one(plane: InProcess) -> None:
    client = InProcessClient(plane)
    brought(client, read(roles(role("a", trust({"AWS": [f"arn:aws:iam::{VENDOR}:root", REAL]})))))
    narrower = json.dumps(trust({"AWS": ACCOUNT}))
    plane.client("iam").update_assume_role_policy(RoleName="a", PolicyDocument=narrower)
    works = brought(client, read(roles(role("a", trust({"AWS": [f"arn:aws:iam::{VENDOR}:root", REAL]})))))
    assert works["roles"][0].differences == ["the trust policy"]


def test_what_a_service_makes_is_made_by_it_or_told(plane: InProcess) -> None:
    path = "/aws-service-role/{}/"
    known = role("AWSServiceRoleForAutoScaling_blue", EC2, Path=path.format("autoscaling.amazonaws.com"))
    other = role("SomethingElse", EC2, Path=path.format("autoscaling.amazonaws.com"))
    works = brought(InProcessClient(plane), read(roles(known, other)))
    assert outcomes(works) == {"AWSServiceRoleForAutoScaling_blue": Outcome.MADE, "SomethingElse": Outcome.FAILED}
    assert not summary.is_complete(works)
    made = plane.client("iam").get_role(RoleName="AWSServiceRoleForAutoScaling_blue")["Role"]
    assert made["Path"] == path.format("autoscaling.amazonaws.com")


def test_a_policy_of_which_a_version_cannot_be_made_is_not_left_in_half(plane: InProcess) -> None:
    good, bad = encoded(EC2 | {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}), "%7B%7D"
    versions = [{"VersionId": f"v{n}", "Document": text} for n, text in ((1, good), (2, good), (3, bad))]
    one = {"PolicyName": "p", "Arn": arn("policy", "p"), "DefaultVersionId": "v3", "PolicyVersionList": versions}
    works = brought(InProcessClient(plane), read({"Policies": [one]}))
    assert outcomes(works) == {"p": Outcome.FAILED}
    assert "MalformedPolicyDocument" in works["policies"][0].failures[0]
    assert plane.client("iam").list_policies(Scope="Local")["Policies"] == []


@pytest.mark.parametrize("kept", [(1,), (7,), (1, 3), (3, 4, 5, 6, 7), (2, 9)])
@pytest.mark.parametrize("default", [0, -1])
def test_versions_have_their_numbers_and_the_default_one_is_in_force(
    plane: InProcess, kept: tuple[int, ...], default: int
) -> None:
    def document(number: int) -> Row:
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": f"s3:Get{number}*",
                                                        "Resource": "*"}]}  # fmt: skip

    versions = [{"VersionId": f"v{number}", "Document": document(number)} for number in kept]
    one = {"PolicyName": "p", "Arn": arn("policy", "p"), "DefaultVersionId": f"v{kept[default]}"}
    client = InProcessClient(plane)
    works = brought(client, read({"Policies": [{**one, "PolicyVersionList": versions}]}))
    assert works["policies"][0].failures == []
    made = account_of(client).policies["p"]
    assert dict(made.versions) == {f"v{number}": document(number) for number in kept}
    assert made.default == f"v{kept[default]}"


def test_a_caller_without_permissions_gets_awss_denials_and_nothing_is_called_made(plane: InProcess) -> None:
    reader = plane.user("reader", {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"})
    client = InProcessClient(plane, reader)
    works = brought(client, read(roles(role("a", EC2))))
    assert outcomes(works) == {"a": Outcome.FAILED}
    assert "(AccessDenied) when calling the CreateRole operation" in works["roles"][0].failures[0]


# -- again -----------------------------------------------------------------------------------------------------


def test_what_differs_is_told_and_left_and_brought_in_line_where_that_is_asked_for(plane: InProcess) -> None:
    client, told = InProcessClient(plane), RealAccount(9).details()
    brought(client, read(told))
    iam = plane.client("iam")
    name = told["RoleDetailList"][0]["RoleName"]
    iam.tag_role(RoleName=name, Tags=[{"Key": "team", "Value": "other"}, {"Key": "more", "Value": ""}])
    iam.attach_role_policy(RoleName=name, PolicyArn=f"{AWS_POLICY}IAMFullAccess")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust({"AWS": ACCOUNT})))
    iam.remove_user_from_group(UserName="billing.person", GroupName="admins")
    iam.update_user(UserName="orders.person", NewPath="/elsewhere/")
    policy_arn = f"arn:aws:iam::{ACCOUNT}:policy/fleet-access"
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})
    version = next(v for v in iam.list_policy_versions(PolicyArn=policy_arn)["Versions"] if not v["IsDefaultVersion"])
    iam.delete_policy_version(PolicyArn=policy_arn, VersionId=version["VersionId"])
    iam.create_policy_version(PolicyArn=policy_arn, PolicyDocument=document, SetAsDefault=True)

    client.calls.clear()
    works = brought(client, read(told))
    assert client.changes == ["create_role"]  # of the path that is AWS's
    differing = {work.name for work in every(works) if work.outcome is Outcome.DIFFERS}
    assert differing == {name, "billing.person", "orders.person", "fleet-access", "new-service"}

    works = brought(client, read(told), change=True)
    changed = {work.name for work in every(works) if work.outcome is Outcome.CHANGED}
    assert changed == differing - {"new-service"}
    client.calls.clear()
    works = brought(client, read(told))
    assert {work.name for work in every(works) if work.differences} == {"new-service"}
    assert MISSING in works["roles"][-1].differences[0]


def test_a_description_and_a_duration_are_set_where_they_are_told(plane: InProcess) -> None:
    client = InProcessClient(plane)
    told = roles(role("a", EC2, MaxSessionDuration=7200, Description="builds"))
    brought(client, read(told))
    made = plane.client("iam").get_role(RoleName="a")["Role"]
    assert (made["MaxSessionDuration"], made["Description"]) == (7200, "builds")
    assert outcomes(brought(client, read(roles(role("a", EC2))))) == {"a": Outcome.KEPT}  # not told, not compared
    works = brought(client, read(roles(role("a", EC2, MaxSessionDuration=3600))), change=True)
    assert outcomes(works) == {"a": Outcome.CHANGED}
    assert plane.client("iam").get_role(RoleName="a")["Role"]["MaxSessionDuration"] == 3600


def test_attack_without_the_boundary_that_it_should_have_nothing_gets_further_permissions(plane: InProcess) -> None:
    client = InProcessClient(plane)
    brought(client, read(roles(role("app", EC2))))
    unknown = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn("policy", "not-here")}
    more = {"RolePolicyList": [{"PolicyName": "all", "PolicyDocument": allowing("*")}], "PermissionsBoundary": unknown}
    works = brought(client, read(roles(role("app", trust({"AWS": "*"}), **more))), change=True)
    assert outcomes(works) == {"app": Outcome.FAILED}
    there = account_of(client).roles["app"]
    assert (there.inline, there.boundary, there.trust) == ({}, "", EC2)


@pytest.mark.parametrize("number", [1, 5])
def test_a_default_version_that_is_refused_leaves_the_one_in_force(plane: InProcess, number: int) -> None:
    client, iam = InProcessClient(plane), plane.client("iam")

    def told(default: Row) -> Row:
        others = [{"VersionId": f"v{n}", "Document": allowing(f"s3:Get{n}")} for n in range(2, number + 1)]
        versions = [{"VersionId": "v1", "Document": default}, *others]
        one = {"PolicyName": "p", "Arn": arn("policy", "p"), "DefaultVersionId": "v1", "PolicyVersionList": versions}
        return {"Policies": [one]}

    brought(client, read(told(allowing("s3:List*"))))
    works = brought(client, read(told({"Statement": "none"})), change=True)
    assert outcomes(works) == {"p": Outcome.FAILED}
    assert account_of(client).policies["p"].document == allowing("s3:List*")
    assert len(iam.list_policy_versions(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/p")["Versions"]) == min(number, 4)
    works = brought(client, read(told(allowing("s3:Put*"))), change=True)
    assert summary.is_complete(works)
    assert account_of(client).policies["p"].document == allowing("s3:Put*")
    assert outcomes(brought(client, read(told(allowing("s3:Put*"))))) == {"p": Outcome.KEPT}


def test_a_provider_is_made_of_what_is_told_of_it_alone_and_brought_in_line(plane: InProcess) -> None:
    client, iam = InProcessClient(plane), plane.client("iam")
    told = {"Url": "ci.example", "ClientIDList": ["a", "b"], "ThumbprintList": ["0" * 40], "CreateDate": "2024-01-01"}
    assert outcomes(brought(client, read(told))) == {"ci.example": Outcome.MADE}
    (provider,) = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    which = {"OpenIDConnectProviderArn": provider["Arn"]}
    iam.remove_client_id_from_open_id_connect_provider(**which, ClientID="a")
    iam.add_client_id_to_open_id_connect_provider(**which, ClientID="c")
    iam.update_open_id_connect_provider_thumbprint(**which, ThumbprintList=["1" * 40])
    assert len(brought(client, read(told))["providers"][0].differences) == 3
    assert outcomes(brought(client, read(told), change=True)) == {"ci.example": Outcome.CHANGED}
    assert outcomes(brought(client, read(told))) == {"ci.example": Outcome.KEPT}
    assert sorted(iam.get_open_id_connect_provider(**which)["ClientIDList"]) == ["a", "b"]


def test_names_that_differ_in_case_alone_are_the_same(plane: InProcess) -> None:
    client = InProcessClient(plane)
    brought(client, read(roles(role("Builder", EC2))))
    works = brought(client, read(roles(role("builder", trust({"AWS": REAL})))), change=True)
    assert outcomes(works) == {"Builder": Outcome.CHANGED}


def test_attack_a_plane_that_ends_in_the_middle_leaves_nothing_that_a_second_import_does_not_complete(
    plane: InProcess,
) -> None:
    told = RealAccount(9).details()
    wanted = read(told)
    complete = InProcessClient(plane)

    class Ending(InProcessClient):
        """A client whose plane is gone after so many changes."""

        def call(self, service: str, operation: str, region: str = "", /, **parameters: Any) -> dict[str, Any]:
            if len(self.changes) >= self.left:
                raise CallFailed(EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))
            return super().call(service, operation, region, **parameters)

        left = 0

    for number in (1, 7, 30):
        ending = Ending(plane)
        ending.left = number
        works = bringing.planned(wanted, account_of(complete), change=True)
        bringing.carry_out(works, ending)
        assert not summary.is_complete(works)
        assert all(work.outcome is not Outcome.MADE or not work.failures for work in works["policies"])
    brought(complete, wanted, change=True)
    assert_as_told(account_of(complete), told, numbered=False)


def test_attack_a_file_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    command = importlib.import_module("locum.cli.commands.import")
    monkeypatch.setattr(details, "LARGEST", 1 << 20)
    result = CliRunner().invoke(command.command, ["/dev/zero"])
    assert (result.exit_code, result.output) == (2, "locum: /dev/zero is larger than 1 MiB\n")
