"""Rows of the table of providers, their templates, and the loading of modules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Made, Request, Resource
from locum.services.cloudformation.providers.table import Call, Change, Each, Name, Row, Tags, Wait, provider
from locum.services.cloudformation.providers.templates import filled, used

ARN = "arn:aws:cloudformation:us-east-1:111122223333:stack/shop/0f3c1a2b-1111-2222-3333-444455556666"
BOX = Row(
    service="boxes",
    create=Call("CreateBox", takes="Size Paint=Colour"),
    name=Name("BoxName", 30),
    tags=Tags(
        add=Call("TagBox", {"Id": "{id}", "Tags": "{tags}"}), remove=Call("UntagBox", {"Id": "{id}", "Keys": "{keys}"})
    ),
    exists=frozenset({"BoxExists"}),
    read=Call("GetBox", {"Name": "{name}"}),
    physical="{c.Box.Id|r.Box.Id}",
    attributes={"Arn": "{r.Box.Arn}"},
    settings=(
        Change(Call("PaintBox", {"Id": "{id}"}, "Paint=Colour"), defaults={"Colour": "white"}),
        Change(Call("LockBox", {"Id": "{id}"}, "Lock"), removed=Call("UnlockBox", {"Id": "{id}"}), at_creation=True),
    ),
    items=(Each("Lids", Call("PutLid", {"Lid": "{item}"}), Call("DropLid", {"Lid": "{item}"})),),
    deletes=(Call("DeleteBox", {"Id": "{id}"}),),
)
BOX_ANSWER = {"Box": {"Id": "b-1", "Arn": "arn:b-1"}}


def resource(**properties: Any) -> Resource:
    return Resource("AWS::Boxes::Box", "Box", properties, "111122223333", "us-east-1", "shop", ARN, "TOKEN0000001")


Calls = list[tuple[str, dict[str, Any]]]


def worked(work: Any, answers: Mapping[str, Any], made: Calls | None = None) -> tuple[Calls, Made | None]:
    """The calls that `work` makes, also in `made`, and its result; an answer that is a Fault is raised."""
    calls = [] if made is None else made
    try:
        step = next(work)
        while True:
            if not isinstance(step, Request):
                step = work.send({})
                continue
            calls.append((step.operation, dict(step.params)))
            answer = answers.get(step.operation, {})
            step = work.throw(answer) if isinstance(answer, Fault) else work.send(answer)
    except StopIteration as done:
        return calls, done.value


def test_a_template_has_the_values_that_are_there() -> None:
    values = {"id": "x", "p": {"A": 1, "L": [{"B": 2}]}}
    assert filled("{id}", values) == "x"
    assert filled("{p.A}", values) == 1
    assert filled("arn:{id}/{p.L.0.B}", values) == "arn:x/2"
    assert filled("{p.Z|p.A}", values) == 1
    assert filled("arn:{p.Z}", values) is None
    assert filled({"one": "{p.A}", "none": "{p.Z}", "empty": {"in": "{p.Z}"}}, values) == {"one": 1}
    assert used({"one": ["{p.A}", "{p.B.C|id}"]}, "p") == {"A", "B"}


def test_a_row_is_created_with_what_it_takes() -> None:
    made_by = provider(BOX)
    wanted = resource(Size=3, Colour="red", Lock="on", Lids=["l"], Tags=[{"Key": "a", "Value": "1"}])
    calls, made = worked(made_by.create(wanted), {"CreateBox": BOX_ANSWER, "GetBox": BOX_ANSWER})
    assert calls == [
        (
            "CreateBox",
            {
                "Size": 3,
                "Paint": "red",
                "BoxName": "shop-Box-TOKEN0000001",
                "Tags": [{"Key": "a", "Value": "1"}],
            },
        ),
        ("LockBox", {"Id": "b-1", "Lock": "on"}),
        ("PutLid", {"Lid": "l"}),
        ("GetBox", {"Name": "shop-Box-TOKEN0000001"}),
    ]
    assert made == Made("b-1", {"Arn": "arn:b-1"})
    assert made_by.immutable == {"Size", "BoxName"}


def test_a_generated_name_of_a_shortened_stack_name_has_no_two_hyphens_in_a_row() -> None:
    """Elastic Load Balancing refuses them."""
    made = replace(resource(), logical="Targets", stack_name="three-tier-web").name(32)
    assert made == "three-tier-Targets-TOKEN0000001"


def test_what_a_failed_creation_made_is_deleted() -> None:
    calls: Calls = []
    jammed = {operation: Fault("Jammed", operation) for operation in ("LockBox", "DeleteBox")}
    with pytest.raises(Fault, match="Jammed: LockBox"):
        worked(provider(BOX).create(resource(Size=3, Lock="on")), {"CreateBox": BOX_ANSWER, **jammed}, calls)
    assert [operation for operation, _ in calls] == ["CreateBox", "LockBox", "DeleteBox"]


def test_an_update_makes_the_calls_of_what_is_another() -> None:
    before = {"Size": 3, "Colour": "red", "Lock": "on", "Lids": ["l", "m"], "Tags": [{"Key": "a", "Value": "1"}]}
    wanted = replace(resource(Size=3, Lids=["m", "n"], Tags=[{"Key": "b", "Value": "1"}]), physical="b-1")
    update = provider(BOX).update
    assert update is not None
    calls, _ = worked(update(wanted, before), {"GetBox": BOX_ANSWER})
    assert calls == [
        ("PaintBox", {"Id": "b-1", "Paint": "white"}),
        ("UnlockBox", {"Id": "b-1"}),
        ("PutLid", {"Lid": "n"}),
        ("DropLid", {"Lid": "l"}),
        ("UntagBox", {"Id": "b-1", "Keys": ["a"]}),
        ("TagBox", {"Id": "b-1", "Tags": [{"Key": "b", "Value": "1"}]}),
        ("GetBox", {"Name": "b-1"}),
    ]


def test_a_change_that_no_call_makes_is_refused() -> None:
    update = provider(BOX).update
    assert update is not None
    with pytest.raises(Fault, match="Property Size cannot be updated"):
        worked(update(replace(resource(Size=4), physical="b-1"), {"Size": 3}), {})


def test_a_creation_made_again_adopts_what_is_there() -> None:
    exists = Fault("BoxExists", "")
    calls, made = worked(
        provider(BOX).create(replace(resource(Size=3), again=True)), {"CreateBox": exists, "GetBox": BOX_ANSWER}
    )
    assert made is not None
    assert ([operation for operation, _ in calls], made.physical) == (["CreateBox", "GetBox", "GetBox"], "b-1")
    with pytest.raises(Fault, match="BoxExists"):
        worked(provider(BOX).create(resource(Size=3)), {"CreateBox": exists})


def test_a_property_that_a_row_does_not_take_is_refused() -> None:
    with pytest.raises(Fault, match="Encountered unsupported property Weight"):
        worked(provider(BOX).create(resource(Weight=1)), {})


def test_a_resource_that_fails_while_it_is_waited_for_is_not_made() -> None:
    row = replace(BOX, ready=Wait("Box.State", frozenset({"READY"}), frozenset({"BROKEN"})))
    broken = {"CreateBox": BOX_ANSWER, "GetBox": {"Box": {"State": "BROKEN"}}}
    with pytest.raises(Fault, match=r"did not stabilize: Box.State is BROKEN"):
        worked(provider(row).create(resource(Size=3)), broken)


def test_the_modules_of_a_service_are_loaded_when_a_type_of_it_is_asked_for() -> None:
    package = "locum.services.cloudformation.providers"
    lines = (
        f"import sys; from {package} import PROVIDERS; before = set(sys.modules)",
        "assert 'AWS::SQS::Queue' in PROVIDERS",
        f"assert not [name for name in before if name.startswith('{package}.sqs')]",
        f"assert '{package}.sqs' in sys.modules and '{package}.s3' not in sys.modules",
    )
    subprocess.run([sys.executable, "-c", "; ".join(lines)], check=True, timeout=60)


def test_every_provider_is_found_by_its_name() -> None:
    assert "AWS::IAM::Role" in PROVIDERS
    assert "AWS::Nothing::Thing" not in PROVIDERS
    assert "Custom::Thing" in PROVIDERS
    assert all(PROVIDERS[kind] for kind in PROVIDERS)
