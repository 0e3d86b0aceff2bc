"""The runtimes of functions: which program of this machine takes which one's place, and what it needs to read.

Python and Node.js are those of the `PATH` of Locum's process, with a runtime of our own (`runtime/`); the runtimes of
the family `provided` are the executable `bootstrap` of the package or of a layer.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from locum.core.errors import LocumError
from locum.core.functions import Function

PYTHON: Final = "python3."
NODE: Final = "nodejs"
PROVIDED: Final = ("provided", "provided.al2", "provided.al2023")
"""The names of the runtimes that are hosted, or what they begin with."""

RUNTIME: Final = Path(__file__).resolve().parent / "runtime"
"""The runtimes of our own, seen as LAMBDA_RUNTIME_DIR."""

_PATIENCE: Final = 10.0  # seconds for an interpreter to say what it is
_STEERING: Final = ("NODE_", "PYTHON")  # how variables begin that change what an interpreter does
_OPTIONS: Final = ("-u", "-B", "-X", "utf8")
_DESCRIBE: Final = """
import json, sys
print(json.dumps([sys.executable, "%d.%d" % sys.version_info[:2], [sys.prefix, sys.base_prefix, *sys.path]]))
"""


class NoRuntime(LocumError):
    """There is no program for the runtime here."""


class Roots(NamedTuple):
    """The directories in which a function sees its package, its layers, the runtime and its temporary files."""

    task: str
    opt: str
    runtime: str
    temporary: str


CLOSED: Final = Roots("/var/task", "/opt", "/var/runtime", "/tmp")  # noqa: S108 # Lambda's, in a closed environment


class Program(NamedTuple):
    """The commands of a runtime, of which the first that is there is executed, and the host's places that it reads.

    `modules` are directories of packages for Node.js: those in the place of the AWS SDK that Lambda's runtimes have.
    """

    commands: tuple[tuple[str, ...], ...]
    places: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()


class Interpreter(NamedTuple):
    """A Python: its executable, its minor version (`3.11`), and what it reads."""

    executable: str
    version: str
    places: tuple[str, ...]


class Runtimes:
    """The runtimes on `search_path`, each of which is looked for once."""

    def __init__(self, search_path: str) -> None:
        self._search_path = search_path
        self._pythons: dict[str, Interpreter] = {}
        self._nodes: list[str] = []

    async def program(self, function: Function, roots: Roots) -> Program:
        """The program for `function`; its `AWS_LAMBDA_EXEC_WRAPPER` starts it, if there is one. Raises NoRuntime.

        Lambda Developer Guide, "Modifying the runtime environment", "Wrapper scripts": not for `provided`.
        """
        found = await self._program(function, roots)
        wrapper = function.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
        if not wrapper or function.runtime in PROVIDED:
            return found
        return found._replace(commands=tuple((wrapper, *command) for command in found.commands))

    async def _program(self, function: Function, roots: Roots) -> Program:
        name = function.runtime
        if name in PROVIDED:
            return Program(((f"{roots.task}/bootstrap",), (f"{roots.opt}/bootstrap",)))
        if name.startswith(NODE):
            node = await self._node()
            heap = f"--max-old-space-size={function.memory}"
            prefix = _prefix(node)
            return Program(((node, heap, f"{roots.runtime}/bootstrap.mjs"),), (prefix,), _global_modules(prefix))
        if name.startswith(PYTHON):
            found = await self._python(name.removeprefix("python"))
            sdk = () if found.executable == sys.executable else _sdk()
            command = (found.executable, *_OPTIONS, f"{roots.runtime}/bootstrap.py", *sdk)
            return Program((command,), (*found.places, *sdk))
        raise NoRuntime(f"there is no {name}")

    async def _python(self, version: str) -> Interpreter:
        """The interpreter of that minor version on the path; where there is none, the one that runs this."""
        if version not in self._pythons:
            self._pythons[version] = await _python_on(version, self._search_path) or own()
        return self._pythons[version]

    async def _node(self) -> str:
        """The executable itself, where `node` is a script that chooses one. Raises NoRuntime."""
        if not self._nodes:
            said = await _said("node", self._search_path, "-p", "process.execPath")
            if said is None:
                raise NoRuntime("there is no node")
            self._nodes.append(said.strip())
        return self._nodes[0]


async def _python_on(version: str, search_path: str) -> Interpreter | None:
    """The first interpreter of `version` on `search_path` that works."""
    if own().version == version:
        return own()
    for directory in search_path.split(os.pathsep):
        said = await _said(f"python{version}", directory, "-I", "-c", _DESCRIBE)
        if said is None:
            continue
        executable, found, places = json.loads(said)
        if found == version:
            return Interpreter(executable, found, tuple(_readable(places)))
    return None


def own() -> Interpreter:
    """The interpreter that runs this."""
    places = (sys.prefix, sys.base_prefix, *sys.path)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Interpreter(sys.executable, version, tuple(_readable(places)))


def _readable(places: Sequence[str]) -> Iterator[str]:
    """Those of `places` that are of an interpreter: its prefixes, and directories of packages."""
    for number, place in enumerate(places):
        if Path(place).is_absolute() and (number < 2 or Path(place).name in ("site-packages", "dist-packages")):
            yield place
            yield str(Path(place).resolve())


def _prefix(node: str) -> str:
    """The directory of an installation of Node.js, which has its programs in bin/."""
    directory = Path(node).parent
    return str(directory.parent if directory.name == "bin" else directory)


def _global_modules(prefix: str) -> tuple[str, ...]:
    """Where `npm install --global` puts packages: below the prefix; Debian's npm, below /usr/local. npm-folders(5)."""
    return tuple(f"{it}/lib/node_modules" for it in dict.fromkeys((prefix, "/usr/local")))


def _sdk() -> tuple[str, ...]:
    """The directory of packages in which the AWS SDK for Python is, for interpreters that have none."""
    found = find_spec("boto3")
    return () if found is None or found.origin is None else (str(Path(found.origin).parents[1]),)


async def _said(name: str, search_path: str, *arguments: str) -> str | None:
    """The output of the program `name` with `arguments`; None where there is none, or it fails."""
    executable = shutil.which(name, path=search_path)
    if executable is None:
        return None
    devnull = asyncio.subprocess.DEVNULL
    pipe = asyncio.subprocess.PIPE
    usual = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}
    process = await asyncio.create_subprocess_exec(
        executable, *arguments, stdin=devnull, stdout=pipe, stderr=devnull, env=usual
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return said.decode() if process.returncode == 0 else None
