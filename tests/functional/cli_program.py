"""The AWS CLI without its start: reads command lines, as JSON, and carries out each in a fork of this process.

Each line of standard input is {arguments, environment}, each answer {status, out, err}; the environment is added to
that of this process. Runs in the Python that has
the AWS CLI, of either version.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import Any

import awscli.clidriver


def carried_out(arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """What the command line does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os._exit(_run(arguments, environment))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for file in (out, err):
            file.seek(0)
        return {"status": status, "out": out.read().decode(), "err": err.read().decode()}


def _run(arguments: list[str], environment: dict[str, str]) -> int:
    os.environ.update(environment)
    try:
        status: int = awscli.clidriver.create_clidriver().main(arguments)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(carried_out(**json.loads(line))), flush=True)  # noqa: T201 - this is how it answers
