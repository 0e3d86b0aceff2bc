"""The plane as an agent reaches it: over TLS, with the plane's name verified and the agent's certificate shown."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

import msgspec

from locum.compute.handover import PlaneAway
from locum.core.activation import (
    ACTIVATION_PATH,
    AGENT,
    AUTHORITY_PATH,
    MAX_BODY,
    REFUSED,
    RENEWAL_PATH,
    SERVER_NAME,
    ActivationCode,
)
from locum.core.errors import ConfigurationError, LocumError

PATIENCE: Final = 30.0
"""Seconds that the plane has for each step of an answer: a first set of credentials takes one at most."""

_MAX_ANSWER: Final = 1 << 20
"""Octets of an answer. The largest category of metadata is user data, 16 KiB of it."""
_IDLE: Final = 8
"""Connections that are kept for the next request."""


class AgentRefused(LocumError):
    """The plane refuses the agent. `final`: it will not be admitted any more."""

    def __init__(self, text: str, *, final: bool) -> None:
        super().__init__(text)
        self.final = final


class Address(NamedTuple):
    """The address of a plane's listener for agents."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse HOST:PORT, of IPv6 [HOST]:PORT. Raises ConfigurationError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
            raise ConfigurationError(f"{text!r} is no address of a plane: one reads like plane.example:4568")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))


class Answer(NamedTuple):
    """An HTTP answer: status, headers as they came, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Issued(msgspec.Struct, frozen=True):
    """The answer to an activation and to a renewal: see `core.activation`."""

    certificate: str
    ends: float
    instance: str
    region: str


class AgentPlane:
    """The plane at `address`. `authority` (PEM) is whom its certificate must be of.

    `identity` is the file with the agent's key and certificate; None before it has one. Threads may share it.
    """

    def __init__(self, address: Address, authority: str, identity: Path | None = None) -> None:
        self.address = address
        self._authority = authority
        self._identity = identity
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._idle: list[tuple[str, HTTPConnection]] = []
        self._lock = Lock()
        self._closed = False

    def context(self, protocol: str) -> ssl.SSLContext:
        """The context of connections for `protocol`. Raises ConfigurationError where the identity cannot be used."""
        if protocol not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which verifies certificate and name
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.set_alpn_protocols([protocol])
            try:
                context.load_verify_locations(cadata=self._authority)
                if self._identity is not None:
                    context.load_cert_chain(self._identity)
            except OSError as error:
                raise ConfigurationError(f"the identity of this agent cannot be used: {error}") from error
            self._contexts[protocol] = context
        return self._contexts[protocol]

    def ask(
        self, protocol: str, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:  # fmt: skip
        """The answer to a request. It must be one that may be made twice. Raises PlaneAway, AgentRefused."""
        while (idle := self._kept(protocol)) is not None:
            try:
                return self._exchange(protocol, idle, method, target, headers or {}, body)
            except PlaneAway:  # it was closed meanwhile
                continue
        connection = _Connection(self.address, self.context(protocol))
        return self._exchange(protocol, connection, method, target, headers or {}, body)

    def activate(self, code: ActivationCode, request: bytes) -> Issued:
        """Have a certificate issued for the key of a certification request. Raises PlaneAway, AgentRefused."""
        body = msgspec.json.encode({"code": str(code), "request": request.decode()})
        return self._issued(ACTIVATION_PATH, body)

    def renew(self) -> Issued:
        """Have a new certificate issued for the key of this one. Raises PlaneAway, AgentRefused."""
        return self._issued(RENEWAL_PATH, b"")

    def close(self) -> None:
        """Close the connections that are kept, and keep none any more."""
        with self._lock:
            self._closed = True
            for _, connection in self._idle:
                connection.close()
            self._idle.clear()

    def _issued(self, path: str, body: bytes) -> Issued:
        connection = _Connection(self.address, self.context(AGENT))
        answer = self._exchange(AGENT, connection, "POST", path, {}, body)
        try:
            return msgspec.json.decode(answer.body, type=Issued)
        except msgspec.DecodeError as error:
            raise PlaneAway(f"{self.address.host} does not answer as a plane does ({answer.status})") from error

    def _exchange(
        self,
        protocol: str,
        connection: HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        answer = _exchanged(connection, method, target, headers, body)
        with self._lock:
            if connection.sock is not None and not self._closed and len(self._idle) < _IDLE:
                self._idle.append((protocol, connection))
            else:
                connection.close()
        for name, value in answer.headers:
            if name.lower().encode() == REFUSED:
                raise AgentRefused(_text_of(answer.body), final=value == "final")
        return answer

    def _kept(self, protocol: str) -> HTTPConnection | None:
        """A connection for `protocol` that was used before, the latest; None where there is none."""
        with self._lock:
            for at in range(len(self._idle) - 1, -1, -1):
                if self._idle[at][0] == protocol:
                    return self._idle.pop(at)[1]
        return None


def authority_of(address: Address, code: ActivationCode) -> str:
    """The certificate of the plane's authority, in PEM, as the fingerprint in `code` has it.

    Nothing is told to whoever answers before that is verified. Raises PlaneAway, and ConfigurationError where the
    plane there is another.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # by the fingerprint, below
    context.set_alpn_protocols([AGENT])
    connection = _Connection(address, context)
    answer = _exchanged(connection, "GET", AUTHORITY_PATH, {}, b"")
    connection.close()
    try:
        text = answer.body[:MAX_BODY].decode("ascii")
        if code.is_of(ssl.PEM_cert_to_DER_cert(text)):
            return text
    except ValueError:
        pass
    raise ConfigurationError(f"what answers at {address.host}:{address.port} is not the plane that made the code")


class _Connection(HTTPConnection):
    """A connection over TLS, on which the plane has its name for agents, whatever its address is."""

    def __init__(self, address: Address, context: ssl.SSLContext) -> None:
        super().__init__(address.host, address.port, timeout=PATIENCE)
        self._context = context

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), PATIENCE)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock: Any = self._context.wrap_socket(plain, server_hostname=SERVER_NAME)
        except BaseException:
            plain.close()
            raise


def _exchanged(
    connection: HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Answer:  # fmt: skip
    """One request and its answer. Raises PlaneAway, with the connection closed."""
    given = {name.lower() for name in headers}
    try:
        connection.putrequest(method, target, skip_accept_encoding=True, skip_host="host" in given)
        for name, value in headers.items():
            connection.putheader(name, value)
        if (body or method == "POST") and "content-length" not in given:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        found = response.read(_MAX_ANSWER)
        if not response.isclosed():
            response.close()
            connection.close()
        return Answer(response.status, response.getheaders(), found)
    except (OSError, HTTPException, ValueError) as error:
        connection.close()
        where = f"{connection.host}:{connection.port}"
        raise PlaneAway(f"the plane at {where} does not answer: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The likely mistake, for whoever gave the address of another listener, or of none; else the text of `error`."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there: `locum up --agents` says the address for agents"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "what listens there speaks no TLS: `locum up --agents` says the address for agents"
    return str(error)


def _text_of(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["error"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "the plane refuses this agent"
