"""Certificates that are issued when a client names a host: for AWS's hosts alone, and a bounded number of them."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import pytest

from locum.core.clock import system_clock
from locum.http.authority import new_authority
from locum.http.named_certificates import KEPT, NamedCertificates

NOW = system_clock()


class World:
    """A listener's certificates, and a clock."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now
        self.authority = new_authority(now)
        self.named = NamedCertificates(self.authority, lambda name: name.endswith(".aws.test"), lambda: self.now)
        self.context = self.named.context()

    def shown(self, name: str | None) -> Mapping[str, object]:
        """The certificate that a client is shown that asks for `name`. Raises ssl.SSLError where it is refused."""
        trusting = ssl.create_default_context(cadata=self.authority.certificate.decode())
        trusting.check_hostname = False
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting.wrap_bio(back, there, server_hostname=name)
        server = self.context.wrap_bio(there, back, server_side=True)
        for side in (client, server, client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
        return client.getpeercert() or {}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def names(certificate: Mapping[str, object]) -> object:
    return certificate["subjectAltName"]


@pytest.mark.parametrize("name", ["a.b.c.aws.test", "A.AWS.test", "old_bucket.aws.test", f"{'a' * 63}.aws.test"])
def test_a_host_is_shown_a_certificate_for_its_name(world: World, name: str) -> None:
    assert names(world.shown(name)) == (("DNS", name.lower()),)


def test_a_client_that_names_no_host_is_shown_this_one(world: World) -> None:
    assert names(world.shown(None)) == (("DNS", "localhost"), ("IP Address", "127.0.0.1"))


@pytest.mark.parametrize("name", ["example.org", "aws.test", "aws.test.example.org", "xn--jma.example"])
def test_no_other_host_gets_a_certificate(world: World, name: str) -> None:
    before = len(world.named)
    with pytest.raises(ssl.SSLError, match="CALLBACK_FAILED"):  # the listener's; the client gets an alert
        world.shown(name)
    assert len(world.named) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [b"a\x00b.aws.test", "\u202eabc.aws.test".encode(), b"\xff" * 12])
def test_a_name_that_is_none_ends_the_handshake(world: World, name: bytes) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    other = "x" * len(name)
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(back, there, server_hostname=other).do_handshake()
    hello = there.read().replace(other.encode(), name)
    there.write(hello)
    with pytest.raises(ssl.SSLError, match=r"CALLBACK_FAILED|BAD_EXTENSION"):
        world.context.wrap_bio(there, back, server_side=True).do_handshake()


def test_many_names_leave_a_bounded_number_of_certificates(world: World) -> None:
    for number in range(KEPT + 20):
        world.shown(f"b{number}.aws.test")
    assert len(world.named) == KEPT
    assert names(world.shown("b0.aws.test")) == (("DNS", "b0.aws.test"),)


def test_a_plane_that_runs_for_years_shows_no_outdated_certificate() -> None:
    world = World(NOW - 31 * 86_400)
    first = world.shown("a.aws.test")["serialNumber"]
    assert world.shown("a.aws.test")["serialNumber"] == first
    world.now = NOW
    assert world.shown("a.aws.test")["serialNumber"] != first
