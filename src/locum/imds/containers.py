"""The endpoints where a task of ECS and a pod of EKS find the credentials of their role.

    task   169.254.170.2    GET /v2/credentials/UUID              ECS Developer Guide, "Task IAM role"
                            GET /v4/ID, /v4/ID/task, /v4/ID/taskWithTags          "Task metadata endpoint version 4"
    pod    169.254.170.23   GET /v1/credentials                   EKS User Guide, "EKS Pod Identity Agent"

The carrier is determined by the socket. Beside that the task has to name its credentials (and to show its token, where
it has one), and the pod to show the token of its service account. Nothing else in a request is looked at but, of a pod,
the host that it was sent to. Errors are worded as by amazon-ecs-agent and eks-pod-identity-agent.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.carriers import TOKENS, Carrier, Kind
from locum.core.clock import Instant, MovableClock, iso8601
from locum.core.errors import Fault
from locum.credentials import webtokens
from locum.http.asgi import Receive, Scope, Send, send_whole

Assumed = Callable[[Carrier], Awaitable[Mapping[str, Any]]]
"""The `Credentials` of the carrier's role, as STS answers them. Raises Fault AccessDenied where none may be had."""
Claims = Callable[[str], Mapping[str, Any]]
"""The claims of a token that the cluster's key signed. Blocks. Raises BadToken or BadKeys for any other."""

POD_HOSTS: Final = ("169.254.170.23", "fd00:ec2::23")

_LOOPBACK: Final = ("127.0.0.1", "localhost")
_JSON: Final = b"application/json"
_TEXT: Final = b"text/plain; charset=utf-8"
_V2: Final = "CredentialsV2Request: "
_log: Final = logging.getLogger("locum.imds")


class Answer(NamedTuple):
    """A response."""

    status: int
    body: str
    content_type: bytes = _JSON


class Request(NamedTuple):
    """A request as an endpoint reads it: header names in lower case, `repeated` those that came more than once."""

    method: str
    path: str
    headers: Mapping[str, str]
    repeated: frozenset[str] = frozenset()


class ContainerEndpoints:
    """The endpoints of all tasks and pods. `app` makes the ASGI application of one; `clock` is that of their tokens."""

    def __init__(self, assumed: Assumed, claims: Claims, clock: MovableClock) -> None:
        self._assumed = assumed
        self._claims = claims
        self._clock = clock

    def app(self, carrier: Carrier) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Make the application for the socket of `carrier`."""
        answer = self.task if carrier.kind is Kind.ECS else self.pod

        async def serve(scope: Scope, _receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            try:
                found = await answer(carrier, _request(scope))
            except Fault as fault:  # credentials that cannot be recorded are not delivered
                found = Answer(max(fault.status, 500), "Internal server error", _TEXT)
            except Exception:  # the fault barrier: no internals in the response
                _log.exception("a request of %r failed", carrier)
                found = Answer(500, "Internal server error", _TEXT)
            await _send(scope, send, found)

        return serve

    # -- ECS ---------------------------------------------------------------------------------------------

    async def task(self, carrier: Carrier, request: Request) -> Answer:
        """The answer to a request of a task."""
        if request.method not in ("GET", "HEAD"):
            return Answer(405, "", _TEXT)
        if request.path.rstrip("/") == "/v2/credentials":
            return _task_error(400, "NoIdInRequest", f"{_V2}No Credential ID in the request")
        if request.path.startswith("/v2/credentials/"):
            return await self._task_credentials(carrier, request)
        known = _task_metadata(carrier)
        if request.path.rstrip("/") in known:
            return Answer(200, json.dumps(known[request.path.rstrip("/")]))
        return Answer(404, "404 page not found\n", _TEXT)

    async def _task_credentials(self, carrier: Carrier, request: Request) -> Answer:
        named = _same(request.path.removeprefix("/v2/credentials/"), carrier.secret)
        shown = not carrier.authorization or _same(_authorization(request), carrier.authorization)
        if not (named and shown):
            return _task_error(400, "InvalidIdInRequest", f"{_V2}Credentials not found")
        try:
            credentials = await self._assumed(carrier)
        except Fault as fault:
            if fault.status >= 500:
                raise
            return _task_error(400, "NoCredentialsAssociated", _V2 + carrier.unassumable)
        return Answer(200, json.dumps({"RoleArn": carrier.role, **_shown(credentials, self._clock.instant())}))

    # -- EKS ---------------------------------------------------------------------------------------------

    async def pod(self, carrier: Carrier, request: Request) -> Answer:
        """The answer to a request of a pod."""
        if request.path != "/v1/credentials":
            return Answer(404, "404 page not found\n", _TEXT)
        host = _host(request.headers.get("host", ""))
        if host not in (*POD_HOSTS, *_LOOPBACK):
            hosts = f"[{' '.join(POD_HOSTS)}]"
            text = f"Access Denied. Called agent through invalid address, please use either {hosts} address not {host}"
            return Answer(403, text + "\n", _TEXT)
        refusal = await asyncio.to_thread(self._token_refusal, carrier, _authorization(request))  # the key may be far
        if refusal is not None:
            return refusal
        try:
            credentials = await self._assumed(carrier)
        except Fault as fault:
            if fault.status >= 500:
                raise
            return _pod_error("AccessDeniedException", carrier.unassumable)
        return Answer(200, json.dumps({**_shown(credentials, self._clock.instant()), "AccountId": carrier.account}))

    def _token_refusal(self, carrier: Carrier, text: str) -> Answer | None:
        """The refusal of a token that is not this pod's; None where it is. Nothing of it counts before its signature.

        Kubernetes, TokenReview: signature, issuer, time, audience, and the objects that the token is bound to.
        """
        if not text:
            return Answer(400, "Service account token cannot be empty\n", _TEXT)
        try:
            claims = self._claims(text)
        except (webtokens.BadToken, webtokens.BadKeys):
            return _pod_error("InvalidTokenException", "The token included in the request is invalid.")
        now, pod = self._clock.wall(), (claims.get("kubernetes.io") or {}).get("pod") or {}
        expected = carrier.issuer, carrier.subject, carrier.id, [TOKENS[Kind.POD].audience]
        if (claims.get("iss"), claims.get("sub"), pod.get("uid"), claims.get("aud")) != expected:
            return _pod_error("InvalidTokenException", "The token included in the request is invalid.")
        if not claims["nbf"] <= now < claims["exp"]:
            return _pod_error("ExpiredTokenException", "The token included in the request is expired.")
        return None


def _task_metadata(carrier: Carrier) -> dict[str, Any]:
    """The documents of the task metadata endpoint, by path: of what is known here, and nothing that is made up."""
    container = {
        "DockerId": carrier.id,
        "Name": carrier.name,
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Type": "NORMAL",
        "Labels": {
            "com.amazonaws.ecs.cluster": carrier.cluster,
            "com.amazonaws.ecs.container-name": carrier.name,
            "com.amazonaws.ecs.task-arn": carrier.arn,
        },
    }
    task = {
        "Cluster": carrier.cluster,
        "TaskARN": carrier.arn,
        "Family": carrier.name,
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "AvailabilityZone": f"{carrier.region}a",
        "Containers": [container],
    }
    root = f"/v4/{carrier.id}"
    return {root: container, f"{root}/task": task, f"{root}/taskWithTags": {**task, "TaskTags": {}}}


def _shown(credentials: Mapping[str, Any], at: Instant) -> dict[str, str]:
    """Credentials as endpoints deliver them at `at`: their end by the clock of the client, whose SDK acts on it."""
    return {
        "AccessKeyId": credentials["AccessKeyId"],
        "SecretAccessKey": credentials["SecretAccessKey"],
        "Token": credentials["SessionToken"],
        "Expiration": iso8601(at.told(credentials["Expiration"])),
    }


def _task_error(status: int, code: str, message: str) -> Answer:
    return Answer(status, json.dumps({"code": code, "message": message, "HTTPErrorCode": status}))


def _pod_error(code: str, message: str) -> Answer:
    return Answer(400, f"({code}): {message}, fault: client\n", _TEXT)


def _authorization(request: Request) -> str:
    """The token of a request; empty where it has none, or more than one."""
    return "" if "authorization" in request.repeated else request.headers.get("authorization", "").strip()


def _same(given: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _host(text: str) -> str:
    """The host of a Host header, without port and brackets."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def _request(scope: Scope) -> Request:
    names = [name.decode("latin-1").lower() for name, _ in scope["headers"]]
    values = [value.decode("latin-1") for _, value in scope["headers"]]
    repeated = frozenset(name for name in names if names.count(name) > 1)
    return Request(scope["method"], scope["path"], dict(zip(names, values, strict=True)), repeated)


async def _send(scope: Scope, send: Send, answer: Answer) -> None:
    body = answer.body.encode()
    headers = [(b"content-type", answer.content_type), (b"content-length", b"%d" % len(body))]
    await send_whole(scope, send, answer.status, headers, b"" if scope["method"] == "HEAD" else body)
