"""The services: an index of all of them for routing, and the model of each, loaded at its first use.

botocore's models of all services take seconds and hundreds of megabytes to load. `tools/wire_index.py` extracts what
routing needs into `data/services.json`; a service's model is read from botocore's data once a request has been routed
to it. Importing this module does not import botocore. `OWN_MODELS` has the model of a service of Locum's own, `locum`,
in the same form.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from locum.core.errors import Fault

if TYPE_CHECKING:
    from botocore.model import OperationModel, ServiceModel

CBOR = "smithy-rpc-v2-cbor"
REST = ("rest-json", "rest-xml")

_DATA = Path(__file__).parent / "data" / "services.json"
_LATER = Path(__file__).parent / "data" / "later_models.json"
"""What Locum's own services have in the `botocore` that it was written for, and lack in older ones
(`tools/later_models.py`)."""

_OWN = Path(__file__).parent / "data" / "own_operations.json"
"""Operations that botocore's models lack, written by hand: IAM Roles Anywhere's CreateSession, those of SSM Agent."""

OWN_MODELS = Path(__file__).parent / "data" / "models"
"""The models of services that are no AWS services: a search path of botocore's loaders, for clients as well."""

_BINDING = ("location", "locationName")

# Signing names that no model has.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-authenticating-authorizing.html and the like.
_SIGNING_ALIASES = {"s3express": "s3", "s3-object-lambda": "s3", "email": "ses", "awsssooidc": "sso-oauth"}
_ALSO_SIGNED_AS = {"s3-outposts": ("s3control",)}
"""The further services of a signing name: S3 Control signs so for a bucket of S3 on Outposts."""


class Service(NamedTuple):
    """A service in the index. `protocols` has the preferred one first; `versions` the latest last."""

    name: str
    signing_name: str
    endpoint_prefix: str
    versions: tuple[str, ...]
    protocols: tuple[str, ...]
    target_prefix: str

    @property
    def without_cbor(self) -> str | None:
        """The preferred protocol other than CBOR; None where there is none."""
        return next((name for name in self.protocols if name != CBOR), None)

    @property
    def rest_protocol(self) -> str:
        """The preferred one of its protocols that route by method and path; of services without one, KeyError."""
        for name in self.protocols:
            if name in REST:
                return name
        raise KeyError(f"{self.name} has no REST protocol")

    @property
    def api_version(self) -> str:
        """The API version of the model that is used."""
        return self.versions[-1]


class UnsignedRoute(NamedTuple):
    """A REST operation that takes unsigned requests."""

    method: str
    template: str
    service: str
    operation: str


class Index(NamedTuple):
    """All services, indexed for routing.

    `exclusive` has, by service, the operations that another service of the same signing name and version lacks (docdb
    and neptune against rds). `roots` has, by signing name that several REST services share, the services by the first
    segment of their paths (`*` for a label).
    """

    services: Mapping[str, Service]
    by_signing_name: Mapping[str, tuple[Service, ...]]
    by_target_prefix: Mapping[str, tuple[Service, ...]]
    exclusive: Mapping[str, frozenset[str]]
    roots: Mapping[str, Mapping[str, tuple[str, ...]]]
    unsigned: tuple[UnsignedRoute, ...]

    def signed_as(self, signing_name: str) -> tuple[Service, ...]:
        """The services with that signing name; empty where there are none."""
        own = self.by_signing_name.get(_SIGNING_ALIASES.get(signing_name, signing_name), ())
        return own + tuple(self.services[name] for name in _ALSO_SIGNED_AS.get(signing_name, ()))

    def of_operation(self, candidates: Iterable[Service], operation: str) -> Service | None:
        """The one of several similar services that has the operation; the general one where it is ambiguous."""
        general = None
        for service in candidates:
            exclusive = self.exclusive.get(service.name)
            if exclusive is None:
                general = general or service
            elif operation in exclusive:
                return service
        return general


@cache
def index() -> Index:
    """The index of services, loaded once."""
    raw = json.loads(_DATA.read_bytes())
    services = {
        name: Service(name, signing, endpoint, tuple(versions.split()), tuple(protocols.split()), target)
        for name, (signing, endpoint, versions, protocols, target) in raw["services"].items()
    }
    signing, targets = defaultdict(list), defaultdict(list)
    for service in services.values():
        signing[service.signing_name].append(service)
        if service.target_prefix:
            targets[service.target_prefix].append(service)
    return Index(
        services,
        {name: tuple(found) for name, found in signing.items()},
        {name: tuple(found) for name, found in targets.items()},
        {name: frozenset(operations) for name, operations in raw["exclusive"].items()},
        {name: {k: tuple(v) for k, v in roots.items()} for name, roots in raw["roots"].items()},
        tuple(UnsignedRoute(*route) for route in raw["unsigned"]),
    )


def add_own_models(session: Any) -> None:
    """Have a session of botocore's make clients of the services in `OWN_MODELS`, too: `create_client("locum", ...)`."""
    session.get_component("data_loader").search_paths.append(str(OWN_MODELS))


_models: dict[str, ServiceModel] = {}
_loading = threading.Lock()


def service_model(name: str) -> ServiceModel:
    """botocore's model of a service, without its documentation texts (half of its memory).

    Raises Fault NotImplemented where the botocore that is installed is too old to have it.
    """
    model = _models.get(name)
    if model is None:
        with _loading:
            model = _models.get(name) or _load(name)
            _models[name] = model
    return model


def loaded_model(name: str) -> ServiceModel | None:
    """The model of a service if it is loaded already, else None."""
    return _models.get(name)


def find_operation(name: str, operation: str) -> OperationModel | None:
    """The model of an operation; None where the service has no such operation."""
    model = service_model(name)
    return model.operation_model(operation) if operation in model.operation_names else None


def rebound_operation(
    name: str, operation: str, http: Mapping[str, str], locations: Mapping[str, tuple[str, str]]
) -> OperationModel | None:
    """The model of an operation with another HTTP binding; None where the service has no such operation.

    `locations` are, by member of the input, its place in the request and its name there; others are in the body.
    """
    description = _description(name)
    found = description["operations"].get(operation)
    if found is None:
        return None
    found["http"] = dict(http)
    shape = description["shapes"][found["input"]["shape"]] if "input" in found else {}
    for member, reference in shape.get("members", {}).items():
        kept = {k: v for k, v in reference.items() if "location" not in reference or k not in _BINDING}
        shape["members"][member] = {**kept, **dict(zip(_BINDING, locations.get(member, ()), strict=False))}
    return _made(description, name).operation_model(operation)


def _load(name: str) -> ServiceModel:
    return _made(_description(name), name)


def _made(description: Mapping[str, Any], name: str) -> ServiceModel:
    # Imported late: botocore.model imports all of urllib3, which would delay the start.
    from botocore.model import ServiceModel  # noqa: PLC0415

    return ServiceModel(description, name)


def _description(name: str) -> dict[str, Any]:
    from botocore import __version__  # noqa: PLC0415
    from botocore.exceptions import DataNotFoundError  # noqa: PLC0415
    from botocore.loaders import Loader  # noqa: PLC0415

    # Only botocore's data and ours: a user's ~/.aws/models must not change how requests are parsed.
    places = [Loader.BUILTIN_DATA_PATH, str(OWN_MODELS)]
    loader = Loader(extra_search_paths=places, include_default_search_paths=False)
    try:
        description: dict[str, Any] = loader.load_data(f"{name}/{index().services[name].api_version}/service-2")
    except DataNotFoundError as error:
        text = f"botocore {__version__}, which is installed here, has no model of {name}: a later one has."
        raise Fault("NotImplemented", text, 501) from error
    _drop_documentation(description)
    later = json.loads(_LATER.read_bytes())
    if _numbers(__version__) < _numbers(later["botocore"]):
        _add_later(description, later.get(name, {}))
    _add_later(description, json.loads(_OWN.read_bytes()).get(name, {}))
    return description


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def _add_later(description: dict[str, Any], later: Mapping[str, Any]) -> None:
    """Add the operations, shapes and members of `later`. Where a constraint differs, the later one applies."""
    for name, operation in later.get("operations", {}).items():
        description["operations"].setdefault(name, operation)
    for name, shape in later.get("shapes", {}).items():
        known = description["shapes"].setdefault(name, shape)
        if known is not shape:
            members = {**shape.get("members", {}), **known.get("members", {})}
            known.update(shape | ({"members": members} if members else {}))


def _drop_documentation(description: dict[str, Any]) -> None:
    for operation in description["operations"].values():
        operation.pop("documentation", None)
    for shape in description["shapes"].values():
        shape.pop("documentation", None)
        for member in shape.get("members", {}).values():
            member.pop("documentation", None)
