"""The rows of the AWS CDK: `cdk deploy` of its sample application, as a whole process, on a bootstrapped server."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from bench import servers, stories
from bench.load import Keys
from bench.report import Row
from bench.servers import ROOT, Server

_INSTALLED = ROOT / ".tools/cdk/node_modules"
_APP = Path(__file__).parent / "cdk/app.js"
_REGION = "us-east-1"


def rows(rounds: int) -> list[Row]:
    """The row, of medians; none where the AWS CDK is not installed (`make nightly` does)."""
    if not _INSTALLED.is_dir():
        return []
    found: dict[str, list[float]] = {}
    with ExitStack() as stack:
        running = [stack.enter_context(start()) for start in (_locum, _ministack)]
        for cdk in running:
            cdk.run("bootstrap", f"aws://{cdk.account}/{_REGION}")
        for _ in range(rounds):
            for cdk in running:
                begin = time.perf_counter()
                cdk.run("deploy", "--require-approval", "never")
                found.setdefault(cdk.name, []).append(time.perf_counter() - begin)
                cdk.run("destroy", "--force")
    medians = {name: median(times) for name, times in found.items()}
    return [
        Row("cdk deploy, sample application", "ministack", "s", medians["locum"], medians["ministack"], 1, cost=True)
    ]


class _Cdk:
    """The CDK's command line, as an administrator of a server."""

    def __init__(self, server: Server, environment: dict[str, str]) -> None:
        keys = stories.root_keys(server)
        if server.name == "locum":  # whose root user cannot assume the CDK's roles, as on AWS
            iam = stories.client(server, "iam", keys)
            iam.create_user(UserName="admin")
            iam.attach_user_policy(UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
            made = iam.create_access_key(UserName="admin")["AccessKey"]
            keys = Keys(made["AccessKeyId"], made["SecretAccessKey"])
        self.name = server.name
        self.account = stories.client(server, "sts", keys).get_caller_identity()["Account"]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCUM_"))},
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_REGION": _REGION,
            "BENCH_ACCOUNT": self.account,
            "CI": "1",
            "NODE_PATH": str(_INSTALLED),
            **environment,
        }

    def run(self, *arguments: str) -> None:
        """Run `cdk ARGUMENTS`."""
        line = [
            str(_INSTALLED / ".bin/cdk"),
            "--app",
            f"node {_APP}",
            "--no-notices",
            "--output",
            "cdk.out",
            *arguments,
        ]
        folder = ROOT / ".bench"
        done = subprocess.run(line, check=False, env=self._environment, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"cdk {arguments[0]} on {self.name}: {done.stdout}{done.stderr}")


@contextmanager
def _locum() -> Iterator[_Cdk]:
    """Locum over TLS, which the policy of the bootstrap bucket asks for."""
    with servers.locum("--tls", "--tls-port", "0") as server:
        port = json.loads((server.data / "plane.json").read_text())["tls_port"]
        authority = str(server.data / "tls-authority.pem")
        endpoint = {"AWS_ENDPOINT_URL": f"https://localhost:{port}", "AWS_CA_BUNDLE": authority}
        yield _Cdk(server, {**endpoint, "NODE_EXTRA_CA_CERTS": authority})


@contextmanager
def _ministack() -> Iterator[_Cdk]:
    with servers.ministack("false") as server:  # with it, the CDK's roles are refused its own bucket
        yield _Cdk(server, {"AWS_ENDPOINT_URL": server.url})
