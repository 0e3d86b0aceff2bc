"""The steps of `locum tour`. Each makes calls, prints them, and checks the result.

Resources have names of the tour's own. They are removed at the end in reverse order, also when a step fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from locum.cli import narration
from locum.cli.client import RootClient
from locum.cli.home import Plane
from locum.compute.handover import ask, connect
from locum.core.errors import LocumError
from locum.core.identifiers import OWN_IMAGE

KEY: Final = "hello.txt"
BODY: Final = b"hello from the other side\n"
LOCUM: Final = (sys.executable, "-c", "from locum.cli.main import main; main()")
"""The command line for `locum`, independent of its installation."""

_LONGEST_WAIT: Final = 30.0
"""The longest lifetime in seconds that a tour waits for. Longer-lived credentials are renewed in another way."""


class StepFailed(LocumError):
    """A step had another result than expected."""


def expect(condition: bool, expected: str, actual: object) -> None:
    """Raise StepFailed unless `condition` holds."""
    if not condition:
        raise StepFailed(f"expected {expected}; what came is: {actual}")


class InsideClient:
    """The tour's connection to a process inside an instance (`locum.cli.inside_client`)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    @contextmanager
    def into(cls, data: Path, instance: str, network: str) -> Iterator[InsideClient]:
        """Start a process in `instance`, which ends with the block."""
        command = [*LOCUM, "exec", "--data", str(data), "--network", network, instance, "--"]
        command += [sys.executable, "-m", "locum.cli.inside_client"]
        pipe = subprocess.PIPE
        with subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=pipe, stdout=pipe, text=True, start_new_session=True
        ) as process:
            try:
                yield cls(process)
            finally:
                if process.stdin is not None:
                    process.stdin.close()

    def ask(self, **question: Any) -> dict[str, Any]:
        """Send a request and return the response. Raises StepFailed where the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            why = "with `locum up --closed` or `--driver container` it cannot begin"
            raise StepFailed(f"the process inside the instance has ended ({why})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def credentials(self, role: str) -> dict[str, str]:
        """The document iam/security-credentials/`role` of the metadata service. Raises StepFailed."""
        answer = self.ask(imds=f"iam/security-credentials/{role}")
        expect("text" in answer, f"credentials of {role}", answer.get("error"))
        found: dict[str, str] = json.loads(answer["text"])
        expect(found.get("Code") == "Success", f"credentials of {role}", found.get("Message"))
        return found


@dataclass(slots=True)
class Tour:
    """The context and the progress of a tour. `undo` removes its resources; `explained` prints a record as lines."""

    data: Path
    plane: Plane
    root: RootClient
    name: str
    network: str
    undo: ExitStack
    explained: Callable[[dict[str, Any]], Iterator[str]]
    instance: str = ""
    client_inside: InsideClient | None = None
    steps: int = field(default=0)

    @property
    def other(self) -> str:
        """The name of the second role and profile."""
        return f"{self.name}-b"

    def step(self, text: str) -> None:
        """Begin a step."""
        self.steps += 1
        narration.title(self.steps, text)

    def do(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Print and make a call as root. Raises CallFailed."""
        narration.ran(narration.aws(service, operation, parameters))
        return self.root.call(service, operation, **parameters)

    def undone_by(self, service: str, operation: str, **parameters: Any) -> None:
        """Register a call that undoes the last one, to be printed and made at the end."""
        self.undo.callback(self.do, service, operation, **parameters)

    def inside(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Print and make a call from inside the instance, with the credentials that its SDK finds."""
        assert self.client_inside is not None
        narration.ran(narration.aws(service, operation, parameters), "inside")
        return self.client_inside.ask(service=service, operation=operation, parameters=parameters)

    def identity_inside(self) -> str:
        """The ARN of GetCallerIdentity inside the instance."""
        answer = self.inside("sts", "get_caller_identity")
        expect("answer" in answer, "an answer of GetCallerIdentity", answer.get("error"))
        return str(answer["answer"]["Arn"])

    def fetch(self, role: str) -> dict[str, str]:
        """Fetch and print the current credentials from the metadata service."""
        assert self.client_inside is not None
        found = self.client_inside.credentials(role)
        curl = 'curl -sH "X-aws-ec2-metadata-token: $TOKEN" \\\n'
        narration.typed(f"{curl}$IMDS/latest/meta-data/iam/security-credentials/{role}", "inside")
        narration.answered(f"{found['AccessKeyId']}  from {found['LastUpdated']} to {found['Expiration']}")
        return found


def run_story(tour: Tour) -> None:
    """Run all chapters. Raises StepFailed or CallFailed at the first step that fails."""
    for chapter in CHAPTERS:
        chapter(tour)


def make_role(tour: Tour) -> None:
    """Create a role with its trust policy, and an instance profile."""
    tour.step("A role: what it is for is in its trust policy")
    _role(tour, tour.name)
    tour.step("An instance profile: the container that gives an instance its role")
    _profile(tour, tour.name)


def make_object(tour: Tour) -> None:
    """Create a bucket with an object."""
    tour.step("Something to read, in the S3 behind the gateway")
    region = tour.plane.region
    configuration = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    tour.do("s3", "create_bucket", Bucket=tour.name, **configuration)
    tour.undone_by("s3", "delete_bucket", Bucket=tour.name)
    narration.typed(f"echo '{BODY.decode().strip()}' > {KEY}")
    tour.do("s3", "put_object", Bucket=tour.name, Key=KEY, Body=BODY)
    tour.undone_by("s3", "delete_object", Bucket=tour.name, Key=KEY)


def launch(tour: Tour) -> None:
    """Launch an instance with the profile, and start a process inside it."""
    tour.step("An instance with the profile")
    launched = tour.do(
        "ec2",
        "run_instances",
        ImageId=OWN_IMAGE,
        MinCount=1,
        MaxCount=1,
        IamInstanceProfile={"Name": tour.name},
        MetadataOptions={"HttpTokens": "required"},
    )
    tour.instance = launched["Instances"][0]["InstanceId"]
    tour.undone_by("ec2", "terminate_instances", InstanceIds=[tour.instance])
    narration.answered(f"{tour.instance}  {launched['Instances'][0]['State']['Name']}")
    network = "in a network namespace of its own" if tour.network == "namespace" else "beside its metadata port"
    narration.prose(f"A process is started inside, {network}, as `locum exec` does it. It gets no credentials.")
    tour.client_inside = tour.undo.enter_context(InsideClient.into(tour.data, tour.instance, tour.network))


def show_credentials(tour: Tour) -> None:
    """Read the credentials inside the instance, and use them."""
    tour.step("Inside: the metadata service has credentials")
    imds = "http://169.254.169.254" if tour.network == "namespace" else '"${AWS_EC2_METADATA_SERVICE_ENDPOINT%/}"'
    narration.typed(f"IMDS={imds}", "inside")
    narration.typed(
        "TOKEN=$(curl -sX PUT $IMDS/latest/api/token \\\n-H 'X-aws-ec2-metadata-token-ttl-seconds: 60')", "inside"
    )
    tour.fetch(tour.name)
    arn = tour.identity_inside()
    narration.answered(arn)
    expect(arn.endswith(f":assumed-role/{tour.name}/{tour.instance}"), "the identity to be the role's", arn)


def show_denial(tour: Tour) -> None:
    """Make a call that is denied, and explain it."""
    tour.step("A read that nothing allows is denied, in AWS's words")
    refusal = tour.inside("s3", "get_object", Bucket=tour.name, Key=KEY)
    expect(refusal.get("code") == "AccessDenied", "AccessDenied", refusal.get("error", "the object"))
    narration.answered(f"AccessDenied: {refusal['error']}")
    tour.step("Why, and what would change it")
    request_id = refusal["request_id"]
    narration.ran(["locum", "explain", request_id])
    with connect(tour.data) as connection:
        records = ask(connection, {"records": request_id, "count": 1, "denied": False})["records"]
    expect(bool(records) and records[0]["verdict"] == "implicit-deny", "the record of the denial", records)
    narration.quoted(tour.explained(records[0]))


def repair(tour: Tour) -> None:
    """Add the missing permission, and repeat the call."""
    tour.step("Repaired: the very next call goes through")
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{tour.name}/*"}
    tour.do("iam", "put_role_policy", RoleName=tour.name, PolicyName="read", PolicyDocument=_document(statement))
    tour.undone_by("iam", "delete_role_policy", RoleName=tour.name, PolicyName="read")
    answer = tour.inside("s3", "get_object", Bucket=tour.name, Key=KEY)
    expect("answer" in answer, "the object", answer.get("error"))
    expect(answer["answer"]["Body"] == BODY.decode(), "the object as it was put", answer["answer"]["Body"])
    narration.answered(answer["answer"]["Body"].strip())


def replace_profile(tour: Tour) -> None:
    """Replace the profile of the running instance."""
    tour.step("Another role on the running instance, without a restart")
    _role(tour, tour.other)
    _profile(tour, tour.other)
    filters = [{"Name": "instance-id", "Values": [tour.instance]}]
    found = tour.do("ec2", "describe_iam_instance_profile_associations", Filters=filters)
    association = found["IamInstanceProfileAssociations"][0]["AssociationId"]
    narration.answered(association)
    tour.do(
        "ec2",
        "replace_iam_instance_profile_association",
        AssociationId=association,
        IamInstanceProfile={"Name": tour.other},
    )
    arn = tour.identity_inside()
    narration.answered(arn)
    expect(arn.endswith(f":assumed-role/{tour.other}/{tour.instance}"), "the identity to be the other role's", arn)


def rotate(tour: Tour) -> None:
    """Show that new credentials are delivered before the old ones expire."""
    tour.step("Rotation: the next set is there before the last one expires")
    old = tour.fetch(tour.other)
    lifetime = _instant(old["Expiration"]) - _instant(old["LastUpdated"])
    if lifetime <= _LONGEST_WAIT:
        assert tour.client_inside is not None
        _wait(lambda: _key(tour) != old["AccessKeyId"], lifetime)
    else:
        narration.prose(
            f"These last {lifetime / 3600:.0f} hours, with a new set half-way. This tour does not wait for that: "
            "a role that changes gets a new set at once."
        )
        tour.do("iam", "update_role", RoleName=tour.other, Description="changed")
    new = tour.fetch(tour.other)
    expect(new["AccessKeyId"] != old["AccessKeyId"], "another access key", new["AccessKeyId"])
    expect(new["LastUpdated"] < old["Expiration"], f"it before {old['Expiration']}", new["LastUpdated"])
    arn = tour.identity_inside()
    narration.answered(arn)


CHAPTERS: Final[tuple[Callable[[Tour], None], ...]] = (
    make_role,
    make_object,
    launch,
    show_credentials,
    show_denial,
    repair,
    replace_profile,
    rotate,
)


def _role(tour: Tour, name: str) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = tour.do("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=_document(trust))
    tour.undone_by("iam", "delete_role", RoleName=name)
    narration.answered(f"{made['Role']['Arn']}  {made['Role']['RoleId']}")


def _profile(tour: Tour, name: str) -> None:
    made = tour.do("iam", "create_instance_profile", InstanceProfileName=name)
    tour.undone_by("iam", "delete_instance_profile", InstanceProfileName=name)
    tour.do("iam", "add_role_to_instance_profile", InstanceProfileName=name, RoleName=name)
    tour.undone_by("iam", "remove_role_from_instance_profile", InstanceProfileName=name, RoleName=name)
    narration.answered(made["InstanceProfile"]["Arn"])


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _key(tour: Tour) -> str:
    assert tour.client_inside is not None
    return tour.client_inside.credentials(tour.other)["AccessKeyId"]


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until `condition` holds, for at most `seconds`. The caller checks whether it does."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)
