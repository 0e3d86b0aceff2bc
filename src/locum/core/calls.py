"""Calls as values: a call of a caller, a call by a service, a verb's question, and an effect of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from locum.core.actors import Actor, ServiceRole
from locum.core.arn import Arn
from locum.core.principal import Caller
from locum.core.resources import Endpoint

_GLOBAL_STS: Final = "us-east-1"
"""The region of the global endpoint of STS."""


class Signing(NamedTuple):
    """The way in which a request was signed, in the terms of S3's condition keys.

    `mechanism` is s3:authType (`REST-HEADER`, `REST-QUERY-STRING`, `POST`), `algorithm` s3:signatureversion. `age` is
    s3:signatureAge in milliseconds, None for a request signed by header. `payload` is s3:x-amz-content-sha256 in a
    header where it stands for a payload that is not hashed (`UNSIGNED-PAYLOAD`), else empty.
    """

    mechanism: str = "REST-HEADER"
    algorithm: str = "AWS4-HMAC-SHA256"
    age: int | None = None
    payload: str = ""


BY_HEADER: Final = Signing()
"""The signing of a request in its Authorization header, with the hash of its payload."""


class Call(NamedTuple):
    """A call of an authenticated caller, with the properties of the request that condition keys refer to.

    `service` and `operation` are botocore's names, `params` the parsed input, `now` epoch seconds. `region` is the
    one the request was signed for. `source_ip` is empty where a service makes the call. `signing` is how the
    request was signed, if it was. `protocol` is the one it came over (`query`, `json` ...); where empty, the one that
    the service speaks first decides how a refusal is worded. `second_factor`: the caller showed one with this very
    call, and it was verified. `endpoint` is the VPC endpoint that it came through.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    caller: Caller
    region: str
    now: float
    source_ip: str = "127.0.0.1"
    secure: bool = False
    user_agent: str = ""
    referer: str = ""
    signing: Signing = BY_HEADER
    request_id: str = ""
    protocol: str = ""
    second_factor: bool = False
    endpoint: Endpoint | None = None


class ServiceCall(NamedTuple):
    """A call that a service makes. `service` and `operation` are botocore's names, `region` is the region called."""

    actor: Actor
    service: str
    operation: str
    params: Mapping[str, Any]
    region: str


def assume_role(actor: ServiceRole) -> ServiceCall:
    """The call by which a service assumes the role of `actor`, in the region of the resource that it acts for."""
    source = Arn.find(actor.source.arn)
    region = source.region if source is not None else ""
    params: dict[str, Any] = {"RoleArn": actor.role, "RoleSessionName": actor.session_name}
    if actor.tags:
        params["Tags"] = [{"Key": key, "Value": value} for key, value in actor.tags]
        params["TransitiveTagKeys"] = [key for key, _ in actor.tags]
    return ServiceCall(actor.assuming, "sts", "AssumeRole", params, region or _GLOBAL_STS)


Undo = Callable[[ServiceCall, Mapping[str, Any]], ServiceCall]
"""The call that takes a call back, made of it and its answer. A function of a module, so that it equals itself."""


class Ask(NamedTuple):
    """A call that changes nothing of Locum's and whose answer a verb needs; the verb yields it.

    A verb asks before it has any event. It is sent the answer, by the members of the output shape; where the call
    is refused, the Fault is raised where the verb yielded. An answer may be used again when the verb is run again.

    `of_backend`: it is answered by what the backend of the verb's own service has, also where the operation is
    Locum's own. So a service looks at its own data: no policy is asked, and nothing is recorded. `if_used`: where
    nothing was asked of the service in that backend yet, the answer is empty.

    `decided_only`: whether the actor may make the call, of whatever kind, is decided and recorded, and the call is not
    carried out: the verb does what it asks for. The answer is empty.

    `computes`: the call has a function compute the answer, and may be made again.

    `changes`: the call changes what the backend has (only `of_backend`). It is a verb's last ask, when nothing but the
    commit is left, and may be made again. `undo` is made where the verb is refused after all.

    `loose`: its parameters are yet to be fitted to the shapes of the service model (`wire.fitting`).
    """

    call: ServiceCall
    of_backend: bool = False
    if_used: bool = False
    decided_only: bool = False
    changes: bool = False
    computes: bool = False
    undo: Undo | None = None
    loose: bool = False


class Patience(NamedTuple):
    """The retry policy of a failing effect: the most retries (None: any number), and seconds until it is given up."""

    retries: int | None = None
    seconds: float = 86_400.0


USUAL_PATIENCE: Final = Patience()
"""[U] AWS does not publish how long most of its services retry."""


class Effect(NamedTuple):
    """A call that another call causes, committed with it and carried out afterwards, at least once, under one id.

    `id` is a UUID. Effects of one `lane` are carried out in the order of their commits, one after the other; those
    without one beside all others. `awaited`: the call that causes it is answered only once it was carried out, or
    refused for good. It is carried out `delay` seconds after its commit, at the earliest. `instead` is the call
    that is made where it is given up or refused.
    """

    id: str
    call: ServiceCall
    lane: str = ""
    awaited: bool = False
    delay: float = 0.0
    patience: Patience = USUAL_PATIENCE
    instead: ServiceCall | None = None
