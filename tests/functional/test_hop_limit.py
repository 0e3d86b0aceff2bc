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


@pytest.mark.skipif(not networks_can_be_built(), reason="no network can be built here (unshare, nsenter, ip, veth)")
def test_a_container_behind_a_router_gets_a_token_at_two_hops_and_none_at_one() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    line = ["unshare", "--map-root-user", "--net", sys.executable, str(PROGRAM)]
    done = finished(line, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"1": "nothing", "2": "200", "3": "200"}
