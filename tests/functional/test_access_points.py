"""The AWS CLI reads and writes through an access point of S3, with a role that may use it and nothing else."""

from __future__ import annotations

from pathlib import Path

from support.plane import ACCOUNT, COMMAND_LINES, REGION, RunningPlane, allow, command_lines
from support.tools import Worker


@command_lines
def test_the_aws_cli_uses_an_access_point_by_its_alias_and_by_its_arn(
    plane: RunningPlane, tmp_path: Path, version: str
) -> None:
    bucket, control = plane.bucket(), plane.client("s3control", proxies={"http": plane.endpoint})
    made = control.create_access_point(AccountId=ACCOUNT, Name=f"cli-{version}", Bucket=bucket)
    point, alias, program = made["AccessPointArn"], made["Alias"], str(COMMAND_LINES[version])
    worker = Worker(
        plane,
        allow(["s3:ListBucket"], f"arn:aws:s3:::{bucket}"),
        allow(["s3:ListBucket"], point),
        allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/*"),
        allow(["s3:GetObject", "s3:PutObject"], f"{point}/object/*"),
    )
    (tmp_path / "note").write_text("through the access point")

    here = ("--endpoint-url", plane.endpoint)
    worker.works(program, *here, "s3", "cp", str(tmp_path / "note"), f"s3://{alias}/a/note")
    assert "a/note" in worker.works(program, *here, "s3", "ls", "--recursive", f"s3://{alias}/")
    worker.works(program, *here, "s3", "cp", f"s3://{alias}/a/note", str(tmp_path / "by-alias"))
    assert (tmp_path / "by-alias").read_text() == "through the access point"

    # The plane answers AWS's hosts as a proxy, and those below localhost, which do not resolve on every machine.
    port, proxy = plane.endpoint.rpartition(":")[2], {"http_proxy": plane.endpoint, "no_proxy": ""}
    for host in (f"s3-accesspoint.{REGION}.amazonaws.com", f"localhost:{port}"):
        there = tmp_path / host.replace(":", "-")
        endpoint = ("--endpoint-url", f"http://{host}")
        worker.works(program, *endpoint, "s3", "cp", f"s3://{point}/a/note", str(there), **proxy)
        assert there.read_text() == "through the access point"

    said = worker.run(program, *here, "s3", "rm", f"s3://{alias}/a/note")
    assert said.returncode != 0
    assert "AccessDenied" in said.stderr + said.stdout
    versioning = ("s3api", "put-bucket-versioning", "--bucket", alias, "--versioning-configuration", "Status=Enabled")
    assert "MethodNotAllowed" in worker.run(program, *here, *versioning).stderr
