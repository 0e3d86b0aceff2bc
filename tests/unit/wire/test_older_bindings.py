"""Operations are answered at the paths of older clients too."""

from __future__ import annotations

import pytest

from locum import wire
from locum.wire.models import index, service_model
from locum.wire.older_bindings import Binding, older_bindings
from support.wire_requests import name_of, read, rest

BINDINGS = older_bindings()


@pytest.mark.parametrize("binding", BINDINGS, ids=[f"{b.service}.{b.operation} {b.method}" for b in BINDINGS])
def test_an_older_path_is_routed_to_its_operation(binding: Binding) -> None:
    path = binding.template.replace("+}", "}")
    model = service_model(binding.service).operation_model(binding.operation)
    values = {name: f"{name}-value" for name in model.input_shape.members}
    for name, (location, wire_name) in binding.locations.items():
        if location == "uri":
            path = path.replace(f"{{{wire_name}}}", values[name])
    assert "{" not in path
    signing_name = index().services[binding.service].signing_name
    request = rest(binding.method, path, b"{}" if binding.method != "GET" else b"")
    codec = wire.resolve(request, signing_name)
    assert (codec.service, codec.operation) == (binding.service, binding.operation)
    labels = {name for name, (location, _) in binding.locations.items() if location == "uri"}
    params = codec.parse(request, request.body)
    assert {name: params[name] for name in labels} == {name: values[name] for name in labels}


def test_members_are_read_where_the_older_client_puts_them() -> None:
    older = rest("GET", "/v2/email/identities?PageSize=5&NextToken=abc")
    newer = rest("POST", "/v2/email/list-identities", b'{"PageSize": 5, "NextToken": "abc"}')
    assert name_of(older, "ses") == name_of(newer, "ses") == "sesv2.ListEmailIdentities"
    assert read(older, "ses") == read(newer, "ses") == {"PageSize": 5, "NextToken": "abc"}


def test_the_model_that_a_call_is_decided_and_passed_on_by_is_the_present_one() -> None:
    older = wire.resolve(rest("GET", "/tables/arn/ns/name"), "s3tables")
    assert older.model.http["requestUri"] == "/get-table"
    assert service_model("s3tables").operation_model("GetTable").http["requestUri"] == "/get-table"
