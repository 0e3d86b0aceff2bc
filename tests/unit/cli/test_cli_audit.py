"""`locum audit` on this side of the socket: what is accepted, the script, the reports, files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from locum.analysis.audit import RULES
from locum.analysis.audit.secrets import LARGEST
from locum.cli.audits import accepted, report
from locum.cli.audits.aws_cli import command_line, quoted
from locum.cli.audits.mending import apply, script
from locum.cli.audits.sarif import as_sarif
from locum.cli.audits.scanning import Scan
from locum.core.errors import ConfigurationError

AT = 1_796_000_000.0  # 2026-11-30
ACCOUNT = "111122223333"
PAIR = "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab"


def row(rule: str = "unused-role", **more: Any) -> dict[str, Any]:
    told = {"id": f"{rule}:1", "rule": rule, "severity": RULES[rule].severity, "account": ACCOUNT,
            "resource": f"arn:aws:iam::{ACCOUNT}:role/idle", "what": "It is idle.", "why": "w", "todo": "t",
            "fixes": [], "steps": [], "accepted": ""}  # fmt: skip
    return {**told, **more}


def fix(operation: str = "DeleteRole", **params: Any) -> dict[str, Any]:
    return {"service": "iam", "operation": operation, "params": params, "region": ""}


def told(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"at": AT, "accounts": [ACCOUNT], "administrators": [], "complete": True, "searched": True, "unread": {},
            "decisions": 1, "findings": list(rows), **more}  # fmt: skip


def suppression(path: Path, **members: Any) -> Path:
    entry = {"id": "unused-role:1", "reason": "for emergencies", "until": "2026-12-31", **members}
    path.write_text(json.dumps([{name: value for name, value in entry.items() if value is not None}]))
    return path


def test_a_suppression_holds_until_its_day_is_past(tmp_path: Path) -> None:
    for until, reason in (("2026-12-31", "for emergencies (until 2026-12-31)"), ("2026-11-29", "")):
        found = accepted.suppressions(suppression(tmp_path / "s", until=until))
        assert accepted.accepted([row()], frozenset(), found, AT)[0]["accepted"] == reason
    (only,) = accepted.suppressions(suppression(tmp_path / "s", until="1970-01-01")).values()
    assert only.holds(86_399)
    assert not only.holds(86_400)


@pytest.mark.parametrize(
    "members", [{"reason": None}, {"reason": " "}, {"until": None}, {"until": "never"}, {"id": None}, {"all": True}]
)
def test_a_suppression_without_a_reason_or_an_end_is_refused(tmp_path: Path, members: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        accepted.suppressions(suppression(tmp_path / "s", **members))


def test_a_report_is_a_baseline_of_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text(json.dumps(report.as_json(told(row(fixes=[fix(RoleName="idle")])))))
    known = accepted.baseline(path)
    marked = accepted.accepted([row(), row("unused-user")], known, {}, AT)
    assert [one["accepted"] for one in marked] == [accepted.BASELINE, ""]
    path.write_text('["unused-user:1"]')
    assert accepted.baseline(path) == {"unused-user:1"}
    for text in ("{}", "[1]", "[{}]", "no", '"x"'):
        path.write_text(text)
        with pytest.raises(ConfigurationError):
            accepted.baseline(path)


@pytest.mark.parametrize(
    ("severity", "at_least", "fails"),
    [("high", "high", True), ("medium", "high", False), ("medium", "medium", True), ("low", "medium", False),
     ("low", "low", True), ("high", "low", True)],
)  # fmt: skip
def test_the_report_fails_by_severity_of_what_is_open(severity: str, at_least: str, *, fails: bool) -> None:
    assert report.fails(told(row(severity=severity)), at_least) is fails
    assert not report.fails(told(row(severity=severity, accepted="known")), at_least)


def test_attack_a_report_that_is_not_complete_never_passes() -> None:
    incomplete = told(complete=False, searched=False, unread={"ssm:GetParameter": "AccessDenied"})
    assert report.fails(incomplete, "high")
    text = "\n".join(report.lines(incomplete))
    assert "Not read: ssm:GetParameter" in text
    assert "given up" in text


def test_the_text_is_by_severity_and_tells_what_to_do() -> None:
    text = "\n".join(report.lines(told(row(), row("escalation-path", steps=["first", "then"]))))
    assert text.index("HIGH  1") < text.index("MEDIUM  1")
    assert "1.   first" in text
    assert RULES["unused-role"].todo in text
    assert "1 account, 0 administrators: 1 high, 1 medium, 0 low" in text


STRANGE = ("-x", "--force", "a b", "'; touch pwned; '", "$(touch pwned)", "`touch pwned`", "a\nb", "*", "\\'", "é", "")


@pytest.mark.parametrize("value", STRANGE)
def test_attack_names_with_the_metacharacters_of_a_shell_stay_names(tmp_path: Path, value: str) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    line = command_line("iam", "DeleteRole", {"RoleName": value, "Tags": [{"Key": value}], "Force": True, "Dry": False})
    assert "\n" not in line
    show = 'aws() { printf "%s\\0" "$@"; }\n'
    ran = subprocess.run([bash, "-c", show + line], cwd=tmp_path, capture_output=True, check=True)
    words = ran.stdout.decode().split("\0")[:-1]
    name = [f"--role-name={value}"] if value.startswith("-") else ["--role-name", value]
    tags = json.dumps([{"Key": value}], separators=(",", ":"))
    assert words == ["iam", "delete-role", *name, "--tags", tags, "--force", "--no-dry"]
    assert not list(tmp_path.iterdir())
    assert quoted("plain") == "plain"


def test_attack_what_is_said_of_a_finding_is_no_line_of_the_script() -> None:
    lines = list(script([row(what="x\nrm -rf /", fixes=[fix(RoleName="idle")])]))
    assert [line for line in lines if not line.startswith("#")] == ["aws iam delete-role --role-name idle"]
    assert all("\n" not in line for line in lines)


def test_the_script_is_by_account_and_leaves_out_what_is_accepted_or_out_of_date() -> None:
    change = fix("UpdateAssumeRolePolicy", RoleName="r", PolicyDocument="{}")
    profile = fix("RemoveRoleFromInstanceProfile", InstanceProfileName="p", RoleName="q")
    rows = [
        row("unused-role", fixes=[profile]),
        row("unused-profile", fixes=[fix("DeleteInstanceProfile", InstanceProfileName="p")]),
        row("trust-of-stranger", fixes=[change]),
        row("trust-without-external-id", fixes=[change]),
        row(fixes=[fix(RoleName="known")], accepted="known"),
        row(fixes=[fix(RoleName="theirs")], account="222222222222"),
    ]
    lines = list(script(rows))
    assert sum("update-assume-role-policy" in line for line in lines) == 1
    assert not any("known" in line for line in lines)
    assert not any("delete-instance-profile" in line for line in lines)
    assert lines.index("# -- with credentials of the account 222222222222") < lines.index(
        "aws iam delete-role --role-name theirs"
    )


def test_nothing_is_called_that_was_not_agreed_to() -> None:
    class Client:
        def __init__(self) -> None:
            self.made: list[str] = []

        def call(self, _service: str, operation: str, _region: str = "", /, **_: Any) -> dict[str, Any]:
            self.made.append(operation)
            return {"Account": ACCOUNT}

    client = Client()
    rows = [row(fixes=[fix("DetachRolePolicy", RoleName="r"), fix(RoleName="r")])]
    assert apply(rows, client, lambda line: "detach" in line, lambda _: None) == 0
    assert client.made == ["get_caller_identity", "detach_role_policy"]


def test_sarif_has_a_rule_a_level_and_a_place_for_each_result() -> None:
    rows = [row(), row("long-lived-key", resource="a b/creds", account=""), row(accepted="known")]
    log = as_sarif(told(*rows, complete=False, unread={"x": "y"}))
    assert (log["version"], set(log)) == ("2.1.0", {"$schema", "version", "runs"})
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == len(RULES)
    for result, given in zip(run["results"], rows, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == given["rule"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert "suppressions" in result or not given["accepted"]
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/creds"
    assert run["invocations"][0]["executionSuccessful"] is False


def test_files_are_read_and_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "creds").write_text(PAIR)
    (tmp_path / "clean").write_text("nothing")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "creds")
    scan = Scan()
    (finding,) = scan.findings((str(tmp_path),))
    assert finding.resource == str(tmp_path / "deep" / "creds")
    assert (scan.files, scan.unread) == (2, {})


def test_attack_a_key_across_two_parts_of_a_large_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b" " * (LARGEST - 4096 - 30) + PAIR.encode() + b" " * 100)
    assert len(Scan().findings((str(file),))) == 1


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    scan = Scan()
    assert scan.findings((str(tmp_path / "nowhere"),)) == []
    assert list(scan.unread) == [str(tmp_path / "nowhere")]
