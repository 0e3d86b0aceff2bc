"""Make `src/locum/wire/data/older_bindings.json`: HTTP bindings that operations had in older releases of botocore.

    pip download --no-deps botocore==VERSION && unzip botocore-*.whl -d DIR       # the last of each minor version
    python tools/older_bindings.py DIR/botocore/data...

A binding is listed where its method or its path differs from the installed one's by more than a slash at the end or the
names of labels; with it, the members that were elsewhere in the request. Run it after an update of botocore, and commit
the result.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from wire_index import data_path, read_model, versions_of

OUTPUT: Final = Path(__file__).parents[1] / "src" / "locum" / "wire" / "data" / "older_bindings.json"
LABEL: Final = re.compile(r"\{[^{}+]*(\+?)\}")

Model = dict[str, Any]


def route(operation: Model) -> tuple[str, str]:
    """Method and path of an operation, without what routing does not tell apart."""
    http = operation["http"]
    return http["method"], LABEL.sub(r"{\1}", http["requestUri"]).removesuffix("/")


def locations(model: Model, operation: Model) -> Model:
    """The members of the input that are not in the body: location and name there."""
    members = model["shapes"][operation["input"]["shape"]].get("members", {}) if "input" in operation else {}
    return {
        name: [member["location"], member.get("locationName", name)]
        for name, member in members.items()
        if "location" in member
    }


def bindings(name: str, older: Model, newer: Model) -> Iterator[list[Any]]:
    """The rows of one service in one older release."""
    for operation in older["operations"].values() if older["metadata"]["protocol"].startswith("rest") else ():
        now = newer["operations"].get(operation["name"])
        if now is not None and route(now) != route(operation):
            http = operation["http"]
            yield [name, operation["name"], http["method"], http["requestUri"], locations(older, operation)]


def main() -> None:
    """Write the data file."""
    present = data_path()
    rows: dict[str, list[Any]] = {}
    for root in map(Path, sys.argv[1:]):
        for name in sorted(path.name for path in root.iterdir() if path.is_dir()):
            if versions_of(name, root) and versions_of(name, present):
                found = bindings(name, read_model(name, root), read_model(name, present))
                rows.update((json.dumps(row[:4]), row) for row in found)
    lines = ",\n".join(json.dumps(rows[key], separators=(",", ":")) for key in sorted(rows))
    OUTPUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    sys.stdout.write(f"{OUTPUT.name}: {len(rows)} bindings\n")


if __name__ == "__main__":
    main()
