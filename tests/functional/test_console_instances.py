"""Instances in the console: launched, given profiles and options, told what they were denied, given commands."""

from __future__ import annotations

import re

import httpx
import pytest

from locum.core.identifiers import OWN_IMAGE
from support.console import Browser, user_with_password, words
from support.driven import until
from support.inside import inside
from support.plane import ACCOUNT, REGION, RunningPlane, allow, fresh, needs_namespaces

MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
MARKUP = "</td><script>alert(1)</script>"
OPTIONS = {
    "HttpTokens": "required", "HttpPutResponseHopLimit": "1", "HttpEndpoint": "enabled",
    "InstanceMetadataTags": "disabled",
}  # fmt: skip


@pytest.fixture(scope="module")
def browser(plane: RunningPlane) -> Browser:
    return Browser(plane).enter()


def launched(browser: Browser, **fields: str) -> str:
    """The id of an instance that the form has launched."""
    usual = {"name": fresh("instance"), "image": OWN_IMAGE, "type": "t3.micro", "count": "1", "profile": ""}
    answer = browser.post("/console/instances/new", **{**usual, "user_data": "", **OPTIONS, **fields})
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["location"].rpartition("/")[2]


def profile_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:instance-profile/{name}"


def test_an_instance_is_launched_with_profile_options_and_user_data(plane: RunningPlane, browser: Browser) -> None:
    profile, name = plane.profile(), fresh("web")
    own_id = launched(browser, name=name, profile=profile_arn(profile), user_data="#!/bin/sh\r\nid\r\n")
    page = browser.get(f"/console/instances/{own_id}").text
    assert f'href="/console/roles/{profile}#permissions"' in page
    assert "v2 alone, 1 hop" in words(page)
    assert "#!/bin/sh\nid" in page
    assert "aws ec2 run-instances --image-id ami-10c0000000000000a" in words(page)
    row = next(it for it in browser.get("/console/instances").text.split("<tr>") if own_id in it)
    assert name in row
    assert f'href="/console/roles/{profile}"' in row


def test_the_profile_of_a_running_instance_is_attached_replaced_and_detached(
    plane: RunningPlane, browser: Browser
) -> None:
    first, second, own_id = plane.profile(), plane.profile(), launched(browser)
    page = f"/console/instances/{own_id}"
    for profile in (first, second):
        assert browser.post(f"{page}/profile", profile=profile_arn(profile)).status_code == 303
        assert f"Role {profile}" in browser.text(page)
    browser.post(f"{page}/profile/delete")
    assert "Role none" in browser.text(page)
    browser.post(f"{page}/profile/delete")
    assert "Role none" in browser.text(page)


def test_the_options_of_the_metadata_service_are_changed_while_it_runs(plane: RunningPlane, browser: Browser) -> None:
    own_id = launched(browser)
    page = f"/console/instances/{own_id}"
    browser.post(f"{page}/metadata", **OPTIONS | {"HttpTokens": "optional", "HttpPutResponseHopLimit": "3"})
    assert "v1 and v2, 3 hops" in browser.text(page)
    browser.post(f"{page}/metadata", **OPTIONS | {"HttpPutResponseHopLimit": "many"})
    told = browser.text(page)
    assert "many is no whole number" in told
    assert "v1 and v2, 3 hops" in told
    browser.post(f"{page}/metadata", **OPTIONS | {"HttpPutResponseHopLimit": "65"})
    assert "The hop limit must be between 1 and 64." in browser.text(page)


def test_an_instance_is_stopped_started_and_terminated(plane: RunningPlane, browser: Browser) -> None:
    own_id = launched(browser)
    page = f"/console/instances/{own_id}"

    for action, word in (("stop", "stopped"), ("start", "running"), ("terminate", "terminated")):
        assert browser.post(f"{page}/{action}").status_code == 303
        until(lambda told=f"State {word}": told in browser.text(page))  # type: ignore[misc]
    assert "hx-refresh" not in browser.get(f"{page}/watch?state=terminated").headers
    assert browser.get(f"{page}/watch?state=shutting-down").headers["hx-refresh"] == "true"
    assert f'action="{page}/terminate"' not in browser.get(page).text


def test_tags_are_set_and_removed(browser: Browser) -> None:
    page = f"/console/instances/{launched(browser)}"
    browser.post(f"{page}/tag", key="stage", value="test")
    assert "stage test" in browser.text(page)
    browser.post(f"{page}/untag", key="stage")
    browser.get(page)
    assert "stage" not in browser.text(page)


def test_denials_of_its_programs_are_on_the_page_of_the_instance(plane: RunningPlane, browser: Browser) -> None:
    profile = plane.profile()
    own_id, other = (launched(browser, profile=profile_arn(profile)) for _ in range(2))
    said = plane.locum("exec", own_id, "--", "sh", "-c", "aws iam list-users --endpoint-url $AWS_ENDPOINT_URL; exit 0")
    assert "AccessDenied" in said.stderr
    told = browser.text(f"/console/instances/{own_id}/denials")
    assert "iam:ListUsers" in told
    assert f"assumed-role/{profile}/{own_id} is not authorized to perform: iam:ListUsers" in told
    assert "Nothing that its programs called was denied." in browser.text(f"/console/instances/{other}/denials")


def test_a_record_says_what_takes_commands(browser: Browser) -> None:
    own_id = launched(browser)
    told = browser.text(f"/console/instances/{own_id}/commands")
    assert "locum up --driver process" in told
    assert f"locum exec {own_id} -- COMMAND" in told
    browser.post(f"/console/instances/{own_id}/commands", script="id")
    assert "not in a valid state" in browser.text(f"/console/instances/{own_id}")


@needs_namespaces
def test_a_command_is_run_and_its_output_shown(plane: RunningPlane, browser: Browser) -> None:
    profile = plane.profile()
    plane.client("iam").attach_role_policy(RoleName=profile, PolicyArn=MANAGED)
    with inside(plane, "--profile", profile) as within:
        page = f"/console/instances/{within.instance}/commands"
        until(lambda: "does not take commands" not in browser.text(page))
        answer = browser.post(page, script="echo 'a <b>'; echo bad >&2\r\nexit 3")
        assert answer.headers["location"] == f"/console/instances/{within.instance}#run"
        assert "aws ssm send-command" in browser.text(f"/console/instances/{within.instance}")
        until(lambda: "exit code 3" in browser.text(page))
        part = browser.get(page).text
    assert "a &lt;b&gt;" in part
    assert "bad" in part
    assert "every 2s" not in part


def test_a_launch_that_is_refused_has_the_form_again_with_what_was_typed(browser: Browser) -> None:
    fields = {"name": "kept", "image": "ami-00000000", "type": "t3.micro", "count": "1", "user_data": "typed"}
    answer = browser.post("/console/instances/new", **fields, **OPTIONS)
    assert answer.status_code == 400
    assert "InvalidAMIID.NotFound" in answer.text
    assert 'value="kept"' in answer.text
    assert ">typed</textarea>" in answer.text


def test_who_may_not_see_instances_is_told_so(plane: RunningPlane, browser: Browser) -> None:
    own_id = launched(browser)
    nobody = Browser(plane)
    nobody.sign_in(user_with_password(plane))
    for path in ("/console/instances", f"/console/instances/{own_id}"):
        answer = nobody.get(path)
        assert answer.status_code == 403
        assert "ec2:DescribeInstances" in answer.text
    nobody.post(f"/console/instances/{own_id}/terminate")
    assert "State running" in browser.text(f"/console/instances/{own_id}")
    reader = Browser(plane)
    reader.sign_in(user_with_password(plane, allow("ec2:DescribeInstances")))
    page = reader.text(f"/console/instances/{own_id}")
    assert "State running" in page
    assert "is not authorized to perform: ec2:DescribeInstanceAttribute" in page


def test_attack_markup_in_tags_and_user_data(browser: Browser) -> None:
    own_id = launched(browser, name=MARKUP, user_data=f"</pre>{MARKUP}")
    browser.post(f"/console/instances/{own_id}/tag", key=f'"{MARKUP}', value=MARKUP)
    for path in ("/console/instances", f"/console/instances/{own_id}"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


def test_attack_paths_that_name_something_else(browser: Browser) -> None:
    foreign = f"arn:aws:ec2:{REGION}:111111111111:instance/i-00000000000000001"
    for name in ("i-00000000000000001", foreign.replace("/", "%2F"), MARKUP.replace("/", "%2F"), "..%2F..%2Froles"):
        for path in ("", "/output", "/denials", "/commands"):
            answer = browser.get(f"/console/instances/{name}{path}")
            assert answer.status_code in {200, 400, 403, 404, 502}
            assert "<script>alert" not in answer.text
            assert "State running" not in words(answer.text)
    assert browser.get("/console/instances/i-00000000000000001").status_code == 404


def test_attack_a_form_that_names_another_association(plane: RunningPlane, browser: Browser) -> None:
    """The association is that of the instance in the path, whatever the form says."""
    mine, profile = launched(browser), plane.profile()
    other = launched(browser, profile=profile_arn(profile))
    browser.post(f"/console/instances/{mine}/profile/delete", id=other, AssociationId="iip-assoc-00000000000000000")
    assert f"Role {profile}" in browser.text(f"/console/instances/{other}")


def test_attack_a_form_without_the_token(browser: Browser) -> None:
    own_id = launched(browser)
    for action in ("stop", "terminate", "profile", "metadata", "tag", "commands"):
        answer: httpx.Response = browser.http.post(f"/console/instances/{own_id}/{action}", data={"csrf": "0"})
        assert answer.status_code == 403
    assert re.search("State running", browser.text(f"/console/instances/{own_id}"))
