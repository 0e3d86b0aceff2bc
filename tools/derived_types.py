"""Make `derived.json`: the resource types without a table of which a row can be derived.

    python tools/derived_types.py

The types that a test verifies on the embedded backend (`verified`) are kept, as far as they are derived. Those of
`NEVER_READY` are left out. Run it after an update of cfn-lint or botocore, and commit the result.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.derivation.rows import derived_row
from locum.services.cloudformation.schemas import schema_of

OUTPUT: Final = Path(__file__).parents[1] / "src/locum/services/cloudformation/providers/derived.json"
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


def derivable() -> list[str]:
    """The types of which a row can be derived."""
    tables = set(PROVIDERS) | NEVER_READY | NOT_THOSE
    kinds = [kind for kind in sorted(PROVIDER_SCHEMA_MANAGER.get_resource_types(REGION)) if kind not in tables]
    schemas = {kind: schema_of(kind) for kind in kinds}
    return [kind for kind, schema in schemas.items() if schema is not None and derived_row(kind, schema) is not None]


def main() -> None:
    """Write the data file."""
    kinds = derivable()
    known = json.loads(OUTPUT.read_text("utf-8"))["verified"]
    verified = [kind for kind in known if kind in kinds]
    found = {"verified": verified, "derived": [kind for kind in kinds if kind not in verified]}
    OUTPUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{OUTPUT.name}: {len(kinds)} types, {len(verified)} of them verified\n")


if __name__ == "__main__":
    main()
