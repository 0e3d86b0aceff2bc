"""What decisions depend on has former values."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import locum.authz
from locum.state.entities import Entity, Named
from locum.state.former import KEPT

MODULES = sorted(Path(locum.authz.__file__).parent.rglob("*.py"))
LOOKED_UP_BY = ("arns", "attachments", "devices", "organizations")
"""The modules of `locum.state` by which `locum.authz` finds entities."""


def named(path: Path) -> set[type[Entity]]:
    """The entities that a module imports by name."""
    found: set[type[Entity]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("locum.state"):
            module = importlib.import_module(node.module or "")
            names = (getattr(module, alias.name) for alias in node.names)
            found |= {it for it in names if isinstance(it, type) and issubclass(it, Entity)}
    return found - {Entity, Named}


def test_the_entities_that_authorization_reads_are_found() -> None:
    """The check below can fail: it sees what is imported."""
    names = {kind.__name__ for path in MODULES for kind in named(path)}
    assert {"PasswordPolicy", "Policy", "Role", "Trail", "User"} <= names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_what_authorization_reads_from_the_state_has_former_values(path: Path) -> None:
    assert named(path) <= set(KEPT)


@pytest.mark.parametrize("name", LOOKED_UP_BY)
def test_what_is_looked_up_for_authorization_has_former_values(name: str) -> None:
    path = Path(importlib.import_module(f"locum.state.{name}").__file__ or "")
    assert named(path) <= set(KEPT)
