"""AWS Glue: the Data Catalog of an account, its databases and tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Resolver, Values, own_arn
from locum.core.arn import PARTITION, Arn
from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID
from locum.state import State

_DEFAULT_REGISTRY: Final = "default-registry"
_SCHEMA: Final = re.compile(rf"arn:{PARTITION}:glue:[a-z0-9-]+:[0-9]{{12}}:schema/[^/]+/[^/]+")


def _owner(catalog: str | None) -> str | None:
    """The account in a CatalogId, `ACCOUNT`, `ACCOUNT:NAME` or `NAME`: "by default, the account ID"."""
    account = (catalog or "").partition(":")[0]
    return account if ACCOUNT_ID.fullmatch(account) else None


def _root(state: State, call: Call, values: Values) -> Iterable[str]:
    """The Data Catalog itself, which each call on a database or table is on, too."""
    yield own_arn(call, "glue", "catalog", account=_owner(values[0]))


def _nested(state: State, call: Call, values: Values) -> Iterable[str]:
    """A catalog within the Data Catalog; none where the CatalogId is that of an account."""
    catalog = values[0] or ""
    account = _owner(catalog)
    name = catalog if account is None else catalog.partition(":")[2]
    if name:
        yield own_arn(call, "glue", f"catalog/{name}", account=account)


def _within(kind: str) -> Resolver:
    """The resolver of (CatalogId, name...): a database, table or function of a catalog."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        catalog, *names = values
        parts = [part for name in names for part in ("/", name)]
        yield own_arn(call, "glue", kind, *parts, account=_owner(catalog))

    return resolve


def _schema(state: State, call: Call, values: Values) -> Iterable[str]:
    """A schema, `schema/REGISTRY/NAME`, by its names and by its ARN: by whichever the call has, or both."""
    registry, name, arn = values
    if name or not arn:
        yield own_arn(call, "glue", "schema/", registry or _DEFAULT_REGISTRY, "/", name)
    if arn:
        yield str(_schema_arn(arn))


def _registry_of(state: State, call: Call, values: Values) -> Iterable[str]:
    """The registry that a schema is in."""
    registry, arn = values
    if registry or not arn:
        yield own_arn(call, "glue", "registry/", registry or _DEFAULT_REGISTRY)
    if arn:
        schema = _schema_arn(arn)
        yield str(schema._replace(resource=f"registry/{schema.resource.split('/')[1]}"))


def _schema_arn(text: str) -> Arn:
    """The ARN of a schema. Raises Fault InvalidInputException where it is none."""
    arn = Arn.find(text)
    if arn is None or not _SCHEMA.fullmatch(text):
        raise Fault("InvalidInputException", f"Invalid ARN: {text[:200]}", 400)
    return arn


FUNCTIONS: Final = Functions(
    resolvers={
        "glue_catalog": _nested,
        "glue_connection": _within("connection"),
        "glue_database": _within("database"),
        "glue_function": _within("userDefinedFunction"),
        "glue_registry_of": _registry_of,
        "glue_root": _root,
        "glue_schema": _schema,
        "glue_table": _within("table"),
    }
)
