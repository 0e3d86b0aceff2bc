"""Tasks and pods: whose credentials are given to whom, what a token is worth, and what a renewal does."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from locum.cli.root_account import DEFAULT_ACCOUNT
from locum.cli.storage import DirectoryFiles
from locum.compute.carriers import Room
from locum.core.carriers import FOLDER, TOKENS, Carrier, Kind
from locum.core.clock import iso8601, system_clock, system_entropy
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.identifiers import request_id
from locum.credentials.clusterkeys import open_cluster_key
from locum.imds.containers import Request
from support.inprocess import Answer, InProcess, Key, exchange, refusal
from support.issuer import signed
from support.plane import document, trusting

TRUSTS_TASKS = trusting(Service="ecs-tasks.amazonaws.com")
TRUSTS_PODS = document(
    {
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
)
SIX_HOURS = 6 * 3600


class House:
    """A plane and its host of carriers, by a clock that stands still until the test turns it."""

    def __init__(self, data: Path) -> None:
        self.now = float(int(system_clock()))
        self.data = data
        self.plane = InProcess(data, lambda: self.now)

    def role(self, trust: str, name: str = "app") -> str:
        arn: str = self.plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        return arn

    def task(self, role: str, **changes: Any) -> Carrier:
        number, secret = request_id(system_entropy).replace("-", ""), request_id(system_entropy)
        made = Carrier(
            kind=Kind.ECS, id=number, account=DEFAULT_ACCOUNT, region="us-east-1", role=role, name="app", secret=secret
        )
        return replace(made, **changes)

    def pod(self, role: str, kind: Kind = Kind.POD, **changes: Any) -> Carrier:
        """A pod whose launcher is attached, with the issuer of its cluster."""
        made = Carrier(
            kind=kind, id=request_id(system_entropy), account=DEFAULT_ACCOUNT, region="us-east-1", role=role, name="app"
        )
        made = replace(made, **changes)
        Room.make(self.data / FOLDER / made.id, made)
        self.plane.run(self.plane.node.carriers.begin(made, [], []))
        claims = self.claims(made)
        return replace(made, issuer=claims["iss"])

    def token_file(self, carrier: Carrier) -> Path:
        return self.data / FOLDER / carrier.id / "secrets" / TOKENS[carrier.kind].file

    def token(self, carrier: Carrier) -> str:
        return self.token_file(carrier).read_text()

    def claims(self, carrier: Carrier) -> dict[str, Any]:
        part = self.token(carrier).split(".")[1]
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return found

    def forged(self, **claims: Any) -> str:
        """A token that the cluster's own key signed."""
        runtime = self.plane.node.runtime
        return open_cluster_key(DirectoryFiles(self.data).create, runtime.keyring, runtime.entropy).sign(claims)

    def ask(self, carrier: Carrier, path: str, **headers: str) -> Answer:
        """The answer of the carrier's endpoint; header names with _ for -."""
        named = {"host": "169.254.170.23"} | {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest("GET", path, "", named, b"", "127.0.0.1", False)
        return self.plane.run(exchange(self.plane.node.carriers.endpoint(carrier), request))

    def key_of(self, carrier: Carrier) -> Key:
        answer = self.ask(carrier, f"/v2/credentials/{carrier.secret}")
        assert answer.status == 200, answer.body
        given = json.loads(answer.body)
        return Key(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])

    def of_pod(self, carrier: Carrier, token: str, **headers: str) -> Answer:
        return self.ask(carrier, "/v1/credentials", authorization=token, **headers)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data")
    yield house
    house.plane.run(house.plane.node.carriers.close())
    house.plane.close()


def code(answer: Answer) -> str:
    """The error code of a task's endpoint."""
    found: str = json.loads(answer.body)["code"]
    return found


# -- tasks ---------------------------------------------------------------------------------------------------


def test_a_task_is_given_its_role_s_credentials_for_six_hours(house: House) -> None:
    task = house.task(house.role(TRUSTS_TASKS))
    given = json.loads(house.ask(task, f"/v2/credentials/{task.secret}").body)
    assert set(given) == {"RoleArn", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"}
    assert given["RoleArn"] == task.role
    (record,) = [found for found in house.plane.records() if found.operation == "AssumeRole"]
    assert (record.source_arn, record.parameters["roleSessionName"]) == (task.arn, task.id)
    assert given["Expiration"] == iso8601(house.now + SIX_HOURS)


def test_a_set_is_renewed_half_way_and_the_old_one_lives_on(house: House) -> None:
    task = house.task(house.role(TRUSTS_TASKS))
    first = house.key_of(task)
    assert house.key_of(task) == first
    house.plane.node.runtime.clock.move(SIX_HOURS / 2)
    second = house.key_of(task)
    assert second.access_key_id != first.access_key_id
    arns = {house.plane.client("sts", key).get_caller_identity()["Arn"] for key in (first, second)}
    assert arns == {f"arn:aws:sts::000000000000:assumed-role/app/{task.id}"}
    house.plane.node.runtime.clock.move(float(SIX_HOURS))
    assert refusal(house.plane.client("sts", first).get_caller_identity)[0] == "ExpiredToken"


@pytest.mark.parametrize("hours", [30, -30])
def test_at_a_moved_time_a_task_s_credentials_are_fresh_to_its_sdk_and_a_pod_s_token_is_good(
    house: House, hours: int
) -> None:
    task, pod = house.task(house.role(TRUSTS_TASKS)), house.pod(house.role(TRUSTS_PODS, "pod"))
    first, token = house.key_of(task), house.token(pod)
    house.plane.node.runtime.clock.move(hours * 3600)
    given = json.loads(house.ask(task, f"/v2/credentials/{task.secret}").body)
    assert given["AccessKeyId"] != first.access_key_id
    assert given["Expiration"] == iso8601(house.now + SIX_HOURS)
    given = json.loads(house.of_pod(pod, token).body)
    assert given["Expiration"] == iso8601(house.now + SIX_HOURS)
    house.plane.run(house.plane.node.carriers.renew())
    assert house.token(pod) == token


@pytest.mark.parametrize("secret", ["", "a", "00000000-0000-4000-8000-000000000000", "%00", "../v2/credentials"])
def test_a_guessed_uri_gives_nothing(house: House, secret: str) -> None:
    task = house.task(house.role(TRUSTS_TASKS))
    answer = house.ask(task, f"/v2/credentials/{secret}")
    assert (answer.status, code(answer)) == (400, "InvalidIdInRequest" if secret else "NoIdInRequest")


def test_another_task_s_uri_gives_nothing_whoever_it_is_said_to_be_for(house: House) -> None:
    role = house.role(TRUSTS_TASKS)
    mine, theirs = house.task(role), house.task(role)
    answer = house.ask(mine, f"/v2/credentials/{theirs.secret}", X_Forwarded_For="169.254.172.2", Host="theirs")
    assert (answer.status, code(answer)) == (400, "InvalidIdInRequest")


def test_who_forwards_for_others_is_the_task_whose_socket_it_is(house: House) -> None:
    task = house.task(house.role(TRUSTS_TASKS))
    answer = house.ask(task, f"/v2/credentials/{task.secret}", X_Forwarded_For="10.0.0.1", Forwarded="for=10.0.0.1")
    assert json.loads(answer.body)["RoleArn"] == task.role


@pytest.mark.parametrize("shown", ["", "wrong", "Bearer secret"])
def test_without_a_namespace_the_token_must_come_with_the_uri(house: House, shown: str) -> None:
    task = house.task(house.role(TRUSTS_TASKS), authorization="secret")
    answer = house.ask(task, f"/v2/credentials/{task.secret}", authorization=shown)
    assert (answer.status, code(answer)) == (400, "InvalidIdInRequest")
    assert house.ask(task, f"/v2/credentials/{task.secret}", authorization="secret").status == 200


def test_a_token_that_comes_twice_is_none(house: House) -> None:
    task = house.task(house.role(TRUSTS_TASKS), authorization="secret")
    endpoints = house.plane.node.endpoints
    path = f"/v2/credentials/{task.secret}"
    twice = Request("GET", path, {"authorization": "secret"}, frozenset({"authorization"}))
    assert house.plane.run(endpoints.task(task, twice)).status == 400


def test_a_role_that_trusts_another_service_is_refused_before_the_task_starts(house: House) -> None:
    task = house.task(house.role(trusting(Service="ec2.amazonaws.com")))
    with pytest.raises(Fault, match="ECS was unable to assume the role 'arn:aws:iam::000000000000:role/app'"):
        house.plane.run(house.plane.node.carriers.admit(task))
    answer = house.ask(task, f"/v2/credentials/{task.secret}")
    assert (answer.status, code(answer)) == (400, "NoCredentialsAssociated")


def test_the_trust_policy_may_name_one_task_alone(house: House) -> None:
    one = {"ArnEquals": {"aws:SourceArn": "arn:aws:ecs:us-east-1:000000000000:task/default/another"}}
    task = house.task(house.role(trusting(one, Service="ecs-tasks.amazonaws.com")))
    assert house.ask(task, f"/v2/credentials/{task.secret}").status == 400


def test_a_role_of_another_account_cannot_be_carried(house: House) -> None:
    other = house.plane.account("111122223333")
    made = house.plane.client("iam", other).create_role(RoleName="theirs", AssumeRolePolicyDocument=TRUSTS_TASKS)
    task = house.task(made["Role"]["Arn"])
    assert house.ask(task, f"/v2/credentials/{task.secret}").status == 400


def test_what_is_revoked_or_deleted_is_given_no_more(house: House) -> None:
    task, iam = house.task(house.role(TRUSTS_TASKS)), house.plane.client("iam")
    house.key_of(task)
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=trusting(Service="ec2.amazonaws.com"))
    assert house.ask(task, f"/v2/credentials/{task.secret}").status == 400
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=TRUSTS_TASKS)
    assert house.ask(task, f"/v2/credentials/{task.secret}").status == 200
    iam.delete_role(RoleName="app")
    assert house.ask(task, f"/v2/credentials/{task.secret}").status == 400


def test_the_metadata_tells_of_this_task_alone(house: House) -> None:
    task = house.task(house.role(TRUSTS_TASKS))
    told = json.loads(house.ask(task, f"/v4/{task.id}/task").body)
    assert (told["TaskARN"], told["Containers"][0]["DockerId"]) == (task.arn, task.id)
    assert json.loads(house.ask(task, f"/v4/{task.id}/taskWithTags").body)["TaskTags"] == {}
    assert house.ask(task, f"/v4/{house.task(task.role).id}/task").status == 404
    assert task.secret not in house.ask(task, f"/v4/{task.id}").body.decode()


def test_a_moved_clock_renews_credentials_and_tells_their_end_by_the_client_s(house: House) -> None:
    task = house.task(house.role(TRUSTS_TASKS))
    first = house.key_of(task)
    house.plane.node.runtime.clock.move(float(SIX_HOURS))
    second = json.loads(house.ask(task, f"/v2/credentials/{task.secret}").body)
    assert second["AccessKeyId"] != first.access_key_id
    assert second["Expiration"] == iso8601(house.now + SIX_HOURS)


def test_a_moved_clock_leaves_tokens_as_whoever_verifies_them_sees_them(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    house.plane.node.runtime.clock.move(2.0 * 86_400)
    assert house.of_pod(pod, house.token(pod)).status == 200


# -- pods ----------------------------------------------------------------------------------------------------


def test_a_pod_s_session_has_the_documented_tags_and_they_are_transitive(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS), namespace="shop", service_account="reader", cluster="blue")
    assert house.of_pod(pod, house.token(pod)).status == 200
    (record,) = [found for found in house.plane.records() if found.operation == "AssumeRole"]
    tags = {tag["key"]: tag["value"] for tag in record.parameters["tags"]}
    assert tags == {
        "eks-cluster-arn": "arn:aws:eks:us-east-1:000000000000:cluster/blue",
        "eks-cluster-name": "blue",
        "kubernetes-namespace": "shop",
        "kubernetes-service-account": "reader",
        "kubernetes-pod-name": "app",
        "kubernetes-pod-uid": pod.id,
    }
    assert set(record.parameters["transitiveTagKeys"]) == set(tags)
    assert record.parameters["roleSessionName"] == f"eks-blue-app-{pod.id}"


def test_a_trust_policy_without_tag_session_gives_no_credentials(house: House) -> None:
    pod = house.pod(house.role(trusting(Service="pods.eks.amazonaws.com")))
    answer = house.of_pod(pod, house.token(pod))
    expected = b"(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume"
    assert answer.status == 400
    assert answer.body.startswith(expected)


def test_a_missing_token_is_refused(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    answer = house.ask(pod, "/v1/credentials")
    assert (answer.status, answer.body) == (400, b"Service account token cannot be empty\n")


@pytest.mark.parametrize(
    "change",
    [
        {"aud": ["sts.amazonaws.com"]},
        {"aud": ["pods.eks.amazonaws.com", "another"]},
        {"iss": "https://oidc.eks.us-east-1.amazonaws.com/id/0"},
        {"sub": "system:serviceaccount:default:another"},
        {"kubernetes.io": {"pod": {"uid": "another"}}},
        {"kubernetes.io": None},
    ],
)
def test_a_token_that_was_signed_for_something_else_is_refused(house: House, change: dict[str, Any]) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    answer = house.of_pod(pod, house.forged(**{**house.claims(pod), **change}))
    assert (answer.status, answer.body.split(b":")[0]) == (400, b"(InvalidTokenException)")


def test_a_token_of_another_pod_is_refused(house: House) -> None:
    role = house.role(TRUSTS_PODS)
    mine, theirs = house.pod(role), house.pod(role)
    assert house.of_pod(mine, house.token(theirs)).status == 400
    assert house.of_pod(theirs, house.token(theirs)).status == 200


def test_forged_tokens_are_refused(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    claims, text = house.claims(pod), house.token(pod)
    header, body, signature = text.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    named = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
    forged = [
        f"{unsigned}.{body}.",
        f"{unsigned}.{body}.{signature}",
        f"{named}.{body}.{signature}",
        f"{header}.{body}.{signature[:-4]}AAAA",
        f"{header}.{body}",
        signed(claims),
        "a" * 30_000,
    ]
    answers = [house.of_pod(pod, token) for token in forged]
    assert {(answer.status, answer.body.split(b":")[0]) for answer in answers} == {(400, b"(InvalidTokenException)")}


def test_an_expired_token_is_refused(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    old = house.token(pod)
    house.now += 86_400
    assert house.of_pod(pod, old).body.startswith(b"(ExpiredTokenException)")
    house.now -= 2 * 86_400
    assert house.of_pod(pod, old).body.startswith(b"(ExpiredTokenException)")


def test_a_request_for_another_host_is_refused(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    answer = house.of_pod(pod, house.token(pod), host="rebound.example.com")
    assert answer.status == 403
    assert answer.body.startswith(b"Access Denied. Called agent through invalid address")
    assert house.of_pod(pod, house.token(pod), host="[fd00:ec2::23]:80").status == 200


# -- tokens --------------------------------------------------------------------------------------------------


def test_nobody_else_can_read_a_token(house: House) -> None:
    file = house.token_file(house.pod(house.role(TRUSTS_PODS)))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    own = next(folder for folder in file.parents if folder.parent == house.data / FOLDER)
    assert stat.S_IMODE(own.stat().st_mode) == 0o700


def test_a_token_is_renewed_half_way_in_place(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    first, host = house.token(pod), house.plane.node.carriers
    house.plane.run(host.renew())
    assert house.token(pod) == first
    house.now += 43_200
    house.plane.run(host.renew())
    assert house.token(pod) != first
    assert house.of_pod(pod, first).status == house.of_pod(pod, house.token(pod)).status == 200


def test_what_a_carrier_had_goes_with_its_launcher_and_not_with_the_plane(house: House) -> None:
    pod, host = house.pod(house.role(TRUSTS_PODS)), house.plane.node.carriers
    house.plane.run(host.end(pod, [], gone=False))
    assert house.token_file(pod).exists()
    house.plane.run(host.end(pod, [], gone=True))
    assert not (house.data / FOLDER / pod.id).exists()
    house.now += 86_400
    house.plane.run(host.renew())
    assert not (house.data / FOLDER / pod.id).exists()


def test_what_a_launcher_left_that_ended_without_a_plane_is_taken_away(house: House) -> None:
    role, host = house.role(TRUSTS_PODS), house.plane.node.carriers
    served, lost = house.pod(role), house.pod(role)
    house.plane.run(host.end(lost, [], gone=False))
    house.plane.run(host.sweep(0.0))
    assert house.token_file(lost).exists()
    house.plane.run(host.sweep(system_clock() + 1))
    assert not (house.data / FOLDER / lost.id).exists()
    assert house.token_file(served).exists()


def test_a_restart_finds_the_same_issuer_and_the_same_key(house: House) -> None:
    pod = house.pod(house.role(TRUSTS_PODS))
    house.plane.run(house.plane.node.carriers.close())
    house.plane.close()
    house.plane.start()
    assert house.of_pod(pod, house.token(pod)).status == 200


@pytest.mark.parametrize(
    "change",
    [{"id": "../../etc"}, {"id": ""}, {"cluster": "a/b"}, {"namespace": ""}, {"name": "a\n"}, {"issuer": "http://a"}],
)
def test_what_is_no_name_makes_no_carrier(house: House, change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is no"):
        house.task("arn:aws:iam::000000000000:role/app", **change)


# -- IRSA ----------------------------------------------------------------------------------------------------


def test_irsa_says_how_to_make_the_provider_and_then_the_token_is_worth_a_session(house: House) -> None:
    role = house.role(TRUSTS_TASKS)
    pod = house.pod(role, Kind.IRSA)
    sts, host = house.plane.client("sts"), house.plane.node.carriers
    asked = {"RoleArn": role, "RoleSessionName": "app", "WebIdentityToken": house.token(pod)}
    assert refusal(sts.assume_role_with_web_identity, **asked)[0] == "InvalidIdentityToken"
    notice = house.plane.run(host.admit(pod))["notice"]
    assert f"--url {pod.issuer} --client-id-list sts.amazonaws.com" in notice
    iam = house.plane.client("iam")
    arn = iam.create_open_id_connect_provider(Url=pod.issuer, ClientIDList=["sts.amazonaws.com"])
    assert house.plane.run(host.admit(pod))["notice"] == ""
    assert refusal(sts.assume_role_with_web_identity, **asked)[0] == "AccessDenied"
    name = pod.issuer.removeprefix("https://")
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": arn["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{name}:sub": pod.subject}},
    }
    iam.update_assume_role_policy(RoleName="app", PolicyDocument=document(statement))
    house.plane.node.runtime.clock.move(30 * 3600)
    given = sts.assume_role_with_web_identity(**asked)
    assert given["SubjectFromWebIdentityToken"] == "system:serviceaccount:default:default"
    identity = house.pod(role, Kind.POD)
    other = {**asked, "WebIdentityToken": house.token(identity)}
    assert refusal(sts.assume_role_with_web_identity, **other)[0] == "InvalidIdentityToken"


def test_keys_that_somebody_put_there_are_not_replaced(house: House) -> None:
    role, issuer = house.role(TRUSTS_PODS), "https://oidc.eks.us-east-1.amazonaws.com/id/ABC"
    file = house.data / "oidc" / "oidc.eks.us-east-1.amazonaws.com" / "id" / "ABC.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"keys": []}')
    with pytest.raises(Exception, match="has keys of somebody else"):
        house.pod(role, issuer=issuer)
    assert file.read_text() == '{"keys": []}'
