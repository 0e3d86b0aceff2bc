"""The metadata service of an instance, on a socket of its own.

    PUT /latest/api/token      400 without a proper time to live, 403 with X-Forwarded-For or a disabled endpoint
    GET /latest/api/token      405, as any other method but PUT there, and any but GET and HEAD elsewhere
    GET with a token           401 where the token is not this instance's or has expired
    GET without a token        401 where HttpTokens is `required`
    any request                429 where the instance asks more often than it may

EC2 User Guide, "How Instance Metadata Service Version 2 works". The instance is determined by the socket, and by
nothing in the request.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, Protocol

from locum.core.clock import Entropy, Instant, MovableClock
from locum.core.errors import Fault
from locum.core.principal import Caller, principal_of
from locum.credentials import KeyRing, open_session
from locum.http.asgi import Receive, Scope, Send, send_whole
from locum.imds import identity_role, tree
from locum.imds.credentials import RoleCredentials
from locum.imds.devices import block_devices
from locum.imds.held import Backend, is_bare
from locum.imds.identity_document import IdentityDocuments
from locum.imds.identity_role import IdentityRole
from locum.imds.network import network
from locum.imds.throttle import Throttle
from locum.imds.tokens import MAX_TTL, MIN_TTL, TokenMint
from locum.imds.versions import IAM_SINCE, VERSIONS, categories_of
from locum.state import Instance, State

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log: Final = logging.getLogger("locum.imds")

TOKEN: Final = b"x-aws-ec2-metadata-token"
TOKEN_TTL: Final = b"x-aws-ec2-metadata-token-ttl-seconds"
_SESSION_PATH: Final = "/latest/api/token"
_CACHE_SIZE: Final = 4096
"""The number of trees at which those of former instances are dropped."""
_ERRORS: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Answer(NamedTuple):
    """A response; `ttl` and `hop_limit` are for a PUT (hop limit 0: the system's default)."""

    status: int
    content_type: bytes
    body: bytes
    ttl: bytes = b""
    hop_limit: int = 0


class Faults(Protocol):
    """The faults on request (`calls.injections.Injections`)."""

    @property
    def some(self) -> bool:
        """Whether there is one."""

    async def meet_metadata(self, instance: str, entropy: Entropy) -> int:
        """Wait as long as the answer to a request from inside `instance` is delayed; the status of its error, or 0."""


class MetadataService:
    """The metadata service of all instances. `app` makes the ASGI application of one of them."""

    def __init__(
        self,
        view: Callable[[], State],
        keyring: KeyRing,
        clock: MovableClock,
        entropy: Entropy,
        credentials: RoleCredentials,
        backend: Backend | None = None,
        documents: IdentityDocuments | None = None,
        throttle: Throttle | None = None,
        faults: Faults | None = None,
    ) -> None:
        """`backend` answers for what only it knows, `documents` has the key that signs identity documents.

        `view` raises Fault where there is no state to answer on. Without a `throttle`, an instance may ask as often as
        it likes. `faults` are those on request. `answered` are the requests from inside instances, by the status of
        their responses.
        """
        self.answered: dict[int, int] = {}
        self._view = view
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy
        self._tokens = TokenMint(keyring)
        self._credentials = credentials
        self._identity = IdentityRole(keyring, entropy)
        self._backend = backend or Backend(None)
        self._throttle = throttle
        self._faults = faults
        self._documents = documents or IdentityDocuments(None)
        self._trees: dict[str, tuple[Instance, float, tree.Tree]] = {}

    def app(self, account: str, instance: str, ipv6: bool = False) -> App:
        """Make the application for the socket of `instance`, or for its socket of IPv6.

        EC2 User Guide, "Configure the Instance Metadata Service options": the IPv6 endpoint is disabled by default.
        """

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return
            answer = await self._answer_or_error(account, instance, scope, ipv6=ipv6)
            self.answered[answer.status] = self.answered.get(answer.status, 0) + 1
            await _send(scope, send, answer)

        return serve

    def _has_ipv6(self, account: str, instance: str) -> bool:
        found = self._view().get(Instance, account, instance)
        return found is not None and found.metadata.protocol_ipv6 == "enabled"

    async def _answer_or_error(self, account: str, instance: str, scope: Scope, *, ipv6: bool) -> Answer:
        try:
            if ipv6 and not self._has_ipv6(account, instance):
                return error(403)
            return await self.answer(account, instance, scope["method"], scope["path"], dict(scope["headers"]))
        except Fault as fault:  # credentials that cannot be recorded are not delivered, nor anything of an old state
            return error(fault.status if fault.status in _ERRORS else 500)
        except Exception:  # the fault barrier: no internals in the response
            _log.exception("a metadata request of %s failed", instance)
            return error(500)

    async def caller(self, instance: Instance) -> Caller | None:
        """The session that `instance` has from here, for an agent of AWS's inside; None where it has none."""
        made = await self._credentials.current(self._view(), instance, self._clock.instant())
        if made is None:
            return None
        session, _ = open_session(self._keyring, made.access_key_id, made.session_token)
        return Caller(principal_of(session), made.access_key_id, session)

    async def answer(
        self, account: str, instance_id: str, method: str, path: str, headers: Mapping[bytes, bytes]
    ) -> Answer:
        """The response to a request from inside `instance_id`."""
        faults = self._faults
        if faults is not None and faults.some and (status := await faults.meet_metadata(instance_id, self._entropy)):
            return error(status)
        at = self._clock.instant()
        state = self._view()
        instance = state.get(Instance, account, instance_id)
        if instance is None or instance.state not in ("pending", "running"):
            return error(503)
        if instance.metadata.endpoint == "disabled":
            return error(403)
        if self._throttle is not None and not self._throttle.admits(instance_id, at.wall):
            return error(429)
        if method == "PUT":
            return self._new_token(instance, path, headers, at.now)
        if method not in ("GET", "HEAD") or path.rstrip("/") == _SESSION_PATH:
            return error(405)
        token = headers.get(TOKEN)
        if token is None:
            if instance.metadata.tokens == "required":
                return error(401)
        elif not self._tokens.valid(instance_id, token.decode("latin-1"), at.now):
            return error(401)
        return await self._read(state, instance, path, at, "1.0" if token is None else "2.0")

    def _new_token(self, instance: Instance, path: str, headers: Mapping[bytes, bytes], now: float) -> Answer:
        if path.rstrip("/") != _SESSION_PATH:
            return error(405)
        if b"x-forwarded-for" in headers:
            return error(403)
        ttl = _seconds(headers.get(TOKEN_TTL, b""))
        if not MIN_TTL <= ttl <= MAX_TTL:
            return error(400)
        token = self._tokens.mint(instance.id, ttl, now, self._entropy)
        return Answer(200, b"text/plain", token.encode(), b"%d" % ttl, instance.metadata.hop_limit)

    async def _read(self, state: State, instance: Instance, path: str, at: Instant, version: str) -> Answer:
        head, _, rest = path.lstrip("/").partition("/")
        if not head:
            return text("\n".join(VERSIONS))
        if head not in VERSIONS:
            return error(404)
        section, _, inner = rest.partition("/")
        if section == "meta-data":
            return await self._metadata(state, instance, head, inner, at, version)
        if section == "dynamic":
            return await self._dynamic(instance, inner)
        if section == "user-data" and not inner.strip("/"):
            body = instance.user_data
            return Answer(200, b"application/octet-stream", body) if body else error(404)
        if not section:
            return text("dynamic\nmeta-data" + ("\nuser-data" if instance.user_data else ""))
        return error(404)

    async def _metadata(
        self, state: State, instance: Instance, build: str, path: str, at: Instant, version: str
    ) -> Answer:  # fmt: skip
        """The category `path`, as the version `build` of the metadata has it, read with IMDS of `version`."""
        role = path.removeprefix("iam/security-credentials/").rstrip("/")
        if role and path.startswith("iam/security-credentials/") and build >= IAM_SINCE:
            return _found(await self._credentials.document(state, instance, role, at, version))
        category = path.partition("/")[0]
        leaves = self._leaves(state, instance, at)
        if category in tree.OF_BACKEND or not category:
            held = await self._backend.held(instance, at.wall, if_used=not category and is_bare(instance))
            leaves = {**leaves, **network(instance, held), **block_devices(instance, held)}
        if category in ("iam", ""):
            leaves = {**leaves, **self._credentials.leaves(state, instance, at, version)}
        leaves = categories_of(build, leaves)
        bare = path.rstrip("/")
        if bare in leaves and leaves[bare] is None:
            return _found(await self._made(instance, bare, at))
        return _found(tree.lookup(leaves, path))

    async def _made(self, instance: Instance, path: str, at: Instant) -> str | None:
        """The text of a leaf that is made when it is read."""
        if path == identity_role.CREDENTIALS:
            return self._identity.credentials(instance, at)
        return await self._backend.public_key(instance, at.wall)

    async def _dynamic(self, instance: Instance, path: str) -> Answer:
        """EC2 User Guide, "Dynamic data categories"."""
        folder, _, name = path.rstrip("/").partition("/")
        if folder == "instance-identity" and name:
            return _found(await self._documents.read(instance, name))
        monitored = bool((instance.attributes.get("Monitoring") or {}).get("Enabled"))
        leaves = {"fws/instance-monitoring": "enabled" if monitored else "disabled"}
        listed = {f"instance-identity/{each}": "" for each in self._documents.listed()}
        return _found(tree.lookup({**leaves, **listed}, path))

    def _leaves(self, state: State, instance: Instance, at: Instant) -> tree.Tree:
        """The tree of `instance`, cached while the instance is the identical value and the clock is not moved."""
        cached = self._trees.get(instance.id)
        if cached is None or cached[0] is not instance or cached[1] != at.ahead:
            if len(self._trees) >= _CACHE_SIZE:
                entries = self._trees.items()
                self._trees = {k: v for k, v in entries if state.get(Instance, v[0].account, k) is v[0]}
            cached = self._trees[instance.id] = (instance, at.ahead, tree.leaves(instance, at))
        return cached[2]


def _seconds(text: bytes) -> int:
    """Parse a time to live in seconds; 0 where it is invalid."""
    return int(text) if text.isdigit() and len(text) <= len(str(MAX_TTL)) else 0


def text(body: str) -> Answer:
    """The response with a listing or a leaf."""
    return Answer(200, b"text/plain", body.encode())


def error(status: int) -> Answer:
    """An error response with an XHTML page, as on EC2."""
    title = f"{status} - {_ERRORS[status]}"
    page = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"\n'
        '\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
        f" <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
    )
    return Answer(status, b"text/html", page.encode())


def _found(body: str | None) -> Answer:
    return error(404) if body is None else text(body)


async def _send(scope: Scope, send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"server", b"EC2ws"),
    ]
    if answer.ttl:
        headers.append((TOKEN_TTL, answer.ttl))
    body = b"" if scope["method"] == "HEAD" else answer.body
    connection = scope.get("state") or {}  # see `http.uvicorn_protocol.HopLimitProtocol`
    if "limit_hops" in connection:
        connection["limit_hops"](answer.hop_limit)
    await send_whole(scope, send, answer.status, headers, body)
