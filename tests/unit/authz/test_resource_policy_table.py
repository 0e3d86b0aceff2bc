"""The table of operations that put policies: complete, and right by the service models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

from locum.authz import resource_policies
from locum.authz.call import Call
from locum.authz.resource_policies.places import Member, NamedAttribute, Patch
from locum.authz.resource_policies.table import PUTS, SHOWN_BY
from locum.core.errors import Fault
from locum.core.principal import NOBODY
from locum.state import State
from locum.wire.models import index, service_model

OWN: Final = {"iam", "sts", "organizations"}
"""Services that are Locum's own and check their policies themselves."""

OTHER_POLICIES: Final[Mapping[str, str]] = {
    "cloudformation": "stack policies: which resources an update may touch",
    "datazone": "no IAM policies",
    "eks": "session policies",
    "elbv2": "the name of a set of ciphers",
    "iot": "policies of devices, without principals",
    "network-security-manager": "descriptions of firewall policies",
    "networkmanager": "core network policies and labels of routes",
    "opensearchserverless": "policies in a language of their own",
    "ram": "templates of permissions, without principals",
    "resiliencehub": "descriptions of recovery targets",
    "rolesanywhere": "session policies",
    "securityhub": "identifiers of configurations",
    "sso-admin": "identity policies of permission sets",
    "storagegateway": "settings of notifications",
    "transfer": "session policies",
    "workspaces-web": "settings of browsers",
}
OTHER_MEMBERS: Final = {
    ("ec2", "PolicyRuleNumber"), ("ec2", "PolicyDocument"), ("ecr", "lifecyclePolicy"),
    ("ecr", "lifecyclePolicyText"), ("glue", "ExecutionRoleSessionPolicy"), ("glue", "PolicyHashCondition"),
    ("logs", "policyDocument"), ("mediastore", "LifecyclePolicy"), ("omics", "sessionPolicy"),
    ("sesv2", "ReputationEntityPolicy"), ("sns", "DataProtectionPolicy"), ("ssm", "Policies"),
}  # fmt: skip
"""Members of services in the table that are lifecycle rules, session policies, Verified Access policies ..."""

_PUTS: Final = re.compile(r"(Put|Set|Create|Add|Update|Attach|Modify|Register|Start|Enable)")
_NO_TEXT: Final = re.compile(r"(arn|id|name|type|status|version|revision|token|hash)s?$", re.IGNORECASE)


def texts_of_policies(service: str) -> Iterator[tuple[str, str]]:
    """The operations of a service that put something, and their members with texts of policies."""
    model = service_model(service)
    for name in model.operation_names:
        shape = model.operation_model(name).input_shape
        if _PUTS.match(name) is None or shape is None:
            continue
        for member, of in shape.members.items():
            text = of.type_name == "string" and "enum" not in of.metadata
            if text and "polic" in member.lower() and _NO_TEXT.search(member) is None:
                yield name, member


@pytest.mark.parametrize("service", sorted(set(index().services) - OWN - set(OTHER_POLICIES)))
def test_every_policy_of_a_resource_is_in_the_table(service: str) -> None:
    missing = [
        (operation, member)
        for operation, member in texts_of_policies(service)
        if (service, operation) not in PUTS and (service, member) not in OTHER_MEMBERS
    ]
    assert missing == []


@pytest.mark.parametrize(("service", "operation"), sorted(PUTS))
def test_the_place_of_a_policy_is_in_the_service_model(service: str, operation: str) -> None:
    shape = service_model(service).operation_model(operation).input_shape
    for put in PUTS[service, operation]:
        place = put.place
        if isinstance(place, Member):
            found: Any = shape
            for name in place.path:
                found = found.value if found.type_name == "map" else found.members[name]
            assert found.type_name == "string"
        elif isinstance(place, NamedAttribute):
            assert {place.name, place.value} <= set(shape.members)
        elif isinstance(place, Patch):
            assert shape.members[place.operations].type_name == "list"


@pytest.mark.parametrize(("service", "operation"), sorted(SHOWN_BY))
def test_what_shows_policies_is_an_operation(service: str, operation: str) -> None:
    assert operation in service_model(service).operation_names


def putting(place: Any, text: str) -> dict[str, Any]:
    """Parameters that put the policy `text` at a place."""
    if isinstance(place, Member):
        found: Any = text
        for name in reversed(place.path):
            found = {name: found}
        return dict(found)
    if isinstance(place, NamedAttribute):
        return {place.name: place.attribute, place.value: text}
    return {place.operations: [{"op": "replace", "path": place.path, "value": text}]}


DOCUMENTS: Final = [(key, put) for key, puts in sorted(PUTS.items()) for put in puts if not hasattr(put.place, "made")]


@pytest.mark.parametrize(
    "text", ["[]", "{}", '{"Statement": [{}]}', '{"Statement": ["x"]}', "\u2603", "null", "{" * 9_000]
)
def test_no_service_takes_what_is_no_policy(text: str) -> None:
    for (service, operation), put in DOCUMENTS:
        params = putting(put.place, text)
        call = Call(service, operation, params, NOBODY, "us-east-1", 0)
        with pytest.raises(Fault) as told:
            resource_policies.admitted(State(), call)
        assert told.value.status in (400, 403)
        assert told.value.message
        assert "{detail}" not in told.value.message


def test_every_other_call_passes_unchanged() -> None:
    params = {"Policy": "[]"}
    call = Call("s3", "GetBucketPolicy", params, NOBODY, "us-east-1", 0)
    assert resource_policies.admitted(State(), call) is params
