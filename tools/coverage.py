"""Report the operations of the identity services in botocore that Locum implements.

These are the installed one, and later ones as far as they are known (`tools/later_models.py`).

    python tools/coverage.py

Exit code 1 where one of IAM or STS is missing.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import botocore

from locum.wire.models import service_model

SERVICES: Final = ("iam", "sts", "organizations")
WHOLE: Final = frozenset({"iam", "sts"})
"""The services of which all operations must be implemented."""


class Coverage(NamedTuple):
    """The operations of one service: those of botocore's model, and Locum's."""

    service: str
    modelled: frozenset[str]
    implemented: frozenset[str]

    @property
    def missing(self) -> list[str]:
        """The operations that Locum does not implement."""
        return sorted(self.modelled - self.implemented)

    @property
    def unknown(self) -> list[str]:
        """The operations that Locum implements and the model does not have (any more)."""
        return sorted(self.implemented - self.modelled)

    def lines(self) -> Iterator[str]:
        """The lines of the report."""
        found = len(self.modelled & self.implemented)
        yield f"{self.service:15} {found:3} of {len(self.modelled):3} operations, {len(self.missing)} missing"
        yield from (f"    missing  {name}" for name in self.missing)
        yield from (f"    unknown  {name}" for name in self.unknown)


def coverage(service: str) -> Coverage:
    """The coverage of `service` (botocore's name)."""
    modelled = service_model(service).operation_names
    own = importlib.import_module(f"locum.services.{service}").OPERATIONS
    return Coverage(service, frozenset(modelled), frozenset(own))


def main() -> int:
    """Print the report of all services."""
    found = [coverage(service) for service in SERVICES]
    report = [f"botocore {botocore.__version__}", *(line for one in found for line in one.lines())]
    sys.stdout.write("\n".join(report) + "\n")
    return int(any(one.missing or one.unknown for one in found if one.service in WHOLE))


if __name__ == "__main__":
    sys.exit(main())
