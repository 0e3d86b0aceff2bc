"""Make `src/locum/wire/data/later_models.json`: what a later botocore has that the installed one lacks.

    pip download --no-deps botocore==VERSION && unzip botocore-*.whl -d DIR
    python tools/later_models.py DIR/botocore/data

For the services that Locum implements in whole: their new operations, and the shapes and members that these and older
ones have. Clients of that botocore are answered before Locum's own dependencies allow it. Run it after an update of
botocore, and commit the result; what the installed botocore has meanwhile is left out then.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from wire_index import data_path, read_model

OUTPUT: Final = Path(__file__).parents[1] / "src" / "locum" / "wire" / "data" / "later_models.json"
SERVICES: Final = ("iam", "sts", "organizations")

Model = dict[str, Any]


def without_documentation(value: Any) -> Any:
    """`value` without the documentation texts; a member may be called `documentation`, too."""
    if isinstance(value, list):
        return [without_documentation(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {k: without_documentation(v) for k, v in value.items() if k != "documentation" or isinstance(v, dict)}


def added_to_shape(known: Model | None, later: Model) -> Model:
    """The parts that `later` has and `known` has not: all of it, or further members and looser constraints."""
    if known is None:
        return later
    members = {name: m for name, m in later.get("members", {}).items() if name not in known.get("members", {})}
    scalars = {k: later[k] for k in ("min", "max", "pattern") if k in later and later[k] != known.get(k)}
    return {**({"members": members} if members else {}), **scalars}


def additions(known: Model, later: Model) -> Model:
    """The parts that the model `later` has and `known` has not."""
    operations = {name: o for name, o in later["operations"].items() if name not in known["operations"]}
    shapes = {name: added_to_shape(known["shapes"].get(name), shape) for name, shape in later["shapes"].items()}
    return {"operations": operations, "shapes": {name: shape for name, shape in shapes.items() if shape}}


def main() -> None:
    """Write the data file."""
    later = Path(sys.argv[1])
    models = {
        name: additions(*(without_documentation(read_model(name, root)) for root in (data_path(), later)))
        for name in SERVICES
    }
    found = {name: model for name, model in models.items() if model["operations"] or model["shapes"]}
    OUTPUT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes, {', '.join(found) or 'nothing'}\n")


if __name__ == "__main__":
    main()
