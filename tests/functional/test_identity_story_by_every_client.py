"""The whole identity API, as boto3, both AWS CLIs and the AWS SDK for JavaScript see it: one story, told by each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from support.clients import CLIENTS, Player, player, tell, there
from support.identity_story import CHAPTERS
from support.issuer import Issuer
from support.plane import RunningPlane, allow, up


class Telling:
    """A client, the plane that it is told on, and what it remembers at the beginning of a chapter."""

    def __init__(self, plane: RunningPlane, client: Player) -> None:
        self.client = client
        self.admin = plane.user(allow("*"))[1]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            name,
            marks=[
                pytest.mark.xdist_group(f"story-{name}"),
                pytest.mark.skipif(not there(name), reason=f"no {name} on this machine"),
            ],
        )
        for name in CLIENTS
    ],
)
def telling(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Telling]:
    """Each client has a plane of its own: the names in the story are the same ones."""
    with ExitStack() as stack:
        plane = stack.enter_context(up(tmp_path_factory.mktemp("story")))
        yield Telling(plane, stack.enter_context(player(plane, request.param)))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_story_is_the_same_whoever_tells_it(telling: Telling, chapter: str) -> None:
    with Issuer().serving() as issuer:
        keeping: dict[str, Any] = {"admin": telling.admin, "issuer": issuer.url, "issuer_host": issuer.host}
        tell(telling.client, CHAPTERS[chapter], keeping)
    if chapter == "reports":
        assert keeping["rows"][:2] == ["user", "<root_account>"]
        assert "cy" not in keeping["rows"], "the report is of the moment when it was made"
