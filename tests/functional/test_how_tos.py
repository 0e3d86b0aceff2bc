"""Pages of the documentation, run from their own text (`support.documented`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from functional.test_terraform import MIRRORS
from support.documented import Page, page, unshown
from support.plane import BIN, REGION, RunningPlane, namespaces_work, up
from support.tools import found

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    str(path.relative_to(ROOT)): page(path)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "<!-- run" in path.read_text()
}
SECONDS = 600
CDK = ROOT / ".tools/cdk/node_modules"
AT_HAND: dict[str, Callable[[], bool]] = {"namespaces": namespaces_work, "cdk": CDK.is_dir}
"""What a page may need that is no program on PATH."""


def parameters() -> Iterator[object]:
    for name, told in PAGES.items():
        marks = [pytest.mark.nightly, pytest.mark.timeout(SECONDS)] if told.nightly else []
        yield pytest.param(told, id=name, marks=marks)


def environment(plane: RunningPlane, folder: Path) -> dict[str, str]:
    """That of a shell in which `eval "$(locum env)"` was called, and whose PATH has Locum and its AWS CLI."""
    path = os.pathsep.join([str(BIN), str(CDK / ".bin"), os.environ["PATH"]])
    mirror = next((place for place in MIRRORS if place.is_dir()), None)
    settings = folder / "terraform.rc"
    settings.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{mirror}" }} }}\n' if mirror else "")
    return plane.environment(
        **plane.root.environment,
        AWS_ENDPOINT_URL=plane.endpoint,
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_PAGER="",
        LOCUM_DATA=str(plane.data),
        PATH=path,
        NODE_PATH=str(CDK),
        TF_CLI_CONFIG_FILE=str(settings),
        CHECKPOINT_DISABLE="1",
    )


@pytest.mark.parametrize("told", list(parameters()))
def test_a_page_does_what_it_says(told: Page, tmp_path: Path) -> None:
    for need in told.needs:
        if not (AT_HAND[need]() if need in AT_HAND else found(need)):
            pytest.skip(f"no {need} on this machine")
    folder = tmp_path / "here"
    folder.mkdir()
    with up(tmp_path, *told.flags) as plane:
        wrong = unshown(told, environment(plane, folder), folder, SECONDS)
    assert wrong == ""


def test_there_are_pages_that_are_run() -> None:
    run = {name for name, told in PAGES.items() if any(block.kind == "run" for block in told.blocks)}
    assert {"README.md", "docs/tutorial.md"} <= run
    assert {f"docs/how-to/{path.name}" for path in (ROOT / "docs" / "how-to").glob("*.md")} <= run


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<!-- run -->\n```sh\necho one two\n```\n<!-- shows -->\n```text\none ...o\n```\n", ""),
        ("<!-- run -->\n```sh\necho one\n```\n<!-- shows -->\n```text\ntwo\n```\n", "this is not shown:\ntwo"),
        ("<!-- run -->\n```sh\ntrue\n```\n<!-- run -->\n```sh\nfalse\n```\n", "exit code 1"),
        ("<!-- run: fails -->\n```sh\nfalse\n```\n", ""),
        ("<!-- run: fails -->\n```sh\ntrue\n```\n", "it ought to fail"),
        ("<!-- run -->\n```sh\nfalse | true\n```\n", "exit code 1"),
        ("<!-- file: a.txt -->\n```text\nhello\n```\n<!-- run -->\n```sh\ngrep -x hello a.txt\n```\n", ""),
        (
            "<!-- run -->\n```sh\necho one\n```\n<!-- run -->\n```sh\n:\n```\n<!-- shows -->\n```text\none\n```\n",
            "not shown",
        ),
        ("```sh\nfalse\n```\n", ""),
    ],
)
def test_a_page_that_is_wrong_is_told(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "page.md").write_text(text)
    told = unshown(page(tmp_path / "page.md"), os.environ, tmp_path, SECONDS)
    assert (wrong in told) if wrong else told == ""
