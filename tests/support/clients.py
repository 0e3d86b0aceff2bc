"""Stories of calls, and the clients that can tell them: boto3, both AWS CLIs, the AWS SDK for JavaScript."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.paginate import jmespath

from support import javascript, processes
from support.plane import COMMAND_LINES, REGION, Key, Refusal, RunningPlane

Keeping = Mapping[str, Any]
"""What a story remembers: names and their values, credentials among them."""

CLI_PROGRAM: Final = Path(__file__).resolve().parents[1] / "functional" / "cli_program.py"
PYTHONS: Final = {"v1": sys.executable, "v2": "/usr/bin/python3"}
"""Where the versions of the AWS CLI are installed."""

_PLACE = re.compile(r"<([a-z_]+)>")
_CLI_REFUSAL = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(.*?\))?: (.*)", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A call and what comes of it.

    Strings of `params` may have <names> of what is kept; a function in `params` is given what is kept. `keep` and
    `gives` look at the answer by JMESPath, or `keep` by a function of it.
    """

    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    by: str = "admin"
    keep: Mapping[str, str | Callable[[Mapping[str, Any]], Any]] = field(default_factory=dict)
    gives: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    meanwhile: str = ""
    """The code of the refusal for as long as what is asked for is not ready."""


class Player(Protocol):
    """A client that carries out calls."""

    def play(self, service: str, operation: str, params: Mapping[str, Any], key: Key) -> dict[str, Any] | Refusal:
        """The answer, with bytes where the service model has blobs; or the refusal."""


def tell(player: Player, story: Iterable[Call], keeping: dict[str, Any]) -> None:
    """Have every call made, in order. AssertionError tells which one came out otherwise."""
    for call in story:
        service, operation = call.operation.split(":")
        params, key = filled(call.params, keeping), keeping[call.by]
        while isinstance(answer := player.play(service, operation, params, key), Refusal):
            if answer.code != call.meanwhile:
                break
        if isinstance(answer, Refusal):
            assert call.refused, (call.operation, answer)
            assert answer.code == call.refused, (call.operation, answer)
            continue
        assert not call.refused, (call.operation, "was carried out")
        for path, value in call.gives.items():
            assert jmespath.search(path, answer) == filled(value, keeping), (call.operation, path, answer)
        for name, found in call.keep.items():
            keeping[name] = jmespath.search(found, answer) if isinstance(found, str) else found(answer)


def filled(value: Any, keeping: Keeping) -> Any:
    """`value` with what is kept in the places that are left for it."""
    if isinstance(value, str):
        return _PLACE.sub(lambda found: str(keeping[found[1]]), value)
    if isinstance(value, Mapping):
        return {name: filled(one, keeping) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, keeping) for one in value]
    return value(keeping) if callable(value) else value


class Boto3:
    """A client a call."""

    def __init__(self, plane: RunningPlane) -> None:
        self._plane = plane

    def play(self, service: str, operation: str, params: Mapping[str, Any], key: Key) -> dict[str, Any] | Refusal:
        call = getattr(self._plane.client(service, key), xform_name(operation))
        try:
            answer: dict[str, Any] = call(**params)
        except ClientError as error:
            return Refusal.of(error)
        return answer


class CommandLine:
    """`aws SERVICE OPERATION --cli-input-json ...`, by a program that does not start anew for each."""

    def __init__(self, plane: RunningPlane, process: subprocess.Popen[str]) -> None:
        self._plane, self._process = plane, process

    def play(self, service: str, operation: str, params: Mapping[str, Any], key: Key) -> dict[str, Any] | Refusal:
        line = ["--endpoint-url", self._plane.endpoint, "--output", "json", service, xform_name(operation, "-")]
        seed = self._plane.home / "seed"
        devices = operation == "CreateVirtualMFADevice"
        if devices:  # The command line never shows a seed, but writes it to a file; and takes no JSON for that.
            line += ["--virtual-mfa-device-name", params["VirtualMFADeviceName"]]
            line += ["--outfile", str(seed), "--bootstrap-method", "Base32StringSeed"]
        else:
            line += ["--cli-input-json", json.dumps(params)]
        done = _exchanged(self._process, {"arguments": line, "environment": key.environment})
        if done["status"]:
            return _refusal_of(done["err"])
        answer: dict[str, Any] = json.loads(done["out"] or "{}")
        if devices:
            answer["VirtualMFADevice"]["Base32StringSeed"] = seed.read_bytes()
        if operation == "GetCredentialReport":
            answer["Content"] = base64.b64decode(answer["Content"])
        return answer


def _exchanged(process: subprocess.Popen[str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """A line to a program, and the line that it answers."""
    processes.tell(process, json.dumps(asked))
    told: dict[str, Any] = json.loads(processes.line_of(process), object_hook=_bytes)
    return told


def _refusal_of(errors: str) -> Refusal:
    found = _CLI_REFUSAL.search(errors)
    assert found, errors
    return Refusal(found[1], 0, found[2].strip())


class JavaScript:
    """One process of Node.js that is told each call in a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def play(self, service: str, operation: str, params: Mapping[str, Any], key: Key) -> dict[str, Any] | Refusal:
        credentials = {
            "accessKeyId": key.access_key_id,
            "secretAccessKey": key.secret_access_key,
            "sessionToken": key.session_token,
        }
        asked = {"service": service, "operation": operation, "input": params, "credentials": credentials}
        told = _exchanged(self._process, asked)
        answer: dict[str, Any] = told.get("answer", {})
        return Refusal(**told["error"]) if "error" in told else answer


def _bytes(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$bytes"]) if "$bytes" in value else value


@contextmanager
def player(plane: RunningPlane, name: str) -> Iterator[Player]:
    """The client of that name, one of CLIENTS. The SDK for JavaScript skips the test where it cannot be installed."""
    if name == "boto3":
        yield Boto3(plane)
        return
    version = name.removeprefix("aws-cli-")
    line = javascript.line("identity.mjs") if name == "javascript" else [PYTHONS[version], str(CLI_PROGRAM)]
    environment = plane.environment(AWS_ENDPOINT_URL=plane.endpoint, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION)
    pipe = subprocess.PIPE
    with processes.group(line, stdin=pipe, stdout=pipe, env=environment) as process:
        yield JavaScript(process) if name == "javascript" else CommandLine(plane, process)


CLIENTS: Final = ("boto3", "javascript", *(f"aws-cli-{version}" for version in COMMAND_LINES))


def there(name: str) -> bool:
    """Whether this machine has the client; of the SDK for JavaScript the test itself finds out."""
    path: Path | None = COMMAND_LINES.get(name.removeprefix("aws-cli-"))
    return path is None or path.exists()
