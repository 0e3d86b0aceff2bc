"""The documents say what there is: checked against the code."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from locum.agents.api.host import OPERATIONS as API
from locum.authz.context import KNOWN_KEYS
from locum.cli.aws_cli import _ENDPOINTS_SINCE
from locum.cli.commands.doctor import CHECKS
from locum.cli.main import COMMANDS
from locum.policy import cases
from locum.sigv4.faults import Failure, Family, code_of

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = (ROOT / "docs" / "commands.md").read_text()
OWN_SERVICES = sorted(path.parent.name for path in (ROOT / "src" / "locum" / "services").glob("*/__init__.py"))

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
VARIABLE = re.compile(r"\bLOCUM_[A-Z_]+\b")


def command(name: str) -> click.Command:
    found: click.Command = importlib.import_module(f"locum.cli.commands.{name.replace('-', '_')}").command
    return found


def section(title: str) -> str:
    """The text of the reference between the heading `title` and the next of its level."""
    _, _, rest = REFERENCE.partition(f"\n## {title}\n")
    return rest.partition("\n## ")[0]


def options(name: str) -> list[str]:
    """Every long option of a command and of its subcommands."""
    found = command(name)
    parts = [found, *(found.commands.values() if isinstance(found, click.Group) else ())]
    return [
        spelled
        for part in parts
        for parameter in part.params
        if isinstance(parameter, click.Option)
        for spelled in parameter.opts
        if spelled.startswith("--")
    ]


def anchors(document: Path) -> set[str]:
    """The names by which the headings of a document can be linked to."""
    headings = HEADING.findall(FENCED.sub("", document.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> Iterator[str]:
    return (target for target in LINK.findall(FENCED.sub("", document.read_text())) if "://" not in target)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_section(name: str) -> None:
    assert section(f"locum {name}")
    assert f"`locum {name}`" in REFERENCE.partition("\n## ")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described_where_its_command_is(name: str) -> None:
    described = set(re.findall(r"^\| `(--[a-z0-9-]+)", section(f"locum {name}"), re.MULTILINE))
    assert described == set(options(name))


def test_every_environment_variable_that_is_read_is_described() -> None:
    read = {name for path in (ROOT / "src").rglob("*.py") for name in VARIABLE.findall(path.read_text())}
    assert read == set(VARIABLE.findall(section("Environment")))


def test_every_decision_is_in_the_index_under_its_own_title() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for path in sorted((ROOT / "docs" / "adr").glob("0*.md")):
        number, _, title = path.read_text().splitlines()[0].removeprefix("# ").partition(". ")
        assert f"| {number} | [{title}]({path.name}) |" in index


@pytest.mark.parametrize("service", OWN_SERVICES)
def test_every_operation_of_our_own_is_listed_and_no_other(service: str) -> None:
    text = (ROOT / "docs" / "services.md").read_text()
    titles = {
        "accessanalyzer": "IAM Access Analyzer",
        "autoscaling": "Auto Scaling",
        "cloudcontrol": "Cloud Control API",
        "cloudformation": "CloudFormation",
        "cloudtrail": "CloudTrail",
        "ec2": "EC2",
        "iam": "IAM",
        "organizations": "Organizations",
        "rolesanywhere": "IAM Roles Anywhere",
        "ssm": "Systems Manager",
        "sts": "STS",
    }
    listed = re.split(r"\n###? ", text.partition(f"\n### {titles[service]}\n")[2])[0].strip().rpartition("\n\n")[2]
    operations = importlib.import_module(f"locum.services.{service}").OPERATIONS
    assert [name.strip() for name in listed.replace("\n", " ").split(",")] == sorted(operations)


def test_every_operation_of_the_api_is_listed_and_no_other() -> None:
    text = (ROOT / "docs" / "services.md").read_text().partition("\n### Locum's own API\n")[2]
    listed = text.partition("\n## ")[0].strip().rpartition("\n\n")[2]
    assert [name.strip() for name in listed.replace("\n", " ").split(",")] == sorted(name for _, name in API)


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    _, _, navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")
    listed = re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(page for page in pages if not re.fullmatch(r"adr/0.*|examples/.*", page))


def test_every_condition_key_of_all_services_is_described_and_no_other() -> None:
    text = (ROOT / "docs" / "reference" / "condition-keys.md").read_text()
    rows = re.findall(r"^\| (`aws:[^|]+)\|", text, re.MULTILINE)
    described = {key.lower().removesuffix("/key") for row in rows for key in re.findall(r"`([^`]+)`", row)}
    assert described == {key for key in KNOWN_KEYS if key.startswith("aws:")}


def test_every_error_of_the_gateway_s_own_is_among_those_that_are_generated() -> None:
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    codes = {code_of(failure, family)[0] for failure in Failure for family in (Family.QUERY, Family.EC2, Family.S3)}
    assert {code for code in codes if f"`{code}`" not in text} == set()


def test_every_check_of_the_doctor_is_named() -> None:
    rows = re.findall(r"^\| ([^`|]+) \|", section("locum doctor"), re.MULTILINE)
    named = {name for row in rows for name in row.split(", ")} - {"check", "option"}
    assert named == set(CHECKS)


@pytest.mark.parametrize(("major", "minor"), _ENDPOINTS_SINCE.items())
def test_the_versions_from_which_on_the_endpoint_is_read_are_those_of_the_code(major: int, minor: int) -> None:
    for page in ("README.md", "docs/clients.md", "docs/commands.md"):
        assert f"{major}.{minor}" in (ROOT / page).read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in links(document):
        place, _, anchor = target.partition("#")
        file = (document.parent / place).resolve() if place else document
        assert file.exists(), f"{target} in {document.name}"
        if anchor:
            assert anchor in anchors(file), f"{target} in {document.name}"


def test_every_document_can_be_found_from_the_readme() -> None:
    found, left = set[Path](), [ROOT / "README.md"]
    while left:
        document = left.pop()
        if document not in found:
            found.add(document)
            left += [(document.parent / t.partition("#")[0]).resolve() for t in links(document) if ".md" in t]
    assert set(DOCUMENTS) <= found


def test_the_example_of_a_decision_case_is_one() -> None:
    text = (ROOT / "docs" / "decision-cases.md").read_text()
    example = json.loads(text.partition("```json\n")[2].partition("```")[0])
    assert cases.run(cases.case(example)).passed


def test_the_example_files_of_decision_cases_pass() -> None:
    for path in (ROOT / "docs" / "examples").glob("*.cases.yaml"):
        results = [cases.run(case) for case in cases.read(path.read_text(), yaml=True)]
        assert results
        assert all(result.passed for result in results)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_source_file_that_is_named_is_there(document: Path) -> None:
    named = re.findall(r"`((?:src|tests|docs|tools|bench)/[\w/.*-]+)`", document.read_text())
    assert [name for name in named if not list(ROOT.glob(name))] == []
