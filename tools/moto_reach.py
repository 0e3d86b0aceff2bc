"""List the places in moto's source where one of its services reaches beyond itself.

    python tools/moto_reach.py [SERVICE]...

A place is a function (`moto.logs.models.LogsBackend.create_export_task`, with all that is defined in it), or a module for what it does when it is
imported. What it reaches is another service (`s3`), its own service by other keys than the account of the call
(`accounts`), or `every service`, `network`, `containers`, `files`, `processes`, `threads`. `src/locum/backends/moto/reach.toml` has the decision on
each place, which tests/unit/backends/test_moto_reach.py compares with this list.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

Reach = tuple[str, str]
"""A place, and what it reaches."""

NOT_LOADED: Final = frozenset(
    {
        "backend_index",
        "backends",
        "cloudformation",
        "core",
        "moto_api",
        "moto_proxy",
        "moto_server",
        "packages",
        "proxy",
        "server",
        "settings",
    }
)
"""moto's own machinery, its stacks, which Locum has itself, and the servers of moto, which are never started: only their
use by services counts."""
_SHARED: Final = frozenset({"core", "utilities", "settings", "moto_api", "backend_index"})
"""Parts of moto that have no data of an account."""

_LIBRARIES: Final[Mapping[str, str]] = {
    "requests": "network",
    "urllib.request": "network",
    "urllib3": "network",
    "http.client": "network",
    "httpx": "network",
    "smtplib": "network",
    "ftplib": "network",
    "socket": "network",
    "ssl": "network",
    "boto3.client": "network",
    "boto3.resource": "network",
    "docker": "containers",
    "subprocess": "processes",
    "multiprocessing": "processes",
    "pty": "processes",
    "shutil": "files",
}
_HARMLESS_PARTS: Final = ("requests.structures", "requests.models", "docker.errors")
_CALLS: Final[Mapping[str, str]] = {
    "open": "files",
    "eval": "processes",
    "exec": "processes",
    "os.popen": "processes",
    "os.system": "processes",
    "os.remove": "files",
    "os.unlink": "files",
    "boto3.client": "network",
    "boto3.resource": "network",
}
_OWN_KEYS: Final = frozenset({"self.account_id", "self.current_account", "self._account_id"})
"""The expressions for the account of the call with which a service looks itself up; so is a parameter `account_id`. All
accounts but that of the call are refused at run time (`lookups`), whatever they are called."""
_PARAMETER: Final = "account_id"
_OF_ALL: Final = frozenset({"items", "values", "keys", "iter_backends", "get"})
_THREADS: Final = "threading.Thread"
_CONTAINERS: Final = "docker_client"
_DYNAMIC: Final = frozenset({"__subclasses__", "_instances", "import_module"})
"""Attributes by which code gets at classes and modules without naming them."""
_EVERY_SERVICE: Final = ("moto.backends", "moto.core.resource_tagging.iter_taggable_backends")
"""Where a service gets the data of any other."""


def places(root: Path | None = None) -> Iterator[Reach]:
    """All places of the installed moto, or of that in `root`, in alphabetical order, each once."""
    directory = root or _installed()
    found: set[Reach] = set()
    for path in sorted(directory.rglob("*.py")):
        parts = path.relative_to(directory.parent).with_suffix("").parts
        if parts[1] in NOT_LOADED or parts[-1] == "urls":
            continue
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.update(_Module(name, parts[1], path.name == "__init__.py").read(ast.parse(path.read_text())))
    return iter(sorted(found))


def _installed() -> Path:
    spec = importlib.util.find_spec("moto")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


class _Module(ast.NodeVisitor):
    """The reading of one module: what its names mean, and which functions use them."""

    def __init__(self, name: str, part: str, is_package: bool) -> None:
        self._name, self._part, self._is_package = name, part, is_package
        self._scope: list[str] = []
        self._in_function = False
        self._parameters: set[str] = set()
        self._names: list[dict[str, str]] = [{}]
        self._used: set[str] = set()
        self._annotated: set[str] = set()
        self._found: set[Reach] = set()

    def read(self, tree: ast.Module) -> set[Reach]:
        """The places of the module."""
        self.visit(tree)
        for name, reached in self._names[0].items():
            if name not in self._used | self._annotated and _is_models(reached):
                self._reach(_target(reached, self._part))
        return self._found

    # -- names ----------------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            base = self._name.split(".")
            base = base[: len(base) - node.level + int(self._is_package)]
            module = ".".join([*base, module] if module else base)
        for alias in node.names:
            self._bind(alias.asname or alias.name, f"{module}.{alias.name}")

    def visit_If(self, node: ast.If) -> None:
        if ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for statement in node.orelse:
                self.visit(statement)
            return
        self.generic_visit(node)

    def _bind(self, name: str, meaning: str) -> None:
        self._names[-1][name] = meaning

    def _meaning(self, expression: str) -> str | None:
        """The meaning of a dotted expression by the imports in force: `models.x` is `moto.s3.models.x`."""
        parts = expression.split(".")
        for names in reversed(self._names):
            for length in range(len(parts), 0, -1):
                bound = names.get(".".join(parts[:length]))
                if bound is not None:
                    self._used.add(".".join(parts[:length]))
                    return ".".join([bound, *parts[length:]])
        return None

    # -- scopes ---------------------------------------------------------------------------------------------

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for expression in (*node.bases, *node.decorator_list):
            self._note_annotation(expression)
        self._scope.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._scope.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg) and argument.annotation is not None:
                self._note_annotation(argument.annotation)
        if node.returns is not None:
            self._note_annotation(node.returns)
        scope, self._scope = self._scope, [*self._scope, *([] if self._in_function else [node.name])]
        within, self._in_function = self._in_function, True
        outer, self._parameters = self._parameters, {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)}
        self._names.append({})
        for statement in (*node.decorator_list, *node.body):
            self.visit(statement)
        self._names.pop()
        self._scope, self._in_function, self._parameters = scope, within, outer

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._note_annotation(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def _note_annotation(self, node: ast.expr) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                self._annotated.add(part.id)

    # -- uses -----------------------------------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        self._use(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        expression = ast.unparse(node)
        if node.attr == _CONTAINERS:
            self._reach("containers")
        if node.attr in _DYNAMIC:
            self._reach("every service")
        if expression.replace(".", "").isidentifier():
            self._use(expression)
        else:
            self.visit(node.value)
        if node.attr in _OF_ALL and self._is_own_backends(node.value):
            self._reach("accounts")

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self._is_own_backends(node.value) and not self._is_own_account(ast.unparse(node.slice)):
            self._reach("accounts")
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        if self._is_own_backends(node.iter):
            self._reach("accounts")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func)
        if (kind := _CALLS.get(called)) is not None:
            self._reach(kind)
        self.generic_visit(node)

    def _is_own_account(self, key: str) -> bool:
        return key in _OWN_KEYS or (key == _PARAMETER and key in self._parameters)

    def _is_own_backends(self, node: ast.expr) -> bool:
        """Whether the expression is a dictionary of this service's data by account."""
        text = ast.unparse(node)
        if not text.endswith("_backends") or "." in text or text.startswith("_"):
            return False
        meaning = self._meaning(text)
        return meaning is None or _target(meaning, self._part) is None

    def _use(self, expression: str) -> None:
        meaning = self._meaning(expression)
        if meaning is not None and (target := _target(meaning, self._part)) is not None:
            self._reach(target)

    def _reach(self, target: str | None) -> None:
        if target is not None:
            self._found.add((".".join([self._name, *self._scope]), target))


def _target(meaning: str, part: str) -> str | None:
    """The target that the use of a name reaches; None for nothing beyond the service `part`."""
    if meaning.startswith("moto."):
        return _service(meaning, part)
    if meaning.startswith(_HARMLESS_PARTS):
        return None
    if meaning.startswith(_THREADS):
        return "threads"
    return next((kind for name, kind in _LIBRARIES.items() if meaning == name or meaning.startswith(f"{name}.")), None)


def _service(meaning: str, part: str) -> str | None:
    parts = meaning.split(".")
    if meaning.startswith(_EVERY_SERVICE):
        return "every service"
    if parts[1] in _SHARED or parts[1] == part or _is_without_data(parts):
        return None
    return parts[1]


def _is_without_data(parts: list[str]) -> bool:
    """Whether a name is that of an exception, a constant or a pure function of another service's module."""
    last = parts[-1]
    return "exceptions" in parts or last.endswith(("Error", "Exception", "NotFound")) or last.isupper()


def _is_models(meaning: str) -> bool:
    return meaning.startswith("moto.") and "models" in meaning.split(".")


def main() -> int:
    """Print the places, of the services that are named or of all."""
    wanted = set(sys.argv[1:])
    for place, target in places():
        if not wanted or place.split(".")[1] in wanted:
            sys.stdout.write(f"{place}  {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
