"""Make `derived.bin`: the rows that can be derived of resource types without a table (`derivation`).

    python tools/derived_types.py

Run it after an update of cfn-lint or botocore, or where a type has got a table, and commit the result.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from derivation.encoding import compressed, encoded
from derivation.rows import Derived, derived_row

from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.schemas import schema_of

OUTPUT: Final = Path(__file__).parents[1] / "src/locum/services/cloudformation/providers/derived.bin"
REGION: Final = "us-east-1"

NEVER_READY: Final = frozenset(
    {
        "AWS::Comprehend::DocumentClassifier",
        "AWS::Lex::Bot",
        "AWS::Lex::BotAlias",
        "AWS::MSK::Cluster",
    }
)
"""Types that the embedded backend makes and never shows as ready."""

NOT_THOSE: Final = frozenset({"AWS::Deadline::LicenseEndpoint", "AWS::FMS::Policy", "AWS::MediaConnect::FlowSource"})
"""Types that are derived from an operation which makes something else."""


def rows() -> dict[str, Derived]:
    """The rows that can be derived."""
    left_out = set(PROVIDERS) | NEVER_READY | NOT_THOSE
    kinds = [kind for kind in PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION) if kind not in left_out]
    schemas = {kind: schema for kind in kinds if (schema := schema_of(kind)) is not None}
    return {kind: row for kind, schema in schemas.items() if (row := derived_row(kind, schema)) is not None}


def main() -> None:
    """Write the data file."""
    found = rows()
    OUTPUT.write_bytes(compressed(encoded(found)))
    sys.stdout.write(f"{OUTPUT.name}: {len(found)} types, {OUTPUT.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
