"""The programs around the site of the documentation (`make docs`) find what they look for."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from support.processes import finished

TOOLS = Path(__file__).resolve().parents[1] / "tools"


def tool(name: str) -> ModuleType:
    described = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert described is not None
    assert described.loader is not None
    made = importlib.util.module_from_spec(described)
    described.loader.exec_module(made)
    return made


@pytest.mark.parametrize(
    ("file", "text", "loads"),
    [
        ("index.html", '<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js"),
        ("index.html", '<link rel="stylesheet" href="//fonts.example/css">', "//fonts.example/css"),
        ("index.html", '<link rel="preconnect" href="https://fonts.example">', "https://fonts.example"),
        ("index.html", '<img src="http://pictures.example/a.png">', "http://pictures.example/a.png"),
        ("index.html", '<p style="background: url(https://a.example/b.png)">', "https://a.example/b.png"),
        ("a/style.css", '@font-face { src: url("https://fonts.example/a.woff2") }', "https://fonts.example/a.woff2"),
        ("a/style.css", '@import "https://fonts.example/a.css";', "https://fonts.example/a.css"),
        ("index.html", '<script src="assets/x.js"></script><a href="https://aws.example">a link</a>', ""),
        ("index.html", '<link rel="canonical" href="https://here.example/">', ""),
    ],
)
def test_what_a_site_loads_from_elsewhere_is_found(tmp_path: Path, file: str, text: str, loads: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "other.html").write_text("<p>a page</p>")
    (tmp_path / file).write_text(text)
    done = finished([sys.executable, str(TOOLS / "check_site.py"), str(tmp_path)])
    assert done.returncode == bool(loads)
    assert done.stderr == (f"{file} loads {loads}\n" if loads else "")


def test_a_directory_without_pages_is_no_site(tmp_path: Path) -> None:
    assert finished([sys.executable, str(TOOLS / "check_site.py"), str(tmp_path)]).returncode == 1


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (r"| `auto\|none` | a \| b |", r"| `auto|none` | a \| b |"),
        (r"`auto\|none` in a sentence", r"`auto\|none` in a sentence"),
        ("see the [changelog](../CHANGELOG.md)", "see the `changelog`"),
        ("[cases](examples/app.cases.yaml) and [commands](commands.md#x)", "`cases` and [commands](commands.md#x)"),
    ],
)
def test_pages_are_made_what_the_site_takes(text: str, made: str) -> None:
    page = SimpleNamespace(file=SimpleNamespace(src_uri="page.md"))
    assert tool("docs_hooks").on_page_markdown(text, page=page) == made


def test_a_part_that_is_old_is_written_anew() -> None:
    sys.path.insert(0, str(TOOLS))
    try:
        reference = tool("docs_reference")
    finally:
        sys.path.remove(str(TOOLS))
    before = "a\n<!-- generated: authentication -->\nold\n<!-- end -->\nb\n"
    after = reference.written(before)
    assert "old" not in after
    assert "`SignatureDoesNotMatch` 403" in after
    assert after.startswith("a\n")
    assert after.endswith("<!-- end -->\nb\n")
    assert reference.written(after) == after
