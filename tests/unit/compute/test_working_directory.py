"""A command that is started in a hidden directory does not see it through its working directory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from locum.compute.inside import hide_all
from locum.compute.namespace import NamespaceUnavailable, enter_new

_UNAVAILABLE = 77


def _in_namespaces(question: Callable[[], bool]) -> bool:
    """The answer to `question` in a child with namespaces of its own."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            enter_new()
            code = 0 if question() else 1
        except NamespaceUnavailable:
            code = _UNAVAILABLE
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == _UNAVAILABLE:
        pytest.skip("no namespaces for an unprivileged process here")
    return code == 0


@pytest.mark.parametrize("below", [".", "deeper"])
def test_a_hidden_directory_is_hidden_from_who_stands_in_it(tmp_path: Path, below: str) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / below / "credentials").write_text("secret")

    def question() -> bool:
        os.chdir(tmp_path / below)
        hide_all([tmp_path])
        return not Path("credentials").exists() and not Path("..", "credentials").exists()

    assert _in_namespaces(question)
