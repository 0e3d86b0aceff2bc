"""The console's story in headless Chromium: from signing in to a repaired denial, a replaced profile, a finished lab.

Screenshots are in the folder of the test, or in LOCUM_SCREENSHOTS: `make pictures` makes those of the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from support.chromium import CHROMIUM, chromium, picture, tab
from support.console import PASSWORD, Browser, mfa_device
from support.plane import BIN, SECONDS, TRUSTS_EC2, RunningPlane, allow, document, namespaces_work, up

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.skipif(not namespaces_work(), reason="there are no namespaces here"),
]
expect.set_options(timeout=SECONDS * 1000)
PERSON, OTHER = "ann", "audit"
READS = f"{BIN / 'aws'} s3api get-object --bucket reports --key hello.txt /dev/stdout"
POLICY = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Action": "s3:%s", "Resource": "arn:aws:s3:::reports/*"}]}"""


class Eyes(NamedTuple):
    """Two tabs of one browser: what somebody does, and the trail."""

    page: Page
    trail: Page
    home: str
    folder: Path

    def go(self, path: str) -> Page:
        """The first tab at a page of the console."""
        self.page.goto(self.home + path)
        return self.page

    def look(self, name: str, page: Page | None = None) -> None:
        """Take a screenshot."""
        picture(page or self.page, self.folder, name)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    """A plane whose instances are processes, so that commands run in them."""
    with up(tmp_path_factory.mktemp("story"), "--driver", "process") as running:
        s3 = running.client("s3")
        s3.create_bucket(Bucket="reports")
        s3.put_object(Bucket="reports", Key="hello.txt", Body=b"hello from the bucket")
        iam = running.client("iam")
        iam.create_user(UserName=PERSON)
        iam.put_user_policy(UserName=PERSON, PolicyName="all", PolicyDocument=document(allow("*")))
        iam.create_login_profile(UserName=PERSON, Password=PASSWORD)
        iam.create_role(RoleName=OTHER, AssumeRolePolicyDocument=TRUSTS_EC2)
        iam.create_instance_profile(InstanceProfileName=OTHER)
        iam.add_role_to_instance_profile(InstanceProfileName=OTHER, RoleName=OTHER)
        yield running


@pytest.fixture
def eyes(plane: RunningPlane, tmp_path: Path) -> Iterator[Eyes]:
    with chromium() as browser:
        page = tab(browser)
        yield Eyes(page, page.context.new_page(), Browser(plane).url, tmp_path)


def signed_in(eyes: Eyes, plane: RunningPlane) -> None:
    totp = mfa_device(plane, PERSON)
    page = eyes.go("/console/")
    page.get_by_label("IAM user name").fill(PERSON)
    page.get_by_label("Password").fill(PASSWORD)
    eyes.look("01-sign-in")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("MFA code").fill(totp.now())
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Home", exact=True)).to_be_visible()


def role_for_ec2(eyes: Eyes) -> None:
    page = eyes.go("/console/roles/new")
    page.get_by_label("External ID").fill("x")  # which chooses an account
    expect(page.get_by_role("radio", name="an account")).to_be_checked()
    page.get_by_label("Service", exact=True).select_option("lambda.amazonaws.com")
    page.get_by_label("Service", exact=True).select_option("ec2.amazonaws.com")
    expect(page.get_by_role("radio", name="an AWS service")).to_be_checked()
    page.get_by_label("Name", exact=True).fill("web")
    page.get_by_text("Managed policies", exact=True).click()
    page.get_by_label("Find a policy").fill("SSMManagedInstanceCore")
    page.wait_for_load_state("networkidle")  # the list is another one when what was typed has been looked for
    page.get_by_label("Managed policies").select_option(label="AmazonSSMManagedInstanceCore")
    eyes.look("02-create-role")
    page.get_by_role("button", name="Create role").click()
    expect(page.get_by_role("heading", name="web", exact=True)).to_be_visible()
    expect(page.locator("a[href='/console/instance-profiles/web']")).to_be_visible()
    eyes.look("03-role")


def launched(eyes: Eyes) -> str:
    page = eyes.go("/console/instances/new")
    page.get_by_label("Name", exact=True).fill("web server")
    page.get_by_label("Instance profile").select_option(label="web (role web)")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/console/instances/i-"))
    expect(page.get_by_text("running", exact=True).first).to_be_visible()
    eyes.look("04-instance")
    return page.url.removeprefix(eyes.home).partition("?")[0]


def run(eyes: Eyes, instance: str, output: str) -> None:
    """Run the command that reads in the instance, and see its output."""
    page = eyes.go(instance)
    page.get_by_label("Shell script").fill(READS)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("article").first).to_contain_text(output)


def test_somebody_signs_in_sees_a_denial_repairs_it_and_finishes_a_lab(plane: RunningPlane, eyes: Eyes) -> None:
    signed_in(eyes, plane)
    role_for_ec2(eyes)
    instance = launched(eyes)
    expect_managed(eyes, instance)

    eyes.trail.goto(f"{eyes.home}/console/trail?source=s3.amazonaws.com&event=GetObject")
    expect(eyes.trail.get_by_role("link", name="s3:GetObject")).to_have_count(0)
    run(eyes, instance, "is not authorized to perform: s3:GetObject")
    denied = eyes.trail.get_by_role("row").filter(has_text="s3:GetObject").filter(has_text="denied")
    expect(denied.first).to_be_visible()  # it came by itself
    eyes.look("05-denial-live", eyes.trail)

    denied.first.get_by_role("link", name="s3:GetObject").click()
    expect(eyes.trail.get_by_role("heading", name="Why")).to_be_visible()
    eyes.look("06-why", eyes.trail)
    eyes.trail.get_by_role("link", name="Repair the policies of role/web").click()
    eyes.trail.get_by_text("Add an inline policy").click()
    eyes.trail.locator("#policy").fill("read")
    editor = eyes.trail.locator("#new-inline")
    editor.fill(POLICY % "GetObjekt")
    expect(eyes.trail.locator("#new-inline-findings")).to_contain_text("does not exist")
    eyes.look("07-editor", eyes.trail)
    editor.fill(POLICY % "GetObject")
    expect(eyes.trail.locator("#new-inline-findings")).to_contain_text("No findings")
    eyes.trail.locator("details[open]").get_by_role("button", name="Save").last.click()
    expect(eyes.trail.get_by_text("The policy read is in force")).to_be_visible()

    eyes.trail.goto(f"{eyes.home}/console/trail?source=s3.amazonaws.com&event=GetObject")
    run(eyes, instance, "hello from the bucket")
    allowed = eyes.trail.get_by_role("row").filter(has_text="s3:GetObject").filter(has_text="allowed")
    expect(allowed.first).to_be_visible()
    eyes.look("08-allowed", eyes.trail)

    page = eyes.go(instance)
    page.get_by_label("Another profile").select_option(label=f"{OTHER} (role {OTHER})")
    page.get_by_role("button", name="Replace").click()
    expect(page.get_by_text("replace-iam-instance-profile-association")).to_have_count(1)
    expect(page.locator(f"a[href='/console/instance-profiles/{OTHER}']")).to_be_visible()
    eyes.look("09-replaced")
    simulated(eyes)
    lab_finished(eyes)


def expect_managed(eyes: Eyes, instance: str) -> None:
    """Wait until Run Command reaches the instance."""
    page = eyes.go(instance)
    expect(page.get_by_label("Shell script")).to_be_visible()


def simulated(eyes: Eyes) -> None:
    page = eyes.go("/console/simulator")
    page.get_by_label("User or role").fill("arn:aws:iam::000000000000:role/web")
    page.get_by_label("Actions").fill("s3:GetObject\ns3:PutObject")
    page.get_by_label("Resources").fill("arn:aws:s3:::reports/hello.txt")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_role("row").filter(has_text="s3:GetObject")).to_contain_text("allowed")
    put = page.get_by_role("row").filter(has_text="s3:PutObject")
    put.locator("summary").click()
    expect(put).to_contain_text("is not authorized to perform: s3:PutObject")
    eyes.look("10-simulator")


def lab_finished(eyes: Eyes) -> None:
    page = eyes.go("/console/labs/external-id")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Not yet.")).to_be_visible()
    page.locator("summary").filter(has_text="Solve").click()
    page.get_by_role("button", name="Solve").click()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Solved.")).to_be_visible()
    eyes.look("11-lab")
