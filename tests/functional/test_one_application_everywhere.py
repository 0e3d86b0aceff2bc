"""One application, unchanged, as an instance, a task, a pod and a function: it is its role, and may what that may."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support import javascript
from support.anywhere import authority, issued
from support.certificates import private_pem
from support.functions import package
from support.plane import ACCOUNT, BIN, RunningPlane, allow, document, fresh, needs_namespaces, trusting

pytestmark = [pytest.mark.xdist_group("one-application"), needs_namespaces]

APP = Path(__file__).parent / "app"
CLIENTS: dict[str, Callable[[], list[str]]] = {
    "python": lambda: [sys.executable, str(APP / "app.py")],
    "javascript": lambda: javascript.line("app.mjs"),
    "cli": lambda: ["sh", str(APP / "app-cli.sh")],
    "curl": lambda: ["sh", str(APP / "app-curl.sh")],
}
SESSIONS = {
    "ec2": r"i-[0-9a-f]{17}",
    "ecs": r"[0-9a-f]{32}",
    "pod": r"eks-default-locum-run-[0-9a-f-]{36}",
    "irsa": r"locum-run-[0-9a-f-]{36}",
    "lambda": r"locum-run",
    "anywhere": r"[0-9a-f]{2,40}",
}


class World(NamedTuple):
    """A bucket that roles may list, another one, and the issuer of the cluster's tokens."""

    bucket: str
    other: str
    issuer: str

    @property
    def may(self) -> dict[str, Any]:
        return allow("s3:ListBucket", f"arn:aws:s3:::{self.bucket}")


@pytest.fixture(scope="module")
def world(plane: RunningPlane) -> Iterator[World]:
    bucket, other = plane.bucket(report=b"1", summary=b"2"), plane.bucket(secret=b"3")
    done = plane.locum("run", "--as", "irsa", "--role", plane.role(trusting(AWS="*")), "--", "true")
    (issuer,) = re.findall(r"--url (\S+)", done.stderr)
    iam = plane.client("iam")
    provider = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=["sts.amazonaws.com"])
    yield World(bucket, other, issuer)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider["OpenIDConnectProviderArn"])


def trust(carrier: str, world: World) -> str:
    """The trust policy that lets a role be carried so, as AWS documents it."""
    if carrier == "irsa":
        name = world.issuer.removeprefix("https://")
        statement = {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{name}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{name}:sub": "system:serviceaccount:default:default",
                    f"{name}:aud": "sts.amazonaws.com",
                }
            },
        }
        return document(statement)
    if carrier == "anywhere":
        actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
        return document({"Effect": "Allow", "Principal": {"Service": "rolesanywhere.amazonaws.com"}, "Action": actions})
    if carrier == "pod":
        service = {"Service": "pods.eks.amazonaws.com"}
        return document({"Effect": "Allow", "Principal": service, "Action": ["sts:AssumeRole", "sts:TagSession"]})
    source = {"ecs": f"arn:aws:ecs:us-east-1:{ACCOUNT}:*", "lambda": f"arn:aws:lambda:us-east-1:{ACCOUNT}:*"}[carrier]
    condition = {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    return trusting(condition, Service={"ecs": "ecs-tasks.amazonaws.com", "lambda": "lambda.amazonaws.com"}[carrier])


@pytest.fixture(scope="module")
def roles(plane: RunningPlane, world: World) -> dict[str, str]:
    carried = {carrier: plane.role(trust(carrier, world), world.may) for carrier in SESSIONS if carrier != "ec2"}
    return {**carried, "ec2": plane.profile(world.may)}


@pytest.fixture(scope="module")
def certificate(plane: RunningPlane, roles: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options of a machine that has a certificate of a trust anchor."""
    now, folder, api = time.time(), tmp_path_factory.mktemp("certificate"), plane.client("rolesanywhere")
    root = authority("root", now)
    middle = authority("middle", now, root)
    own = issued("app.example.com", middle, now)
    source = {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": root.pem}}
    anchor = api.create_trust_anchor(name="anchor", source=source, enabled=True)["trustAnchor"]["trustAnchorArn"]
    role = f"arn:aws:iam::{ACCOUNT}:role/{roles['anywhere']}"
    profile = api.create_profile(name="profile", roleArns=[role], enabled=True)["profile"]["profileArn"]
    texts = {"certificate": own.pem, "private-key": private_pem(own.key), "intermediates": middle.pem}
    options = ["--trust-anchor-arn", anchor, "--profile-arn", profile]
    for name, text in texts.items():
        file = folder / f"a {name}.pem"
        file.write_text(text)
        options += [f"--{name}", str(file)]
    return options


@pytest.mark.parametrize(
    ("carrier", "client"),
    [pair for pair in product(SESSIONS, CLIENTS) if pair != ("anywhere", "curl")],  # curl signs with no certificate
)
def test_the_application_is_its_role_and_may_what_that_may(
    plane: RunningPlane, world: World, roles: dict[str, str], certificate: list[str], carrier: str, client: str
) -> None:
    role = roles[carrier]
    flags = ["--profile", role] if carrier == "ec2" else ["--as", carrier, "--role", role]
    flags += certificate if carrier == "anywhere" else []
    environment = plane.environment() | {"PATH": f"{BIN}:{plane.environment()['PATH']}"}
    done = plane.locum("run", *flags, "--", *CLIENTS[client](), world.bucket, world.other, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    arn, *keys, refusal = done.stdout.split()
    assert re.fullmatch(f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{SESSIONS[carrier]}", arn)
    assert (",".join(keys), refusal) == ("report,summary", "AccessDenied")


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_application_as_a_deployed_function(
    plane: RunningPlane, world: World, roles: dict[str, str], language: str
) -> None:
    name = fresh("function")
    if language == "javascript":
        javascript.line("app.mjs")
        handler = "exports.handler = async (event) => (await import('./app.mjs')).told(...event.buckets);"
        code, runtime = javascript.package(app=handler), "nodejs20.x"
    else:
        code, runtime = package(app=(APP / "app.py").read_text()), "python3.11"
    plane.client("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=f"arn:aws:iam::{ACCOUNT}:role/{roles['lambda']}",
        Handler="app.handler",
        Timeout=60,
        Code={"ZipFile": code},
    )
    event = json.dumps({"buckets": [world.bucket, world.other]})
    answer = plane.client("lambda").invoke(FunctionName=name, Payload=event)
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{roles['lambda']}/{name}"
    assert json.loads(answer["Payload"].read()) == [arn, "report,summary", "AccessDenied"]
