"""The plugin of `locum.testing` in runs of pytest: with workers, beside moto, with its options, and where it fails."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from locum.testing.plane import LocumPlane

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.xdist_group("locum.testing")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "application"

PRELUDE = """
import pytest
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
ASSUME = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}]}
"""

NEEDS = f"""{PRELUDE}
@pytest.fixture
def app(locum_account):
    return locum_account.role(ASSUME, name="app")

def bucket(account):
    account.client("s3").create_bucket(Bucket="data")

def test_puts(locum_account, app):
    bucket(locum_account)
    locum_account.client("s3", role=app).put_object(Bucket="data", Key="one", Body=b"")

def test_sends(locum_account, app):
    url = locum_account.client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    locum_account.client("sqs", role=app).send_message(QueueUrl=url, MessageBody="m")

def test_is_refused(locum_account):
    bucket(locum_account)
    s3 = locum_account.client("s3", role=locum_account.role(name="closed"))
    locum_account.assert_denied("s3:ListBucket", s3.list_objects_v2, Bucket="data")
"""

PUT, SEND = "arn:aws:s3:::data/one", "arn:aws:sqs:us-east-1:*:jobs"


@pytest.fixture(autouse=True)
def _shared(locum: LocumPlane) -> None:
    """Have runs in this process find a plane."""
    assert locum.endpoint


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """A run in this process, on the plane that its tests share."""
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", *arguments)


def alone(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """A run in a process of its own, with as few plugins as it needs."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)


def allowing(action: str, resource: str) -> dict[str, str]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def policies(file: Path, *statements: dict[str, str]) -> None:
    file.write_text(json.dumps({"roles": {"app": [{"Version": "2012-10-17", "Statement": statements}]}}))


def elements(file: Path) -> list[tuple[str, str]]:
    (role,) = json.loads(file.read_text())["roles"].values()
    return [(one["Action"], one["Resource"]) for document in role for one in document["Statement"]]


def ended(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10.0)[0])
    finally:
        os.close(handle)


# -- policies ------------------------------------------------------------------------------------------------


def test_workers_write_and_check_one_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEEDS)
    policies(pytester.path / "known.json", allowing("s3:PutObject", "arn:aws:s3:::data/*"))
    options = "--locum-policy-out=needed.json", "--locum-policy-check=known.json"
    result = alone(pytester, "-n", "2", *options)
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"needed beyond known.json: role app: sqs:SendMessage on {SEND.replace('*', '[*]')}"])
    assert sorted(elements(pytester.path / "needed.json")) == [("s3:PutObject", PUT), ("sqs:SendMessage", SEND)]


def test_a_run_within_the_policies_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEEDS)
    policies(pytester.path / "known.json", allowing("s3:PutObject", PUT), allowing("sqs:*", "*"))
    result = run(pytester, "--locum-policy-check=known.json", "-q")
    result.assert_outcomes(passed=3)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*Locum: policies*")


def test_a_file_that_cannot_be_read_ends_the_run_before_its_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): raise SystemExit('it was run')")
    result = run(pytester, "--locum-policy-check=missing.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--locum-policy-check: *missing.json cannot be read: No such file or directory"])


@pytest.mark.nightly
def test_attack_the_needs_of_a_worker_that_died_are_not_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import os\ndef test_it(): os._exit(1)")
    policies(pytester.path / "known.json", allowing("s3:*", "*"))
    result = alone(pytester, "-n", "1", "--max-worker-restart=0", "--locum-policy-check=known.json")
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["NOT COMPLETE: worker gw0 told nothing of its tests"])


# -- runs ----------------------------------------------------------------------------------------------------


def test_a_failed_test_shows_the_explanation_and_nothing_of_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""{PRELUDE}
def test_it(locum_account):
    s3 = locum_account.client("s3", role=locum_account.role(name="app"))
    with locum_account.assert_allowed("s3:ListAllMyBuckets"):
        s3.list_buckets()
"""
    )
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * DENIED (implicit deny)  s3:ListBuckets", "E *to change it: add to a policy of*"])
    result.stdout.no_fnmatch_line("*expecting.py*")


def test_attack_tests_that_fail_in_setup_or_leave_threads_disturb_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""{PRELUDE}
import threading
go_on, left, told = threading.Event(), [], []

@pytest.fixture
def broken(locum_account):
    locum_account.client("s3").create_bucket(Bucket="data")
    raise RuntimeError("in setup")

def test_fails_in_setup(broken): pass

def test_leaves_a_thread(locum_account):
    s3 = locum_account.client("s3")
    s3.create_bucket(Bucket="data")
    def later():
        go_on.wait(30)
        try:
            s3.create_bucket(Bucket="from-the-thread")
        except Exception as error:
            told.append(type(error).__name__)
    left.append(threading.Thread(target=later))
    left[0].start()

def test_sees_neither(locum_account):
    s3 = locum_account.client("s3")
    go_on.set()
    left[0].join()
    assert told == ["ClientError"]
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="data")
    assert locum_account.denials() == []
"""
    )
    run(pytester).assert_outcomes(passed=2, errors=1)
    run(pytester, "-x").assert_outcomes(errors=1)


def test_tests_are_listed_without_a_plane_and_run_without_the_plugin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("def test_plain(): pass\ndef test_needs_one(locum_account): pass")
    monkeypatch.setattr("locum.testing.plane.shared_plane", lambda: pytest.fail("a plane was started"))
    assert run(pytester, "--co", "-q").ret == pytest.ExitCode.OK
    result = run(pytester, "-p", "no:locum")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'locum_account' not found*"])


def test_mock_aws_beside_it_keeps_its_data_and_leaves_the_planes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import boto3
from moto import mock_aws

def names(client): return [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
def theirs():
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="theirs")
    return client

def test_within_a_test_of_ours(locum_account):
    ours = locum_account.client("s3")
    ours.create_bucket(Bucket="ours")
    with mock_aws():
        client = theirs()
        assert (names(client), names(ours), names(locum_account.client("s3"))) == (["theirs"], ["ours"], ["ours"])
        with locum_account.acting():
            assert names(boto3.client("s3")) == ["ours"]
        assert names(boto3.client("s3", region_name="us-east-1")) == ["theirs"]
    assert names(ours) == ["ours"]

@mock_aws
def test_around_a_test_of_ours(locum_account):
    client, ours = theirs(), locum_account.client("s3")
    ours.create_bucket(Bucket="theirs")
    role = locum_account.role()
    locum_account.assert_denied("s3:*", locum_account.client("s3", role=role).list_buckets)
    assert names(client) == ["theirs"]

@mock_aws
def test_without_ours():
    assert names(boto3.client("s3", region_name="us-east-1")) == []
"""
    )
    alone(pytester, "-W", "error").assert_outcomes(passed=3)


def test_the_example_of_the_documentation_passes(pytester: pytest.Pytester) -> None:
    options = "--locum-policy-check=policies.json", f"--locum-policy-out={pytester.path / 'needed.json'}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=EXAMPLE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    assert ("s3:PutObject", "arn:aws:s3:::pictures/thumbnails/cat.png") in elements(pytester.path / "needed.json")


# -- the process ---------------------------------------------------------------------------------------------


def test_a_directory_for_temporary_files_that_is_too_deep_for_sockets_is_not_used(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20)
    deep.mkdir()
    code = "from locum.testing import LocumPlane as P; print(P().endpoint)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(deep)},
    )
    assert done.stdout.startswith("http://127.0.0.1:"), done.stderr
    assert list(deep.iterdir()) == []


@pytest.fixture
def near() -> Iterator[Path]:
    """A directory whose path is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="near-", dir="/tmp") as folder:
        yield Path(folder)


def test_attack_a_run_that_is_killed_leaves_no_plane_and_no_keys(near: Path) -> None:
    code = "from locum.testing import LocumPlane as P; p = P(); p.endpoint; print(p.pid, flush=True); input()"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "TMPDIR": str(near)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as tests:
        assert tests.stdout is not None
        plane = int(tests.stdout.readline())
        assert list(near.glob("*/data/credentials"))
        tests.kill()
    assert ended(plane)
    assert list(near.iterdir()) == []


def test_a_plane_that_cannot_start_says_why(near: Path) -> None:
    code = "from locum.testing import LocumPlane as P; P(region='mars').endpoint"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(near)},
    )
    assert done.returncode == 1
    assert "'mars' is no region" in done.stderr
    assert list(near.iterdir()) == []


def test_tests_without_boto3_are_told_what_to_install() -> None:
    code = "import sys; sys.modules['boto3'] = None; from locum.testing import LocumPlane"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ImportError: tests with Locum need boto3: pip install 'locum[testing]'" in done.stderr
