"""Make `locum/state/data/managed_policies.bin` from the AWS managed policies in moto's data.

    python tools/managed_policies.py

Run it after an update of moto and commit the result. The format is described in `locum.state.managed`.
"""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from moto.iam.aws_managed_policies import aws_managed_policies_data

TARGET: Final = Path(__file__).parent.parent / "src" / "locum" / "state" / "data" / "managed_policies.bin"
ELEMENTS: Final = ("Version", "Id", "Statement")
RENAMED: Final = {"LexBotPolicy": "AmazonLexBotPolicy"}
"""Policies that moto has under another name than AWS."""


def document(policy: dict[str, Any]) -> bytes:
    """The document as compact JSON, with its elements in the usual order."""
    source = policy["Document"]
    if set(source) - set(ELEMENTS):
        raise ValueError(f"an element that is new here: {sorted(source)}")
    return json.dumps({e: source[e] for e in ELEMENTS if e in source}, separators=(",", ":")).encode()


def instant(text: str) -> int:
    """Parse a time to epoch seconds."""
    return int(datetime.fromisoformat(text).timestamp())


def main() -> None:
    """Write the data file."""
    rows: list[list[Any]] = []
    members: list[bytes] = []
    found = {RENAMED.get(name, name): policy for name, policy in json.loads(aws_managed_policies_data).items()}
    for name, policy in sorted(found.items()):
        members.append(zlib.compress(document(policy), 9))
        rows.append(
            [
                name,
                policy["Path"],
                int(policy["DefaultVersionId"].removeprefix("v")),
                instant(policy["CreateDate"]),
                instant(policy["UpdateDate"]),
                len(members[-1]),
            ]
        )
    index = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 9)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(b"".join([len(index).to_bytes(4, "big"), index, *members]))
    print(f"{len(rows)} policies, {TARGET.stat().st_size:,} bytes: {TARGET}")  # noqa: T201 - a tool's report


if __name__ == "__main__":
    main()
