"""Two nodes over one journal: a refusal is answered on a state that is current, however late a node follows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from locum.audit import History
from locum.backends import BackendCall
from locum.calls import Backends, Calls, OwnService, Recorder, Runtime
from locum.core.actors import service_principal
from locum.core.calls import ServiceCall
from locum.core.clock import MovableClock
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.credentials import KeyRing
from locum.services import iam
from locum.services.verbs import DEFAULTS
from locum.store import Ledger
from locum.store.memory import MemoryJournal
from support.backends import Doing
from support.one_account import ACCOUNT, NOW, Entropy


def unanswered(_call: BackendCall) -> HttpResponse:
    """A backend that may have carried the call out: nobody knows."""
    raise Fault("ServiceUnavailable", "The backend did not answer.", 503)


class Nodes:
    """Two nodes, neither of which follows the other: each knows what it wrote itself."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self.backend = Doing(unanswered)
        first = MemoryJournal(shared=True)
        ring = KeyRing.generate(Entropy())
        self.ledgers = [Ledger.open(journal, lambda: NOW) for journal in (first, first.another())]
        self.calls = [self._calls(ledger, ring) for ledger in self.ledgers]

    def _calls(self, ledger: Ledger, ring: KeyRing) -> Calls:
        journal = cast("Any", ledger)._journal
        runtime = Runtime(
            ledger=ledger,
            history=History(journal),
            usage=journal,
            keyring=ring,
            clock=MovableClock(lambda: NOW),
            entropy=Entropy(),
            settings=DEFAULTS,
            services={"iam": OwnService(iam.OPERATIONS, lambda _operation, _params: True)},
            backends=Backends(self.backend, {}),
        )
        return Calls(runtime, Recorder(ledger, Entropy(), "enforce"))

    def publish(self, node: int) -> None:
        topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:told"
        caller = service_principal("sns.amazonaws.com", ACCOUNT, topic)
        call = ServiceCall(caller, "sns", "Publish", {"TopicArn": topic, "Message": "hello"}, "us-east-1")
        self._runner.run(self.calls[node].make(call))

    def make(self, node: int, operation: str, **params: Any) -> dict[str, Any]:
        caller = service_principal("iam.amazonaws.com", ACCOUNT)
        return self._runner.run(self.calls[node].make(ServiceCall(caller, "iam", operation, params, "us-east-1")))

    def close(self) -> None:
        for ledger in self.ledgers:
            self._runner.run(ledger.close())
        self._runner.close()


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    made = Nodes()
    yield made
    made.close()


def test_what_another_node_has_made_is_not_refused_as_missing(nodes: Nodes) -> None:
    nodes.make(0, "CreateUser", UserName="ann")
    assert nodes.ledgers[1].state.sequence == 0
    assert nodes.make(1, "GetUser", UserName="ann")["User"]["UserName"] == "ann"


def test_what_another_node_has_taken_away_is_refused_once_this_one_knows(nodes: Nodes) -> None:
    nodes.make(0, "CreateUser", UserName="ann")
    nodes.make(1, "GetUser", UserName="ann")
    nodes.make(0, "DeleteUser", UserName="ann")
    nodes.make(1, "CreateUser", UserName="ann")  # refused on what it knew: the name would be taken
    with pytest.raises(Fault, match="EntityAlreadyExists"):
        nodes.make(0, "CreateUser", UserName="ann")


def test_what_is_refused_on_a_current_state_is_refused(nodes: Nodes) -> None:
    nodes.make(0, "CreateUser", UserName="ann")
    with pytest.raises(Fault, match="NoSuchEntity"):
        nodes.make(1, "GetUser", UserName="bob")


def test_what_a_backend_may_have_carried_out_is_not_made_again_on_a_newer_state(nodes: Nodes) -> None:
    nodes.make(0, "CreateUser", UserName="ann")
    with pytest.raises(Fault, match="ServiceUnavailable"):
        nodes.publish(1)
    assert nodes.ledgers[1].state.sequence == 0
    assert len(nodes.backend.calls) == 1
