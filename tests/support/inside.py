"""A program inside an instance, led by a test: it does what each line says and answers with a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from support.plane import LOCUM, Refusal, RunningPlane
from support.processes import SECONDS, group, line_of, tell

PROGRAM = Path(__file__).parents[1] / "functional" / "inside_program.py"


class Page(NamedTuple):
    """What the metadata service answered."""

    status: int
    body: str
    headers: Mapping[str, str]


class Inside:
    """The program and the instance it runs in."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **question: Any) -> Any:
        """What the program says to `question`."""
        tell(self._process, json.dumps(question))
        line = line_of(self._process)
        assert line, "the program inside the instance has ended"
        return json.loads(line)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a call made inside with boto3, by clients that live as long as the program."""
        said = self.ask(call=[service, operation, parameters])
        assert "answer" in said, said
        answer: dict[str, Any] = said["answer"]
        return answer

    def refused(self, service: str, operation: str, **parameters: Any) -> Refusal:
        """The refusal that such a call is met with."""
        said = self.ask(call=[service, operation, parameters])
        assert "refused" in said, said
        return Refusal(*said["refused"])

    def imds(self, path: str, method: str = "GET", **headers: str) -> Page:
        """The metadata service's answer, with status 0 where there is none any more; header names with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Page(*self.ask(http=[method, path, named]))

    def token(self, ttl: str = "60", **headers: str) -> str:
        """A session token of IMDSv2."""
        page = self.imds("/latest/api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=ttl, **headers)
        assert page.status == 200
        return page.body

    def metadata(self, path: str) -> str:
        """What is at /latest/PATH, asked the IMDSv2 way."""
        page = self.imds(f"/latest/{path}", X_aws_ec2_metadata_token=self.token())
        assert page.status == 200, path
        return page.body

    @property
    def instance(self) -> str:
        """The id of the instance."""
        return self.metadata("meta-data/instance-id")


@contextmanager
def led(command: list[str], environment: Mapping[str, str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes, which is to end when its input does."""
    pipe = subprocess.PIPE
    with group(command, env=dict(environment), stdin=pipe, stdout=pipe, **options) as process:
        yield process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.stdout.read()  # what it still says, to the end
        process.wait(SECONDS)


@contextmanager
def inside(plane: RunningPlane, *flags: str, command: str = "run") -> Iterator[Inside]:
    """The program inside an instance that `locum run FLAGS` (or `locum exec INSTANCE`) makes."""
    line = [LOCUM, command, "--data", str(plane.data), *flags, "--", sys.executable, str(PROGRAM)]
    with led(line, plane.environment()) as process:
        yield Inside(process)
