"""The progress is one document, of which each lab writes its own part."""

from __future__ import annotations

import json

import pytest

from locum.core.errors import ConfigurationError
from locum.labs.progress import Progress
from support.labs import Memory


@pytest.mark.parametrize("content", [b"{", b"[]", b"7", b'{"boundary": 7}', b'{"boundary": {"unheard": 1}}', b"\xff"])
def test_what_is_no_progress_is_refused_and_left_as_it_is(content: bytes) -> None:
    store = Memory()
    store.content = content
    with pytest.raises(ConfigurationError, match="remove it to begin anew"):
        Progress(store)
    assert store.content == content


def test_what_another_one_has_written_meanwhile_is_kept() -> None:
    store = Memory()
    mine, other = Progress(store), Progress(store)
    mine.of("boundary").state = "started"
    mine.keep("boundary")
    other.of("pass-role").state = "started"
    other.keep("pass-role")
    assert {lab: row["state"] for lab, row in json.loads(store.content).items()} == {
        "boundary": "started",
        "pass-role": "started",
    }


def test_a_lab_that_one_knows_nothing_of_any_more_is_not_written() -> None:
    store = Memory()
    progress = Progress(store)
    progress.of("boundary").hints = 1
    progress.keep("boundary")
    progress.of("boundary").hints = 0
    progress.keep("boundary")
    assert json.loads(store.content) == {}
