"""Make `src/locum/wire/data/later_models.json`: what the latest botocore has that the oldest one lacks.

    pip download --no-deps botocore==VERSION && unzip botocore-*.whl -d DIR      # for each of the two
    python tools/later_models.py OLDEST/botocore LATEST/botocore

The oldest is the one that `pyproject.toml` allows. For Locum's own services: the operations that it carries out, and
the shapes and members that these have. So those are the same whatever botocore is installed beside Locum, and clients
of the latest one are answered before its dependencies allow it. Run it where the oldest or the latest is another one,
or where a verb is added, and commit the result.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from wire_index import read_model

OUTPUT: Final = Path(__file__).parents[1] / "src" / "locum" / "wire" / "data" / "later_models.json"
WHOLE: Final = ("iam", "sts", "organizations")
"""The services of which all operations are Locum's."""
SERVICES: Final = (
    *WHOLE, "accessanalyzer", "autoscaling", "cloudcontrol", "cloudformation", "cloudtrail", "ec2", "rolesanywhere",
    "ssm",
)  # fmt: skip

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
    scalars = {k: later[k] for k in ("min", "max", "pattern", "enum") if k in later and later[k] != known.get(k)}
    return {**({"members": members} if members else {}), **scalars}


def additions(known: Model, later: Model) -> Model:
    """The parts that the model `later` has and `known` has not."""
    operations = {name: o for name, o in later["operations"].items() if name not in known["operations"]}
    shapes = {name: added_to_shape(known["shapes"].get(name), shape) for name, shape in later["shapes"].items()}
    return {"operations": operations, "shapes": {name: shape for name, shape in shapes.items() if shape}}


def named_shapes(model: Model, value: Any) -> set[str]:
    """The names of the shapes that a part of `model` refers to, and of those that these refer to."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            name = part.get("shape")
            if isinstance(name, str) and name in model["shapes"] and name not in found:
                found.add(name)
                waiting.append(model["shapes"][name])
    return found


def of_ours(name: str, model: Model) -> Model:
    """`model` with the operations that Locum carries out, and what these refer to."""
    if name in WHOLE:
        return model
    ours = import_module(f"locum.services.{name}").OPERATIONS
    operations = {key: operation for key, operation in model["operations"].items() if key in ours}
    named = named_shapes(model, operations)
    return {"operations": operations, "shapes": {key: it for key, it in model["shapes"].items() if key in named}}


def version_of(botocore: Path) -> str:
    """The version of an unpacked botocore."""
    found = re.search(r"^__version__ = '([0-9.]+)'", (botocore / "__init__.py").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def main() -> None:
    """Write the data file."""
    oldest, latest = map(Path, sys.argv[1:3])
    models = {}
    for name in SERVICES:
        old, new = (without_documentation(read_model(name, root / "data")) for root in (oldest, latest))
        models[name] = additions(old, of_ours(name, new))
    found: Model = {name: model for name, model in models.items() if model["operations"] or model["shapes"]}
    found["botocore"] = version_of(latest)
    OUTPUT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes, {', '.join(found) or 'nothing'}\n")


if __name__ == "__main__":
    main()
