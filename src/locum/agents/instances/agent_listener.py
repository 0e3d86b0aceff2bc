"""The application of the listener for agents: who has an instance's certificate is that instance, and no other.

The protocol of the connection (`core.activation`) says what is asked for, the certificate who asks. Nothing in a
request names an instance. Each request is admitted anew: a connection outlives no revocation.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import msgspec

from locum.agents.instances.activations import Activations, Refused
from locum.core.activation import (
    ACTIVATION_PATH,
    AGENT,
    AUTHORITY_PATH,
    GATEWAY,
    HOP_LIMIT,
    MAX_BODY,
    METADATA,
    METADATA_6,
    REFUSED,
    RENEWAL_PATH,
)
from locum.core.errors import Fault
from locum.core.http import HttpResponse
from locum.http import asgi
from locum.http.agent_certificates import Holder, holder
from locum.http.authority import der
from locum.state import Instance

App = Callable[[asgi.Scope, asgi.Receive, asgi.Send], Awaitable[None]]

_SLOW: Final = Fault("RequestTimeout", "The body did not come in time.", 408)


class Activation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request to ACTIVATION_PATH: a code, and a certification request in PEM."""

    code: str
    request: str


class AgentListener:
    """The ASGI application. `metadata` makes that of an instance's metadata service, `gateway` is that of the API."""

    def __init__(self, activations: Activations, metadata: Callable[[str, str, bool], App], gateway: App) -> None:
        self._activations = activations
        self._metadata = metadata
        self._gateway = gateway

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] != "http":
            return
        peer: asgi.TlsPeer = scope["state"]["tls"]
        try:
            if peer.protocol == AGENT:
                await asgi.write(scope, send, await self._own(peer, scope, receive))
            else:
                await self._serve(peer, scope, receive, send)
        except Refused as refused:
            await asgi.write(scope, send, _refusal(403, str(refused), final=refused.final))
        except Fault as fault:
            await asgi.write(scope, send, _refusal(fault.status, fault.message, final=False))
        except asgi.ClientGone:
            return

    async def _serve(
        self, peer: asgi.TlsPeer, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send
    ) -> None:  # fmt: skip
        """Have the application answer that the protocol names, for the instance that the certificate names."""
        found = _holder(peer)
        instance = await self._activations.admit(found, peer.admitted)
        peer.admitted = instance.agent.spent
        if found is not None and found.serial not in (instance.agent.certificate, instance.agent.renewal):
            send = _closing(scope, send)
        if peer.protocol == GATEWAY:
            scope["scheme"] = "http"  # as the client inside spoke it: aws:SecureTransport
            await self._gateway(scope, receive, send)
        elif peer.protocol in (METADATA, METADATA_6):
            app = self._metadata(instance.account, instance.id, peer.protocol == METADATA_6)
            await _with_hop_limit(app, scope, receive, send)
        else:
            raise Refused("a protocol that is none of an agent's")

    async def _own(self, peer: asgi.TlsPeer, scope: asgi.Scope, receive: asgi.Receive) -> HttpResponse:
        """The answer to a request of the agent itself."""
        asked = scope["method"], scope["path"]
        if asked == ("GET", AUTHORITY_PATH):
            return HttpResponse(200, [("content-type", "application/x-pem-file")], self._activations.authority)
        if asked == ("POST", ACTIVATION_PATH):
            given = _activation(await _body(scope, receive))
            return _issued(*await self._activations.enrol(given.code, given.request.encode(), scope["client"][0]))
        if asked == ("POST", RENEWAL_PATH):
            return _issued(*await self._activations.renew(_holder(peer)))
        return _refusal(404, "an agent asks for something else", final=True)


def _holder(peer: asgi.TlsPeer) -> Holder | None:
    return None if peer.certificate is None else holder(peer.certificate)


def _closing(scope: asgi.Scope, send: asgi.Send) -> asgi.Send:
    """Have the connection closed with the answer: the client's next one is made with the new certificate."""
    scope["state"].pop("answer", None)

    async def close(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return close


async def _with_hop_limit(app: App, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """Have `app` answer, and tell the agent the hop limit that it sets."""
    limit = 0

    def limit_hops(hops: int) -> None:
        nonlocal limit
        limit = hops

    async def tell(message: MutableMapping[str, Any]) -> None:
        if limit and message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (HOP_LIMIT, b"%d" % limit)]
        await send(message)

    await app({**scope, "state": {"limit_hops": limit_hops}}, receive, tell)


async def _body(scope: asgi.Scope, receive: asgi.Receive) -> bytes:
    """The body of a request. Raises Refused where it is too large, ClientGone, Fault."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise asgi.ClientGone
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            raise Refused(f"an agent's request has at most {MAX_BODY} octets")
        if more and scope["state"].get("timed_out"):
            raise _SLOW
    return body


def _activation(body: bytes) -> Activation:
    try:
        return msgspec.json.decode(body, type=Activation)
    except msgspec.DecodeError as error:  # its text would quote the code
        raise Refused("a request that is none: it has a code and a certification request") from error


def _issued(instance: Instance, certificate: bytes) -> HttpResponse:
    found = holder(der(certificate))
    assert found is not None
    answer = {
        "certificate": certificate.decode(),
        "ends": found.ends,
        "instance": instance.id,
        "region": instance.region,
    }
    return HttpResponse(200, [("content-type", "application/json")], json.dumps(answer).encode())


def _refusal(status: int, text: str, *, final: bool) -> HttpResponse:
    headers = [("content-type", "application/json"), ("connection", "close")]
    headers.append((REFUSED.decode(), "final" if final else "now"))
    return HttpResponse(status, headers, json.dumps({"error": text}).encode())
