"""Write the generated parts of the reference anew, or check that they are as they would be written.

    python tools/docs_reference.py [--check]

A part is what is between `<!-- generated: NAME -->` and `<!-- end -->` in a page of docs/reference. Exit code 1 where one
is not as it would be written.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from catalogue_coverage import EXACT, keys

from locum.authz import catalogue
from locum.authz.context import KNOWN_KEYS
from locum.sigv4.faults import Failure, Family, code_of

PAGES: Final = Path(__file__).resolve().parents[1] / "docs" / "reference"
_PART: Final = re.compile(r"(?<=<!-- generated: )(\S+)( -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)
_SHOWN: Final = ("s3", "iam", "sts", "ec2", "lambda", "dynamodb", "sqs", "sns", "kms", "secretsmanager", "ssm", "events",
                 "cloudformation", "organizations", "autoscaling", "ecs", "eks", "logs", "cloudtrail")  # fmt: skip
"""The services whose keys are listed: those that are used most."""
_FAMILIES_OF_KEYS: Final = tuple(key for key in KNOWN_KEYS if key.endswith(":"))


def service_keys() -> Iterator[str]:
    """The condition keys of services: those that have a value, and those that never have."""
    yield "| service | has a value | is never there |"
    yield "|---|---|---|"
    for service in _SHOWN:
        prefix = catalogue.service(service).prefix
        found: Mapping[bool, list[str]] = defaultdict(list)
        for key, kind in keys(service).items():
            if key.startswith(f"{prefix}:"):  # others are all services', or claims of identity providers
                found[kind == EXACT or key.lower().startswith(_FAMILIES_OF_KEYS)].append(f"`{key}`")
        if found:
            yield f"| {prefix} | {', '.join(found[True]) or '-'} | {', '.join(found[False]) or '-'} |"


def authentication_errors() -> Iterator[str]:
    """Failures of authentication, and their codes by the family of the service."""
    yield f"| what is wrong | {' | '.join(_FAMILIES.values())} |"
    yield "|---|" + "---|" * len(_FAMILIES)
    for failure in Failure:
        codes = {family: "`{}` {}".format(*code_of(failure, family)) for family in _FAMILIES}
        if failure not in _FAILURES:  # of what S3 alone is sent
            codes = {family: code if family is Family.S3 else "-" for family, code in codes.items()}
        yield f"| {_FAILURES.get(failure, _of_payloads(failure))} | {' | '.join(codes.values())} |"


def _of_payloads(failure: Failure) -> str:
    """Those of what S3 is sent are told by their names."""
    return f"the payload: {failure.name.lower().replace('_', ' ')}"


_FAMILIES: Final = {
    Family.QUERY: "IAM, STS and others with XML",
    Family.JSON: "JSON (DynamoDB, KMS)",
    Family.REST_JSON: "REST with JSON (Lambda)",
    Family.EC2: "EC2",
    Family.S3: "S3",
}
_FAILURES: Final = {
    Failure.MISSING: "no signature",
    Failure.UNKNOWN_KEY: "no such access key, or an inactive one",
    Failure.INVALID_TOKEN: "a session token of another installation or key",
    Failure.EXPIRED_TOKEN: "a session that has ended",
    Failure.UNSUPPORTED: "another scheme than version 4",
    Failure.TWO_MECHANISMS: "signed by header and in the URL",
    Failure.INCOMPLETE_HEADER: "an Authorization header with a part missing",
    Failure.INCOMPLETE_QUERY: "a presigned URL with a part missing",
    Failure.NO_DATE: "no date",
    Failure.HEADER_SCOPE: "a scope of another day, region or service, by header",
    Failure.QUERY_SCOPE: "the same in a URL",
    Failure.UNSIGNED_HEADER: "a header that has to be signed, and is not",
    Failure.STALE: "signed more than 15 minutes ago",
    Failure.EARLY: "signed more than 15 minutes ahead",
    Failure.STALE_URL: "a presigned URL past its end",
    Failure.EARLY_URL: "a presigned URL before its time",
    Failure.SIGNATURE: "a signature that is not that of the request",
}
PARTS: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "service-keys": service_keys,
    "authentication": authentication_errors,
}


def written(text: str) -> str:
    """A page with its parts written anew."""

    def part(found: re.Match[str]) -> str:
        lines = "\n".join(PARTS[found[1]]())
        return f"{found[1]}{found[2]}\n{lines}\n\n"

    return _PART.sub(part, text)


def main() -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description="Write the generated parts of docs/reference.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a part is old")
    check, old = parser.parse_args().check, []
    for path in sorted(PAGES.glob("*.md")):
        before = path.read_text()
        after = written(before)
        if before != after:
            old.append(path.name)
            if not check:
                path.write_text(after)
    if check and old:
        print(f"old: {', '.join(old)}; write them anew with python tools/docs_reference.py", file=sys.stderr)  # noqa: T201
    return 1 if check and old else 0


if __name__ == "__main__":
    raise SystemExit(main())
