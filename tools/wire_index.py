"""Make `src/locum/wire/data/services.json` from botocore's service models and Locum's own; see `locum.wire.models`.

    python tools/wire_index.py          # after an update of botocore

The models are read with the standard library, which takes two seconds for all services.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "src" / "locum" / "wire" / "data"
OUTPUT = DATA / "services.json"
OWN_MODELS = DATA / "models"

Model = dict[str, Any]

# The services whose operations include (nearly) all of those of other services with the same name and version.
_GENERAL = ("rds", "timestream-write")


def data_path() -> Path:
    """The directory of the installed botocore's models."""
    spec = find_spec("botocore")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


def versions_of(name: str, root: Path) -> list[str]:
    """The API versions of a service with a model, the latest last."""
    return sorted(path.parent.name for path in (root / name).glob("*/service-2.json*"))


def read_model(name: str, root: Path) -> Model:
    """The latest model of a service."""
    (path,) = (root / name / versions_of(name, root)[-1]).glob("service-2.json*")
    content = path.read_bytes()  # compressed since botocore 1.32
    model: Model = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    return model


def service_row(name: str, model: Model, root: Path) -> list[str]:
    """Signing name, endpoint prefix, versions, protocols (the preferred one first) and target prefix."""
    metadata = model["metadata"]
    protocols = [metadata["protocol"], *metadata.get("protocols", [])]
    if "awsQueryCompatible" in metadata:
        protocols.append("query")
    return [
        metadata.get("signingName", metadata["endpointPrefix"]),
        metadata["endpointPrefix"],
        " ".join(versions_of(name, root)),
        " ".join(dict.fromkeys(protocols)),
        metadata.get("targetPrefix", ""),
    ]


def exclusive_operations(models: Mapping[str, Model]) -> dict[str, list[str]]:
    """The operations of a service that the general one of the same signing name, version and target does not have."""
    groups = defaultdict(list)
    for name, model in models.items():
        metadata = model["metadata"]
        if not metadata["protocol"].startswith("rest"):
            signing = metadata.get("signingName", metadata["endpointPrefix"])
            groups[signing, metadata["apiVersion"], metadata.get("targetPrefix")].append(name)
    found = {}
    for names in groups.values():
        general = next((name for name in names if name in _GENERAL), names[0])
        for name in names:
            if name != general:
                found[name] = sorted(models[name]["operations"].keys() - models[general]["operations"].keys())
    return found


def first_segment(uri: str) -> str:
    """The first segment of a path template; `*` for a label."""
    segment = re.split(r"[/?]", uri.removeprefix("/"), maxsplit=1)[0]
    return "*" if segment.startswith("{") else segment


def shared_roots(models: Mapping[str, Model]) -> dict[str, dict[str, list[str]]]:
    """The services by first path segment, for each signing name that several REST services share."""
    roots: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    users = defaultdict(set)
    for name, model in models.items():
        metadata = model["metadata"]
        if metadata["protocol"].startswith("rest"):
            signing = metadata.get("signingName", metadata["endpointPrefix"])
            users[signing].add(name)
            for operation in model["operations"].values():
                roots[signing][first_segment(operation["http"]["requestUri"])].add(name)
    return {
        signing: {segment: sorted(names) for segment, names in sorted(roots[signing].items())}
        for signing in sorted(users)
        if len(users[signing]) > 1
    }


def unsigned_routes(models: Mapping[str, Model]) -> list[list[str]]:
    """The REST operations without authentication."""
    return [
        [operation["http"]["method"], operation["http"]["requestUri"], name, operation["name"]]
        for name, model in models.items()
        if model["metadata"]["protocol"].startswith("rest")
        for operation in model["operations"].values()
        if operation.get("authtype") == "none" or operation.get("auth") == ["smithy.api#noAuth"]
    ]


def build(*roots: Path) -> dict[str, Any]:
    """Build the index of the services in directories of models."""
    places = {path.name: root for root in roots for path in root.iterdir() if path.is_dir()}
    models = {name: read_model(name, places[name]) for name in sorted(places)}
    return {
        "services": {name: service_row(name, model, places[name]) for name, model in models.items()},
        "exclusive": exclusive_operations(models),
        "roots": shared_roots(models),
        "unsigned": unsigned_routes(models),
    }


def dump(index: Mapping[str, Any]) -> str:
    """The index as compact text with one service per line, so that diffs show changes."""
    rows = ",\n".join(f"{json.dumps(name)}:{_compact(row)}" for name, row in index["services"].items())
    rest = ",\n".join(f"{json.dumps(key)}:{_compact(index[key])}" for key in ("exclusive", "roots", "unsigned"))
    return f'{{"services":{{\n{rows}\n}},\n{rest}}}\n'


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    OUTPUT.write_text(dump(build(data_path(), OWN_MODELS)), encoding="utf-8")
    sys.stdout.write(f"{OUTPUT.name}: {OUTPUT.stat().st_size} bytes\n")
