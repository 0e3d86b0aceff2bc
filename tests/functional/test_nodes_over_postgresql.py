"""Nodes of one installation over PostgreSQL: real processes, real clients, any call on any node."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from locum.cli.node_directory import NODE_FILE
from locum.cli.wrapped_keyring import WRAPPING_FILE
from locum.core.identifiers import OWN_IMAGE
from support import processes
from support.driven import until
from support.plane import LOCUM, SECONDS, RunningPlane, allow, document, fresh, namespaces_work, refused, trusting
from support.postgresql import ONE_SERVER, server

pytestmark = ONE_SERVER

PUBLIC: Final = "https://locum.example"
FLAGS: Final = ("--no-console", "--public-url", PUBLIC)
TEMPLATE: Final = json.dumps(
    {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com"))},
            }
        }
    }
)

_numbers = count(1)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


class Installation:
    """A new database, and nodes over it below `folder`."""

    def __init__(self, folder: Path) -> None:
        database = server()
        name = f"nodes_{next(_numbers)}"
        database.empty(name)
        self.url = f"postgresql://locum@/{name}?host={database.directory}"
        self._folder = folder
        self._backend = f"127.0.0.1:{free_port()}"
        self.nodes: list[RunningPlane] = []

    def node(self, *flags: str) -> RunningPlane:
        """One more node, which has been given what opens the key ring. The first one has the backend of all."""
        home = self._folder / f"node-{len(self.nodes)}"
        (home / "plane").mkdir(mode=0o700, parents=True)
        if self.nodes:
            shutil.copy(self.nodes[0].data / WRAPPING_FILE, home / "plane")
        backend = ("--backend", f"*=locum://{self._backend}") if self.nodes else ("--serve-backend", self._backend)
        made = RunningPlane(home, "--journal", self.url, *FLAGS, *backend, *flags)
        self.nodes.append(made)
        return made

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def two(installation: Installation) -> tuple[RunningPlane, RunningPlane]:
    return installation.node(), installation.node()


def test_root_is_the_same_on_every_node(two: tuple[RunningPlane, RunningPlane]) -> None:
    here, there = two
    assert here.root == there.root
    assert there.client("sts", here.root).get_caller_identity()["Arn"].endswith(":root")


def test_a_key_that_was_just_made_on_one_node_signs_on_the_other(two: tuple[RunningPlane, RunningPlane]) -> None:
    here, there = two
    for _ in range(10):
        name, key = here.user(allow("iam:GetUser"))
        assert there.client("iam", key).get_user(UserName=name)["User"]["UserName"] == name


def test_a_session_that_was_issued_on_one_node_works_on_the_other_at_once(
    two: tuple[RunningPlane, RunningPlane],
) -> None:
    here, there = two
    for _ in range(10):
        role = here.role(trusting(AWS="*"), allow("iam:ListUsers"))
        session = here.assume(role)
        assert there.client("iam", session).list_users(MaxItems=1)["Users"]


def test_a_denial_that_was_answered_on_one_node_is_one_on_the_other(two: tuple[RunningPlane, RunningPlane]) -> None:
    """By the number of its entry at once: whoever asks for it is answered on a state that has it."""
    here, there = two
    for _ in range(10):
        name, key = here.user(allow("iam:ListUsers"))
        there.client("iam", key).list_users(MaxItems=1)
        iam = here.client("iam")
        deny = document({"Effect": "Deny", "Action": "*", "Resource": "*"})
        put = iam.put_user_policy(UserName=name, PolicyName="deny", PolicyDocument=deny)
        after = put["ResponseMetadata"]["HTTPHeaders"]["x-locum-sequence"]
        client = there.client("iam", key)
        client.meta.events.register("before-sign.iam", lambda request, at=after, **_: _ask(request, at))
        assert refused(client.list_users, MaxItems=1).code == "AccessDenied"


def _ask(request: Any, after: str) -> None:
    request.headers["x-locum-after"] = after


def test_what_one_node_recorded_another_one_finds(two: tuple[RunningPlane, RunningPlane]) -> None:
    here, there = two
    name, _ = here.user()
    here.client("iam").get_user(UserName=name)
    sought = [{"AttributeKey": "ResourceName", "AttributeValue": name}]
    here.client("cloudtrail").lookup_events(LookupAttributes=sought)  # which has the node write what it has recorded
    found = there.client("cloudtrail").lookup_events(LookupAttributes=sought)["Events"]
    assert {"CreateUser", "GetUser"} <= {event["EventName"] for event in found}


def test_both_nodes_write_at_once_and_nothing_is_lost_or_there_twice(two: tuple[RunningPlane, RunningPlane]) -> None:
    path = f"/{fresh('many')}/"

    def made(at: int) -> None:
        iam = two[at].client("iam")
        for number in range(25):
            iam.create_user(UserName=f"at-{at}-{number}", Path=path)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(made, range(2)))
    iam = two[1].client("iam")
    after = iam.create_user(UserName=fresh("last"))["ResponseMetadata"]["HTTPHeaders"]["x-locum-sequence"]
    assert int(after) > 50
    assert len(iam.list_users(PathPrefix=path)["Users"]) == 50


def test_two_nodes_that_make_the_same_thing_at_once_make_one(two: tuple[RunningPlane, RunningPlane]) -> None:
    for _ in range(10):
        name = fresh("same")

        def made(node: RunningPlane, name: str = name) -> str:
            try:
                node.client("iam").create_user(UserName=name)
            except node.client("iam").exceptions.EntityAlreadyExistsException:
                return "exists"
            return "made"

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(made, two)) == ["exists", "made"]


def test_a_stack_that_was_begun_on_either_node_is_made_once(two: tuple[RunningPlane, RunningPlane]) -> None:
    for node, other in (two, two[::-1]):
        stack = fresh("stack")
        node.client("cloudformation").create_stack(
            StackName=stack, TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"]
        )
        waiter = other.client("cloudformation").get_waiter("stack_create_complete")
        waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        roles = other.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        events = other.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": roles[0]["PhysicalResourceId"]}]
        )["Events"]
        assert [event["EventName"] for event in events].count("CreateRole") == 1


def test_web_identity_tokens_are_issued_in_the_public_name_on_every_node(
    two: tuple[RunningPlane, RunningPlane],
) -> None:
    here, there = two
    issuer = here.client("iam").enable_outbound_web_identity_federation()["IssuerIdentifier"]
    assert issuer.startswith(f"{PUBLIC}/_locum/oidc/")
    info = there.client("iam").get_outbound_web_identity_federation_info()
    assert info["IssuerIdentifier"] == issuer
    here.client("iam").disable_outbound_web_identity_federation()


def test_an_instance_is_described_and_terminated_on_every_node(two: tuple[RunningPlane, RunningPlane]) -> None:
    here, there = two
    launched = here.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    there.client("ec2").terminate_instances(InstanceIds=[launched])
    refusal = here.locum("exec", launched, "--", "true")
    assert refusal.returncode != 0
    assert "terminated" in refusal.stderr


@pytest.mark.skipif(not namespaces_work(), reason="this machine makes no namespaces for this user")
def test_what_runs_in_an_instance_ends_when_another_node_terminates_it(
    two: tuple[RunningPlane, RunningPlane],
) -> None:
    here, there = two
    here.profile(allow("sts:GetCallerIdentity"))
    running = subprocess.Popen(
        [LOCUM, "run", "--data", str(here.data), "--", "sh", "-c", "echo up; exec sleep 3600"],
        stdout=subprocess.PIPE,
        env=here.environment(),
        text=True,
    )
    with running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        instances = there.client("ec2").describe_instances(
            Filters=[{"Name": "instance-state-name", "Values": ["running"]}]
        )
        [found] = [it["InstanceId"] for group in instances["Reservations"] for it in group["Instances"]]
        elsewhere = there.locum("exec", found, "--", "true")
        assert "runs on another node" in elsewhere.stderr
        there.client("ec2").terminate_instances(InstanceIds=[found])
        assert running.wait(SECONDS) != 0


def test_what_one_node_put_into_a_bucket_every_node_has(two: tuple[RunningPlane, RunningPlane]) -> None:
    here, there = two
    for node, other in (two, two[::-1]):
        name = fresh("bucket")
        node.client("s3").create_bucket(Bucket=name)
        other.client("s3").put_object(Bucket=name, Key="key", Body=b"body")
        assert node.client("s3").get_object(Bucket=name, Key="key")["Body"].read() == b"body"
    _, key = there.user(allow("s3:ListAllMyBuckets"))
    assert refused(here.client("s3", key).get_object, Bucket=name, Key="key").code == "AccessDenied"


def test_attack_a_second_node_with_a_backend_of_its_own_does_not_start(
    two: tuple[RunningPlane, RunningPlane], installation: Installation, tmp_path: Path
) -> None:
    """A bucket that was made on it would be on none of the others."""
    (tmp_path / "own").mkdir(mode=0o700)
    shutil.copy(two[0].data / WRAPPING_FILE, tmp_path / "own")
    command = [LOCUM, "up", "--data", str(tmp_path / "own"), "--port", "0", "--journal", installation.url]
    refusal = processes.finished(command, env=two[0].environment())
    assert refusal.returncode == 1
    assert "has the embedded backend" in refusal.stderr


def test_the_clock_of_several_nodes_is_moved_by_none(two: tuple[RunningPlane, RunningPlane]) -> None:
    refusal = two[0].locum("clock", "+1h")
    assert refusal.returncode != 0
    assert "cannot be moved" in refusal.stderr


def test_a_node_without_what_opens_the_key_ring_does_not_start_and_says_what_it_needs(
    two: tuple[RunningPlane, RunningPlane], installation: Installation, tmp_path: Path
) -> None:
    command = [LOCUM, "up", "--data", str(tmp_path / "new"), "--port", "0", "--journal", installation.url]
    refusal = processes.finished(command, env=two[0].environment())
    assert refusal.returncode == 1
    assert f"copy {WRAPPING_FILE} from the data directory of another node" in refusal.stderr


def test_attack_a_node_with_the_name_of_another_one_does_not_start(
    two: tuple[RunningPlane, RunningPlane], installation: Installation, tmp_path: Path
) -> None:
    """Each would end the instances of the other, whose launchers it does not know."""
    shutil.copy(two[0].data / WRAPPING_FILE, tmp_path)
    named = "--node", (two[0].data / NODE_FILE).read_text(), "--data", str(tmp_path), "--backend", "*=none"
    refusal = processes.finished([LOCUM, "up", "--port", "0", "--journal", installation.url, *FLAGS, *named])
    assert refusal.returncode == 1
    assert f"a node with the name {named[1]} is there" in refusal.stderr


def test_nodes_are_listed_and_the_holder_of_a_port_is_named(two: list[RunningPlane], tmp_path: Path) -> None:
    """They have no journal in their directories, by which a plane is found."""
    listed = json.loads(processes.finished([LOCUM, "ls", "--json"]).stdout)
    assert {str(node.data) for node in two} <= {it["data"] for it in listed}
    port = str(urlsplit(two[1].endpoint).port)
    refusal = processes.finished([LOCUM, "up", "--port", port, "--data", str(tmp_path / "new")])
    assert f"is in use by the Locum on {two[1].data} (process " in refusal.stderr


def test_one_node_tells_that_it_has_the_duties(two: list[RunningPlane]) -> None:
    def on_duty(node: RunningPlane) -> bool:
        with urlopen(f"{node.endpoint}/_locum/metrics") as answer:
            return "\nlocum_on_duty 1\n" in answer.read().decode()

    until(lambda: any(map(on_duty, two)))
    assert not all(map(on_duty, two))


def test_attack_a_password_in_the_url_is_refused_and_not_repeated(tmp_path: Path) -> None:
    command = [LOCUM, "up", "--data", str(tmp_path / "new"), "--journal", "postgresql://u:hunter2@127.0.0.1/locum"]
    refusal = processes.finished(command)
    assert refusal.returncode != 0
    assert "PGPASSFILE" in refusal.stderr
    assert "hunter2" not in refusal.stderr
    assert not (tmp_path / "new").exists()


def test_a_node_whose_database_is_not_there_does_not_start(tmp_path: Path) -> None:
    command = [LOCUM, "up", "--data", str(tmp_path / "new"), "--port", "0", "--journal"]
    refusal = processes.finished([*command, f"postgresql:///locum?host={tmp_path}"])
    assert refusal.returncode == 1
    assert "the database locum" in refusal.stderr


@pytest.mark.nightly
@pytest.mark.parametrize("ended", ["stop", "kill"])
def test_what_is_done_once_goes_on_when_its_node_ends(ended: str, tmp_path: Path) -> None:
    """Whichever node has the duties, and however it ends: stacks of the other one are made."""
    installation = Installation(tmp_path)
    first, second = installation.node(), installation.node()
    try:
        getattr(first, ended)()
        cloudformation = second.client("cloudformation")
        cloudformation.create_stack(StackName="after", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"])
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName="after", WaiterConfig={"Delay": 1, "MaxAttempts": 40}
        )
    finally:
        installation.close()
