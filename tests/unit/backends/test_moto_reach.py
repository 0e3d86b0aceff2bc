"""Every place in moto where a service reaches beyond itself has a line in the table, with a decision and a test."""

from __future__ import annotations

import ast
import importlib.util
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from locum.backends.moto import reach

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "tests/unit"


@cache
def tool() -> ModuleType:
    """tools/moto_reach.py."""
    spec = importlib.util.spec_from_file_location("moto_reach", ROOT / "tools/moto_reach.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed() -> set[tuple[str, str]]:
    return {(place.name, reached) for place in reach.table() for reached in place.reaches}


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((UNIT / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_place_of_moto_reaches_out_without_a_line_in_the_table() -> None:
    assert sorted(set(tool().places()) - listed()) == []


def test_no_line_of_the_table_is_about_a_place_that_is_gone() -> None:
    assert sorted(listed() - set(tool().places()) - set(_beyond_the_source())) == []


def _beyond_the_source() -> Iterator[tuple[str, str]]:
    """What is reached by a name that is a value (`get_backend(service)`), and is in the table beside the source's."""
    return ((place.name, one) for place in reach.table() for one in place.reaches if reach.EVERY in place.reaches)


def test_a_place_is_in_the_table_once() -> None:
    assert [name for name, count in Counter(place.name for place in reach.table()).items() if count > 1] == []


@pytest.mark.parametrize("place", reach.table(), ids=lambda place: place.name)
def test_a_line_has_a_decision_with_a_reason_and_a_test(place: reach.Place) -> None:
    assert place.decision in {reach.HARMLESS, reach.MEDIATED, reach.REFUSED}
    assert place.why
    file, _, test = place.test.partition("::")
    assert test in names_in(file)


def test_a_new_release_of_moto_with_a_new_place_fails(tmp_path: Path) -> None:
    models = tmp_path / "moto/sqs/models.py"
    models.parent.mkdir(parents=True)
    models.write_text(
        "import requests\n"
        "from moto.s3.models import s3_backends\n"
        "class Queue:\n"
        "    def archive(self):\n"
        "        s3_backends[self.account_id]['aws'].put_object('b', 'k', b'')\n"
        "    def post(self, url):\n"
        "        requests.post(url)\n"
        "    def elsewhere(self, owner):\n"
        "        return sqs_backends[owner]\n"
        "    def here(self):\n"
        "        return sqs_backends[self.account_id]\n"
    )
    found = set(tool().places(tmp_path / "moto"))
    assert found == {
        ("moto.sqs.models.Queue.archive", "s3"),
        ("moto.sqs.models.Queue.elsewhere", "accounts"),
        ("moto.sqs.models.Queue.post", "network"),
    }
    assert found.isdisjoint(listed())
