"""AWS Glue: the Data Catalog of an account, its databases and tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call
from locum.authz.functions import Functions, Resolver, Values, account_of, own_arn
from locum.core.arn import Arn
from locum.core.identifiers import ACCOUNT_ID
from locum.state import State


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


def _registry(state: State, call: Call, values: Values) -> Iterable[str]:
    """A registry by its name or ARN, or that of the schema whose ARN is given: `schema/REGISTRY/NAME`."""
    name = values[0] or ""
    arn = Arn.find(name)
    registry = name if arn is None else (*arn.resource.split("/"), None)[1]
    yield own_arn(call, "glue", "registry/", registry, account=_of(name))


def _schema(state: State, call: Call, values: Values) -> Iterable[str]:
    """A schema by the names of its registry and its own, or by its ARN.

    AWS Glue Developer Guide, "Getting started with schema registry": `arn:aws:glue:us-east-2:...:schema/REGISTRY/NAME`.
    """
    registry, name = values
    arn = Arn.find(name or "")
    if arn is not None:
        _, registry, name = (*arn.resource.split("/"), None, None)[:3]
    yield own_arn(call, "glue", "schema/", registry, "/", name, account=_of(values[1]))


def _of(name: str | None) -> str | None:
    """The account of a name that is an ARN."""
    return account_of(name or "", "") or None


FUNCTIONS: Final = Functions(
    resolvers={
        "glue_catalog": _nested,
        "glue_connection": _within("connection"),
        "glue_database": _within("database"),
        "glue_function": _within("userDefinedFunction"),
        "glue_registry": _registry,
        "glue_root": _root,
        "glue_schema": _schema,
        "glue_table": _within("table"),
    }
)
