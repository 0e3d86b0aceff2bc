"""Calls of IAM and STS, signed and sent once: an answer, a refusal, or nobody knows."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode
from xml.sax.saxutils import unescape

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.plane import REGION, Key

IAM: Final = "iam"
STS: Final = "sts"
_VERSIONS: Final = {IAM: "2010-05-08", STS: "2011-06-15"}
_CODE: Final = re.compile(r"<Code>([^<]+)</Code>")
PATIENCE: Final = 6.0
"""Seconds after which a client gives an answer up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call. `status` is 0 where no answer came; times are of this machine's monotonic clock."""

    action: str
    subject: str
    endpoint: str
    start: float
    end: float
    status: int = 0
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether it was done, by the word of who answered."""
        return self.status == 200

    @property
    def lost(self) -> bool:
        """Whether nobody knows if it was done: no answer came, or one that says that the server could not."""
        return self.status == 0 or self.status >= 500

    @property
    def code(self) -> str:
        """The error code of a refusal."""
        found = _CODE.search(self.body)
        return found[1] if found else ""

    @property
    def request_id(self) -> str:
        """As the answer tells it."""
        return self.headers.get("x-amzn-requestid", "")

    def member(self, name: str) -> str:
        """The text of the first element with this name."""
        found = re.search(rf"<{name}>(.*?)</{name}>", self.body, re.DOTALL)
        assert found, self.body
        return unescape(found[1])


class Client:
    """Sends calls. For any number of threads."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(
            maxsize=32, timeout=urllib3.Timeout(connect=2.0, read=PATIENCE), retries=False, headers={}
        )

    def call(
        self,
        endpoint: str,
        key: Key,
        service: str,
        action: str,
        subject: str,
        parameters: Mapping[str, str],
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """Make the call `action` at `endpoint`, which is about `subject`."""
        request = _signed(endpoint, key, service, {"Action": action, **parameters}, headers)
        start = time.monotonic()
        try:
            told = self._pool.request("POST", endpoint + "/", body=request.body, headers=dict(request.headers.items()))
        except urllib3.exceptions.HTTPError:
            return Answer(action, subject, endpoint, start, time.monotonic())
        end, found = time.monotonic(), {name.lower(): value for name, value in told.headers.items()}
        return Answer(action, subject, endpoint, start, end, told.status, told.data.decode(), found)


def _signed(
    endpoint: str, key: Key, service: str, parameters: Mapping[str, str], headers: Mapping[str, str]
) -> AWSRequest:
    body = urlencode({**parameters, "Version": _VERSIONS[service]})
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **headers}
    request = AWSRequest("POST", endpoint + "/", form, body.encode())
    SigV4Auth(Credentials(*key), service, REGION).add_auth(request)
    return request
