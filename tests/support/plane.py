"""A real plane for the functional tests: `locum up` in a process of its own, and real clients around it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from locum.cli.home import PLANE_FILE, read_root_key
from support import processes

BIN: Final = Path(sys.executable).parent
LOCUM: Final = str(BIN / "locum")
REGION: Final = "us-east-1"
ACCOUNT: Final = "000000000000"
SECONDS: Final = processes.SECONDS
"""How long anything may take before the test is given up; nothing waits for it to pass."""

COMMAND_LINES: Final = {"v1": BIN / "aws", "v2": Path("/usr/bin/aws")}
"""AWS CLI from PyPI, and Debian's."""

_numbers = itertools.count(1)


class Key(NamedTuple):
    """Credentials of a client."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Key:
        """What STS and IAM answer (`Credentials`, `AccessKey`)."""
        return cls(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("SessionToken"))

    @property
    def environment(self) -> dict[str, str]:
        """As the AWS clients take it from the environment."""
        names = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        return names | ({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {})


class Refusal(NamedTuple):
    """What a client was answered in place of what it asked for."""

    code: str
    status: int
    message: str
    request_id: str = ""

    @classmethod
    def of(cls, error: ClientError) -> Refusal:
        """The same, out of boto3's exception."""
        told, metadata = error.response.get("Error", {}), error.response["ResponseMetadata"]
        status = metadata["HTTPStatusCode"]
        return cls(told.get("Code", ""), status, told.get("Message", ""), metadata.get("RequestId", ""))


def fresh(prefix: str) -> str:
    """A name that no other test of this run uses."""
    return f"{prefix}-{os.getpid()}-{next(_numbers)}"


def allow(action: str | Sequence[str], resource: str | Sequence[str] = "*", **condition: Any) -> dict[str, Any]:
    """A statement; `condition` as in a policy, operator by operator."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def document(*statements: Mapping[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def trusting(condition: Mapping[str, Any] | None = None, **principal: str | list[str]) -> str:
    """A trust policy: trusting(Service="ec2.amazonaws.com")."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return document(statement | ({"Condition": condition} if condition else {}))


TRUSTS_EC2: Final = trusting(Service="ec2.amazonaws.com")


def refused(call: Any, **parameters: Any) -> Refusal:
    """The refusal that `call` is met with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return Refusal.of(caught.value)


def tampered(client: Any, change: Any) -> Any:
    """`client`, with `change` made to each of its requests after it was signed."""

    def alter(request: AWSPreparedRequest, **_: Any) -> None:
        change(request)

    client.meta.events.register("before-send", alter)
    return client


@cache
def _boto3() -> Any:
    session = boto3.session.Session(region_name=REGION)
    session._session.set_config_variable("config_file", os.devnull)
    session._session.set_config_variable("credentials_file", os.devnull)
    return session


def boto3_client(service: str, endpoint: str, key: Key, **config: Any) -> Any:
    """A boto3 client of the plane at `endpoint`, which does not try again."""
    return _boto3().client(
        service,
        endpoint_url=endpoint,
        aws_access_key_id=key.access_key_id,
        aws_secret_access_key=key.secret_access_key,
        aws_session_token=key.session_token,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=SECONDS, **config),
    )


class RunningPlane:
    """`locum up` on a directory below `home`, which is also the HOME of every command.

    It may have so many `files` open, if that is given. `words` are the beginning of every command line of Locum's.
    """

    def __init__(self, home: Path, *flags: str, files: int | None = None, words: Sequence[str] = (LOCUM,)) -> None:
        self.home = home
        self.data = home / "plane"
        self._flags = flags
        self._words = words
        self._shell = [] if files is None else ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"]
        self._admin: Key | None = None
        self.start()

    def start(self, *flags: str) -> None:
        """Start it, with `flags` for this once, and return when it says that it is up."""
        common = ["--data", str(self.data), "--port", "0", "--no-rate-limits"]
        command = [*self._shell, *self._words, "up", *common, *self._flags, *flags]
        with ExitStack() as started, (self.home / "errors.log").open("ab") as errors:
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": errors}
            self._process = started.enter_context(processes.group(command, env=self.environment(), **streams))
            while (line := processes.line_of(self._process)) and not line.startswith("Locum is up"):
                pass  # of the access log, with --init
            assert line, (self.home / "errors.log").read_text()
            self._running = started.pop_all()
        self.endpoint: str = json.loads((self.data / PLANE_FILE).read_text())["endpoint"]
        key = read_root_key(self.data)
        self.root = Key(key.access_key_id, key.secret_access_key)

    def stop(self) -> None:
        """Stop it as an operator does, and wait for its end."""
        self._process.terminate()
        assert self._process.wait(SECONDS) == 0
        self._running.close()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def memory(self) -> float:
        """The memory that it has, in MiB (VmRSS)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def kill(self) -> None:
        """End it as a power failure does: `kill -9`. Nothing where it does not run."""
        self._running.close()

    def environment(self, **more: str) -> dict[str, str]:
        """A shell's, without anything of AWS's in it but what is given."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
        return {**kept, "HOME": str(self.home), **more}

    def over_tls(self, host: str = "localhost") -> dict[str, str]:
        """What clients need in their environment to call it over TLS at that name of it, which is up with `--tls`."""
        port, authority = json.loads((self.data / PLANE_FILE).read_text())["tls_port"], self.data / "tls-authority.pem"
        trusted = dict.fromkeys(("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(authority))
        return {"AWS_ENDPOINT_URL": f"https://{host}:{port}", **trusted}

    # -- clients -----------------------------------------------------------------------------------------

    def client(self, service: str, key: Key | None = None, **config: Any) -> Any:
        """A boto3 client of its own that signs with `key`, by default root's."""
        return boto3_client(service, self.endpoint, key or self.root, **config)

    def locum(
        self,
        command: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        said: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """`locum COMMAND` on this plane, in the environment `env`, with `said` on its standard input."""
        line = [*self._words, command, "--data", str(self.data), *arguments]
        return processes.finished(line, said, env=env or self.environment(), cwd=cwd)

    def aws(self, version: str, *arguments: str, key: Key | None = None) -> Any:
        """The answer to `aws ARGUMENTS` by one of COMMAND_LINES, as root where no `key` is given."""
        environment = self.environment(**(key or self.root).environment, AWS_DEFAULT_REGION=REGION, AWS_PAGER="")
        line = [str(COMMAND_LINES[version]), "--endpoint-url", self.endpoint, "--output", "json", *arguments]
        done = processes.finished(line, env=environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    # -- what tests need to be there ---------------------------------------------------------------------

    def user(self, *statements: Mapping[str, Any]) -> tuple[str, Key]:
        """A new user that `statements` are about: its name and its key."""
        name, iam = fresh("user"), self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=document(*statements))
        return name, Key.of(iam.create_access_key(UserName=name)["AccessKey"])

    def role(self, trust: str, *statements: Mapping[str, Any]) -> str:
        """The name of a new role."""
        name, iam = fresh("role"), self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        if statements:
            self.permit(name, *statements)
        return name

    def permit(self, role: str, *statements: Mapping[str, Any]) -> None:
        """Let `statements` be all that `role` may do."""
        self.client("iam").put_role_policy(RoleName=role, PolicyName="may", PolicyDocument=document(*statements))

    def profile(self, *statements: Mapping[str, Any]) -> str:
        """The name of a new instance profile, and of the role that it holds."""
        name, iam = self.role(TRUSTS_EC2, *statements), self.client("iam")
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return name

    def assume(self, role: str, **parameters: Any) -> Key:
        """Credentials of a session of `role`, assumed by a user who may do everything (root may not assume roles)."""
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        name = parameters.pop("RoleSessionName", "session")
        answer = self.client("sts", self._administrator()).assume_role(RoleArn=arn, RoleSessionName=name, **parameters)
        return Key.of(answer["Credentials"])

    def _administrator(self) -> Key:
        if self._admin is None:
            _, self._admin = self.user(allow("*"))
        return self._admin

    def table(self, name: str = "") -> str:
        """The name of a new DynamoDB table, whose partition key is `k`."""
        name = name or fresh("table")
        self.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return name

    def bucket(self, name: str = "", /, **objects: bytes) -> str:
        """The name of a new bucket, with some objects in it."""
        name, s3 = name or fresh("bucket"), self.client("s3")
        s3.create_bucket(Bucket=name)
        for key, body in objects.items():
            s3.put_object(Bucket=name, Key=key, Body=body)
        return name


@contextmanager
def up(home: Path, *flags: str, files: int | None = None, words: Sequence[str] = (LOCUM,)) -> Iterator[RunningPlane]:
    """A plane below `home`, started with `flags`, for as long as the block runs."""
    running = RunningPlane(home, *flags, files=files, words=words)
    try:
        yield running
        running.stop()
    finally:
        running.kill()


@cache
def namespaces_work() -> bool:
    """Whether `locum run` finds namespaces on this machine: asked in a process without threads."""
    question = "import sys; from locum.cli.inside import namespaces_work; sys.exit(not namespaces_work())"
    return processes.finished([sys.executable, "-c", question], env=dict(os.environ)).returncode == 0


needs_namespaces = pytest.mark.skipif(
    not namespaces_work(), reason="this machine lets nobody make user and network namespaces without privileges"
)
command_lines = pytest.mark.parametrize(
    "version",
    [
        pytest.param(
            version,
            marks=pytest.mark.skipif(not path.exists(), reason=f"no AWS CLI {version} at {path}"),
        )
        for version, path in COMMAND_LINES.items()
    ],
)
