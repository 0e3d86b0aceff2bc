"""The log of a plane: tracebacks are in a file of its owner's, the terminal has a line that names it."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from locum.cli.plane_log import LOG_FILE, plane_log

LOG = logging.getLogger("locum.test")


def fail(message: str) -> None:
    try:
        raise KeyError("the reason")
    except KeyError:
        LOG.exception(message)


def test_a_traceback_is_in_the_file_and_one_line_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with plane_log(tmp_path):
        fail("the call failed")
    file = tmp_path / LOG_FILE
    assert capsys.readouterr().err == f"locum: the call failed (the traceback: {file})\n"
    assert "KeyError: 'the reason'" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_traceback_within_the_message_is_one_line_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with plane_log(tmp_path):
        LOG.error("request %s failed\n%s", "1f", "Traceback ...\nValueError")
    assert capsys.readouterr().err.count("\n") == 1
    assert "ValueError" in (tmp_path / LOG_FILE).read_text()


def test_a_warning_has_no_traceback_to_name_and_cannot_control_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with plane_log(tmp_path):
        LOG.warning("later: %s", "\x1b[2J")
        LOG.info("nobody needs this")
    assert capsys.readouterr().err == "locum: later: \\x1b[2J\n"
    assert "nobody" not in (tmp_path / LOG_FILE).read_text()


def test_a_thread_that_fails_is_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise LookupError("lost")

    with plane_log(tmp_path):
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()
    assert "locum: the thread worker failed (" in capsys.readouterr().err
    assert "LookupError: lost" in (tmp_path / LOG_FILE).read_text()


def test_a_file_that_is_full_is_put_aside_with_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.cli.plane_log._BYTES", 200)
    with plane_log(tmp_path):
        for _ in range(20):
            LOG.warning("some hundred characters %s", "x" * 70)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [LOG_FILE, *(f"{LOG_FILE}.{n}" for n in (1, 2, 3))]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / LOG_FILE).symlink_to(elsewhere)
    with plane_log(tmp_path):
        pass
    assert "cannot be written" in capsys.readouterr().err
    assert not elsewhere.exists()


def test_what_cannot_be_written_is_told_in_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this machine")
    with plane_log(tmp_path):
        handler = next(h for h in logging.getLogger().handlers if getattr(h, "baseFilename", "").endswith(LOG_FILE))
        assert isinstance(handler, logging.StreamHandler)
        before = handler.setStream(full.open("w"))
        assert before is not None
        before.close()
        fail("the disk is full")
    told = capsys.readouterr().err
    assert "the disk is full" in told
    assert "KeyError: 'the reason'" in told
