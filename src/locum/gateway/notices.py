"""IAM's messages to SNS topics, once what they tell of is on the disk.

IAM User Guide, "SNS Topic Configuration": the topic's policy must let the service principal iam.amazonaws.com publish.
"If the topic policy is not correctly configured, you will not receive state change notifications or the exchange
token." The call that was told of has happened either way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

from locum import authz, wire
from locum.backends import BackendCall
from locum.core.arn import Arn
from locum.core.errors import Fault
from locum.core.http import HttpRequest
from locum.core.principal import Caller, Principal
from locum.gateway.plane import Plane
from locum.services.verbs import Notice

IAM: Final = Caller(Principal.service("iam.amazonaws.com"))

_log: Final = logging.getLogger("locum.gateway")
_FORM: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "sns.amazonaws.com"}


async def publish(plane: Plane, notices: Iterable[Notice], now: float) -> None:
    """Send `notices`, in order. One that a topic does not take is dropped."""
    for notice in notices:
        try:
            await _publish(plane, notice, now)
        except Fault as fault:
            _log.info("no notice to %s: %s", notice.topic, fault.code)


async def _publish(plane: Plane, notice: Notice, now: float) -> None:
    """Raises Fault where the topic's policy does not let IAM publish, or there is no such topic."""
    topic = Arn.parse(notice.topic)
    fields = {"Action": "Publish", "Version": "2010-03-31", "TopicArn": notice.topic, "Message": notice.message}
    request = HttpRequest("POST", "/", "", _FORM, urlencode(fields).encode())
    codec = wire.resolve(request, "sns")
    params = codec.parse(request, request.body)
    state, backend = plane.ledger.state, plane.backends.of("sns")
    facts = await backend.facts("sns", notice.topic, topic.account, topic.region)
    call = authz.Call("sns", "Publish", params, IAM, topic.region, now)
    verdict = authz.decide(state, call, authz.plan(state, call), lambda _arn: facts)
    if not verdict.allowed:
        raise verdict.fault()
    answer = await backend.call(BackendCall(codec, topic.account, topic.region, request, request.body, params))
    if answer.status >= 300:
        raise Fault("DeliveryFailed", f"The topic answered {answer.status}.", answer.status)
