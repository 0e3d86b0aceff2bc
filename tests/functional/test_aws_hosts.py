"""`locum run --aws-hosts`: programs that know nothing of Locum call AWS's own host names, over TLS that they trust."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import javascript
from support.inside import Inside, inside
from support.plane import ACCOUNT, COMMAND_LINES, RunningPlane, allow, document, needs_namespaces
from support.processes import python

pytestmark = [needs_namespaces, pytest.mark.xdist_group("aws-hosts")]
DEBIANS = COMMAND_LINES["v2"]
BUCKET, KEY, BODY = "dots.in.its-name", "a key", "said"


@pytest.fixture(scope="module")
def profile(plane: RunningPlane) -> str:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=BODY.encode())
    return plane.profile(allow("*"))


@pytest.fixture(scope="module")
def app(plane: RunningPlane, profile: str) -> Iterator[Inside]:
    with inside(plane, "--aws-hosts", "--profile", profile) as program:
        yield program


def shell(plane: RunningPlane, profile: str, script: str, *flags: str) -> str:
    """What a shell inside says, which succeeds."""
    flags = flags or ("--aws-hosts", "--profile", profile)
    done = plane.locum("run", *flags, "--", "sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    return done.stdout


def arn(profile: str) -> str:
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/i-"


# -- clients -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not DEBIANS.exists(), reason=f"no AWS CLI at {DEBIANS}")
def test_debians_aws_cli_needs_no_endpoint(plane: RunningPlane, profile: str, tmp_path: Path) -> None:
    script = f"""
        export AWS_PAGER= PATH=/usr/bin:/bin
        aws --output text sts get-caller-identity --query Arn
        aws s3 cp --only-show-errors 's3://{BUCKET}/{KEY}' {tmp_path}/copy
        aws s3 cp --only-show-errors {tmp_path}/copy s3://{BUCKET}/copy
        aws s3 ls s3://{BUCKET} | wc -l
        aws sqs create-queue --queue-name hosts --output text
        aws sqs send-message --queue-url https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/hosts --message-body x
        aws sqs get-queue-attributes --attribute-names ApproximateNumberOfMessages --output text \
          --queue-url https://queue.amazonaws.com/{ACCOUNT}/hosts
        aws dynamodb list-tables --region eu-west-1 --output text
        aws s3api list-buckets --endpoint-url https://s3.dualstack.us-east-1.amazonaws.com --output text
    """
    said = shell(plane, profile, script)
    assert said.startswith(arn(profile))
    assert (tmp_path / "copy").read_text() == BODY
    assert f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/hosts" in said
    assert "ATTRIBUTES\t1" in said
    assert BUCKET in said


def test_boto3_needs_no_endpoint(app: Inside, profile: str) -> None:
    assert "AWS_ENDPOINT_URL" not in app.ask(environ=True)
    assert app.call("sts", "get_caller_identity")["Arn"].startswith(arn(profile))
    assert app.call("s3", "get_object", Bucket=BUCKET, Key=KEY)["Body"] == BODY
    assert "TableNames" in app.call("dynamodb", "list_tables")
    assert "AccessPointList" in app.call("s3control", "list_access_points", AccountId=ACCOUNT)
    assert "AccountAliases" in app.call("iam", "list_account_aliases")


def test_the_sdk_for_javascript_needs_no_endpoint(plane: RunningPlane, profile: str) -> None:
    line = javascript.line("hosts.mjs")
    done = plane.locum("run", "--aws-hosts", "--profile", profile, "--", *line, BUCKET, KEY)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["arn"].startswith(arn(profile))
    assert told["body"] == BODY


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_curl_signs_for_a_host_name(plane: RunningPlane, profile: str) -> None:
    script = """
        base=http://169.254.169.254/latest
        token=$(curl -sSf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $base/api/token)
        role=$(curl -sSf -H "X-aws-ec2-metadata-token: $token" $base/meta-data/iam/security-credentials/)
        keys=$(curl -sSf -H "X-aws-ec2-metadata-token: $token" $base/meta-data/iam/security-credentials/$role)
        of() { echo "$keys" | sed -n "s/.*\\"$1\\" : \\"\\(.*\\)\\".*/\\1/p"; }
        curl -sSf --aws-sigv4 aws:amz:eu-west-1:sts --user "$(of AccessKeyId):$(of SecretAccessKey)" \
          -H "x-amz-security-token: $(of Token)" -d 'Action=GetCallerIdentity&Version=2011-06-15' \
          https://sts.eu-west-1.amazonaws.com/
    """
    assert arn(profile) in shell(plane, profile, script)


def test_a_client_that_reads_no_variables_trusts_the_machines_bundle(plane: RunningPlane, profile: str) -> None:
    if shutil.which("curl") is None or not Path("/etc/ssl/certs/ca-certificates.crt").exists():
        pytest.skip("no curl, or another distribution's bundle")
    url = "'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08'"
    said = shell(plane, profile, f"env -i $(command -v curl) -sS {url}")
    assert "MissingAuthenticationToken" in said


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_openssl_is_shown_a_certificate_for_the_name(plane: RunningPlane, profile: str) -> None:
    name = f"{BUCKET}.s3.us-west-2.amazonaws.com"
    script = f"""
        openssl s_client -connect {name}:443 -servername {name} -verify_hostname {name} -verify_return_error </dev/null
    """
    assert "Verify return code: 0 (ok)" in shell(plane, profile, script)


# -- what policies see ---------------------------------------------------------------------------------------


def test_calls_come_over_tls_and_are_for_the_region_of_the_host(plane: RunningPlane, app: Inside) -> None:
    denied = {
        **allow("s3:GetObject", f"arn:aws:s3:::{BUCKET}/*", Bool={"aws:SecureTransport": "false"}),
        "Effect": "Deny",
        "Principal": "*",
    }
    plane.client("s3").put_bucket_policy(Bucket=BUCKET, Policy=document(denied))
    assert app.call("s3", "get_object", Bucket=BUCKET, Key=KEY)["Body"] == BODY
    status, page = app.ask(page=[f"{BUCKET}.s3.eu-west-1.amazonaws.com", "/key"])  # by plain HTTP, unsigned
    assert (status, "AccessDenied" in page) == (403, True)
    assert json.loads(plane.locum("explain", "--json").stdout)["region"] == "eu-west-1"
    plane.client("s3").delete_bucket_policy(Bucket=BUCKET)


# -- the instance and the machine ----------------------------------------------------------------------------


def test_another_command_in_the_instance_has_the_host_names_too(plane: RunningPlane, app: Inside, profile: str) -> None:
    with inside(plane, app.instance, command="exec") as other:
        assert other.call("sts", "get_caller_identity")["Arn"].startswith(arn(profile))


def test_a_running_instance_without_them_does_not_get_them(plane: RunningPlane, profile: str) -> None:
    with inside(plane, "--profile", profile) as plain:
        done = plane.locum("exec", "--aws-hosts", plain.instance, "--", "true")
        assert done.returncode == 1
        assert "runs without AWS's host names" in done.stderr
        assert not plain.ask(reach=["sts.amazonaws.com", 443])


def test_they_take_a_network_namespace(plane: RunningPlane) -> None:
    done = plane.locum("run", "--network", "loopback", "--aws-hosts", "--", "true")
    assert done.returncode == 1
    assert "--aws-hosts takes a network namespace" in done.stderr


def test_the_machines_files_are_as_they_were(plane: RunningPlane, app: Inside) -> None:
    for name in ("/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt"):
        outside, seen = Path(name), app.ask(read=name)
        assert (seen is None) == (not outside.exists())
        assert seen is None or seen != outside.read_text()
    assert app.ask(read=str(plane.data / "tls-authority-key.pem")) is None
    assert "PRIVATE" not in app.ask(read=str(plane.data / "authority.pem"))


@pytest.mark.parametrize("name", ["example.com", "amazonaws.com", "sts.amazonaws.com.example.com", "s3.amazon.com"])
def test_no_other_host_is_reached(app: Inside, name: str) -> None:
    assert not app.ask(reach=[name, 443])


def test_another_instances_names_are_answered_by_its_own_sockets(plane: RunningPlane, app: Inside) -> None:
    powerless = plane.profile(allow("sts:*"))
    with inside(plane, "--aws-hosts", "--profile", powerless) as other:
        assert other.refused("s3", "get_object", Bucket=BUCKET, Key=KEY).code == "AccessDenied"
        assert other.call("sts", "get_caller_identity")["Arn"].startswith(arn(powerless))
    assert app.call("s3", "get_object", Bucket=BUCKET, Key=KEY)["Body"] == BODY


# -- machines with other files -------------------------------------------------------------------------------

LAID = """
import os, sys
from pathlib import Path
from locum.compute import aws_hosts, namespace
from locum.compute.aws_hosts import AwsHosts

namespace.enter_new()
for place in sys.argv[2:]:
    namespace.hide(Path(place))
folder = Path(sys.argv[1])
aws_hosts.lay(AwsHosts(("amazonaws.com",), b"AUTHORITY\\n", folder))
print(sorted(os.listdir(folder)), (folder / "ca-certificates.pem").read_bytes()[-10:])
"""


@pytest.mark.parametrize("missing", [["/etc/ssl", "/etc/pki"], ["/etc"]])
def test_a_machine_without_those_files_has_them_by_the_variables(tmp_path: Path, missing: list[str]) -> None:
    done = python(LAID, str(tmp_path), *missing)
    assert (done.returncode, done.stderr) == (0, "")
    names = ["authority.pem", "ca-certificates.pem", "nsswitch.conf", "resolv.conf"]
    assert done.stdout == f"{names} {b'AUTHORITY' + chr(10).encode()!r}\n"
    assert list(tmp_path.iterdir()) == []


# -- restart -------------------------------------------------------------------------------------------------


def test_the_names_outlive_the_plane(tmp_path: Path) -> None:
    with ExitStack() as stack:
        plane = RunningPlane(tmp_path)
        stack.callback(plane.kill)
        profile = plane.profile(allow("*"))
        app = stack.enter_context(inside(plane, "--aws-hosts", "--profile", profile))
        assert app.call("sts", "get_caller_identity")
        plane.stop()
        plane.start()
        assert app.call("sts", "get_caller_identity")["Arn"].startswith(arn(profile))
