"""A form is read as one only where it says that it is one."""

from __future__ import annotations

import pytest

from locum import wire
from locum.core.errors import Fault
from locum.core.http import HttpRequest

_QUERY = "Action=GetTopicAttributes&Version=2010-03-31&TopicArn=mine"
_BODY = b'--b\r\nContent-Disposition: form-data; name="Action"\r\n\r\nDeleteTopic\r\n--b--\r\n'


def _request(content_type: str, body: bytes, query: str = "") -> HttpRequest:
    return HttpRequest("POST", "/", query, {"content-type": content_type}, body)


def test_an_action_in_a_multipart_body_beside_the_one_in_the_query_string_is_refused() -> None:
    request = _request("multipart/form-data; boundary=b", _BODY, _QUERY)
    codec = wire.resolve(request, "sns")
    with pytest.raises(Fault) as refused:
        codec.parse(request, _BODY)
    assert refused.value.code == "MalformedInput"


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"]
)
def test_a_form_is_read_whatever_its_charset_is_said_to_be(kind: str) -> None:
    body = _QUERY.encode()
    request = _request(kind, body)
    assert wire.resolve(request, "sns").parse(request, body) == {"TopicArn": "mine"}
