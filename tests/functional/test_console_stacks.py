"""Stacks in the console: made from a template, watched, updated by a change set that is looked at first, deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.console import Browser, user_with_password, words
from support.driven import until
from support.plane import ACCOUNT, REGION, TRUSTS_EC2, RunningPlane, allow, fresh

MARKUP = "</textarea></pre><script>alert(1)</script>"
SECRET = "Hush-9-battery"
FOREIGN = f"arn:aws:cloudformation:{REGION}:111111111111:stack/one/00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane).enter()


def template(**resources: Any) -> str:
    parameters = {
        "Stage": {"Type": "String", "Default": "test", "AllowedValues": ["test", "live"], "Description": "where it is"},
        "Secret": {"Type": "String", "NoEcho": True},
    }
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Stage"}}}
    return json.dumps(
        {
            "Description": "What it is for",
            "Parameters": parameters,
            "Resources": {"Value": parameter, **resources},
            "Outputs": {"Name": {"Value": {"Ref": "Value"}}},
        }
    )


ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": json.loads(TRUSTS_EC2)}}


def made(browser: Browser, text: str = "", **fields: str) -> str:
    """The name of a stack that the form has made."""
    name = fresh("stack")
    given = {"name": name, "template": text or template(), "parameter.Secret": SECRET, "secret": "Secret", **fields}
    answer = browser.post("/console/stack-new", **given)
    assert answer.status_code == 303, words(answer.text)
    settled(browser, name)
    return name


def settled(browser: Browser, name: str, query: str = "") -> None:
    until(lambda: "kept up to date" not in browser.text(f"/console/stacks/{name}/events{query}"))


def test_a_template_is_validated_and_its_parameters_are_asked_for(browser: Browser) -> None:
    part = browser.post("/console/stack-parameters", template=template(R=ROLE), **{"parameter.Stage": "live"}).text
    assert "It needs CAPABILITY_IAM" in words(part)
    assert "<option selected>live</option>" in part
    assert 'name="parameter.Secret" value="" type="password"' in part
    assert "where it is" in part
    wrong = browser.post("/console/stack-parameters", template="{").text
    assert "Template format error: JSON not well-formed." in words(wrong)
    assert "<input" not in wrong


def test_a_stack_is_made_and_its_page_tells_all_of_it(browser: Browser) -> None:
    name = made(browser, template(R=ROLE), capability="CAPABILITY_IAM", **{"parameter.Stage": "live"})
    page = browser.get(f"/console/stacks/{name}").text
    told = words(page)
    for text in ("Status CREATE_COMPLETE", "What it is for", "Stage live", "Secret ****", "AWS::SSM::Parameter"):
        assert text in told
    assert f'href="/console/roles/{name}-R-' in page
    assert "aws cloudformation create-stack" in told
    events = browser.get(f"/console/stacks/{name}/events")
    assert "CREATE_IN_PROGRESS" in events.text
    assert "hx-refresh" not in events.headers
    assert browser.get(f"/console/stacks/{name}/events?watching=1").headers["hx-refresh"] == "true"
    assert name in browser.text("/console/stacks")


def test_an_update_changes_nothing_before_its_change_set_is_executed(browser: Browser) -> None:
    name = made(browser)
    page = f"/console/stacks/{name}"
    form = browser.get(f"{page}/update").text
    assert "What it is for" in form
    fields = {"template": template(), "parameter.Stage": "live", "parameter.Secret": "", "keep": "Secret"}
    change = browser.post(f"{page}/update", **fields).headers["location"]
    until(lambda: "hx-refresh" in browser.get(f"{change}/watch").headers)
    assert "Modify Value" in browser.text(change)
    assert "Stage test" in browser.text(page)
    browser.post(f"{change}/execute")
    settled(browser, name)
    told = browser.text(page)
    assert "Status UPDATE_COMPLETE" in told
    assert "Stage live" in told


def test_a_stack_is_deleted_and_watched_to_its_end(browser: Browser) -> None:
    name = made(browser)
    where = browser.post(f"/console/stacks/{name}/delete").headers["location"]
    settled(browser, name, "?" + where.partition("?")[2])
    assert "Status DELETE_COMPLETE" in browser.text(where)
    assert browser.get(f"/console/stacks/{name}").status_code == 404
    assert name not in browser.text("/console/stacks")
    assert name in browser.text("/console/stacks?deleted=1")


def test_drift_is_looked_for(plane: RunningPlane, browser: Browser) -> None:
    name = made(browser)
    page = f"/console/stacks/{name}"
    resource = plane.client("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId="Value")
    parameter = resource["StackResourceDetail"]["PhysicalResourceId"]
    plane.client("ssm").put_parameter(Name=parameter, Value="other", Overwrite=True)
    where = browser.post(f"{page}/drift").headers["location"].partition("#")[0]
    query = where.partition("?")[2]
    until(lambda: "being compared" not in browser.text(f"{page}/drift?{query}"))
    assert "/Value : the template says test , it is other" in browser.text(f"{page}/drift?{query}")
    assert "DRIFTED" in browser.text(page)


def test_protection_from_deletion_is_set_and_holds(browser: Browser) -> None:
    name = made(browser)
    page = f"/console/stacks/{name}"
    browser.post(f"{page}/protection", protection="on")
    browser.post(f"{page}/delete")
    told = browser.text(page)
    assert "cannot be deleted while TerminationProtection is enabled" in told
    assert "Status CREATE_COMPLETE" in told


def test_a_stack_that_is_refused_has_the_form_again_with_what_was_typed(browser: Browser) -> None:
    name = fresh("stack")
    fields = {"name": name, "template": template(R=ROLE), "parameter.Stage": "live", "parameter.Secret": "x"}
    answer = browser.post("/console/stack-new", **fields)
    assert answer.status_code == 400
    assert "InsufficientCapabilitiesException" in answer.text
    assert '<input type="hidden" name="parameter.Stage" value="live">' in answer.text
    assert browser.get(f"/console/stacks/{name}").status_code == 404


def test_who_may_not_is_told_so_part_by_part(plane: RunningPlane, browser: Browser) -> None:
    name, reader = made(browser), Browser(plane)
    reader.sign_in(user_with_password(plane, allow("cloudformation:DescribeStacks")))
    told = reader.text(f"/console/stacks/{name}")
    assert "Status CREATE_COMPLETE" in told
    assert "is not authorized to perform: cloudformation:ListStackResources" in told
    assert reader.get("/console/stacks").status_code == 403
    reader.post(f"/console/stacks/{name}/delete")
    assert "Status CREATE_COMPLETE" in browser.text(f"/console/stacks/{name}")


def test_attack_a_secret_parameter_in_the_command_that_is_told(browser: Browser) -> None:
    name = made(browser)
    page = f"/console/stacks/{name}"
    told = browser.text(page)
    assert "aws cloudformation create-stack" in told
    assert SECRET not in told
    fields = {"template": template(), "parameter.Stage": "live", "parameter.Secret": SECRET + "2", "secret": "Secret"}
    change = browser.post(f"{page}/update", **fields).headers["location"]
    told = browser.text(change)
    assert "aws cloudformation create-change-set" in told
    assert SECRET not in told


def test_attack_markup_in_templates_and_parameters(browser: Browser) -> None:
    text = template(Other={"Type": "AWS::CloudFormation::WaitConditionHandle", "Metadata": {"x": MARKUP}})
    text = text.replace("What it is for", MARKUP).replace("where it is", MARKUP)
    name = made(browser, text)
    paths = (f"/console/stacks/{name}", f"/console/stacks/{name}/update", f"/console/stacks/{name}/events")
    for page in (
        *(browser.get(path).text for path in ("/console/stacks", *paths)),
        browser.post("/console/stack-parameters", template=text).text,
        browser.post("/console/stack-new", name=MARKUP, template=MARKUP, role=MARKUP).text,
    ):
        assert "<script>alert" not in page


def test_attack_stacks_of_another_account_in_paths_and_queries(browser: Browser) -> None:
    name = fresh("none")
    quoted = FOREIGN.replace("/", "%2F")
    for path in (f"{quoted}", f"{name}?id={quoted}", f"{name}/events?id={quoted}", f"{name}/drift?detection={quoted}"):
        answer = browser.get(f"/console/stacks/{path}")
        assert answer.status_code in {400, 403, 404}
        assert ACCOUNT in answer.text or "not exist" in words(answer.text) or answer.text == "Not Found"


def test_attack_a_delete_whose_form_names_another_stack(browser: Browser) -> None:
    """The stack is that of the path, whatever query and fields say."""
    name, other = made(browser), made(browser)
    browser.post(f"/console/stacks/{name}/delete?id={other}", name=other, StackName=other)
    until(lambda: browser.get(f"/console/stacks/{name}").status_code == 404)
    assert "Status CREATE_COMPLETE" in browser.text(f"/console/stacks/{other}")
