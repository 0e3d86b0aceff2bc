"""HttpPutResponseHopLimit, across real routers: how far the answer to a PUT gets."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from support.processes import finished

PROGRAM = Path(__file__).with_name("routed_program.py")
TOOLS = ("unshare", "nsenter", "ip")


def networks_can_be_built() -> bool:
    """Whether a user may build a network of namespaces on this machine."""
    if not all(map(shutil.which, TOOLS)):
        return False
    line = ["unshare", "--map-root-user", "--net", "ip", "link", "add", "ve0", "type", "veth", "peer", "name", "ve1"]
    return finished(line).returncode == 0


needs_networks = pytest.mark.skipif(
    not networks_can_be_built(), reason="no network can be built here (unshare, nsenter, ip, veth)"
)
EXPECTED = {"1": ["nothing", "nothing"], "2": ["200", "nothing"], "3": ["200", "200"]}
"""By hop limit, what a container behind one router gets and one behind two."""


def told(*arguments: str) -> dict[str, list[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line = ["unshare", "--map-root-user", "--net", sys.executable, str(PROGRAM), *arguments]
    done = finished(line, env=environment)
    assert done.returncode == 0, done.stderr
    answers: dict[str, list[str]] = json.loads(done.stdout)
    return answers


@pytest.mark.nightly
@needs_networks
def test_a_container_gets_a_token_at_as_many_hops_as_it_is_away_and_none_at_one_less() -> None:
    assert told() == EXPECTED


@pytest.mark.nightly
@needs_networks
def test_so_it_is_where_the_instance_is_one_by_an_agent(tmp_path: Path) -> None:
    assert told(str(tmp_path)) == EXPECTED
