"""Glue: databases and tables of the catalogue, and crawlers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from locum.services.cloudformation.providers.base import Provider, Resource, Work
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Row, Shown, Tags, provider

_SERVICE: Final = "glue"
_EXISTS: Final = frozenset({"AlreadyExistsException"})
_IN: Final = {"CatalogId": "{p.CatalogId}"}

_DATABASE: Final = Row(
    _SERVICE,
    Call("CreateDatabase", takes="CatalogId DatabaseInput"),
    "{p.DatabaseInput.Name}",
    (Call("DeleteDatabase", {**_IN, "Name": "{id}"}),),
    exists=_EXISTS,
    settings=(Change(Call("UpdateDatabase", {**_IN, "Name": "{id}"}, "DatabaseInput")),),
    unused=frozenset({"DatabaseName"}),
    shown=Shown(
        Call("GetDatabase", {"Name": "{id}"}),
        "",
        members={"DatabaseInput": "{r.Database}"},
        lists=Listing(Call("GetDatabases"), "DatabaseList", "{item.Name}"),
    ),
)
_TABLE_OF: Final = {**_IN, "DatabaseName": "{p.DatabaseName}"}
_TABLE: Final = Row(
    _SERVICE,
    Call("CreateTable", takes="CatalogId DatabaseName OpenTableFormatInput TableInput"),
    "{p.TableInput.Name}",
    (Call("DeleteTable", {**_TABLE_OF, "Name": "{id}"}),),
    exists=_EXISTS,
    settings=(Change(Call("UpdateTable", _TABLE_OF, "TableInput")),),
)


def _named(row: Row, member: str) -> Provider:
    """The provider of `row`, whose resources are named in `member`: by a generated name where that has none."""
    made_by = provider(row)

    def named(resource: Resource) -> Resource:
        given = resource.properties.get(member) or {}
        own = given.get("Name") or resource.properties.get("DatabaseName") if member == "DatabaseInput" else ""
        name = given.get("Name") or own or resource.physical or resource.name(lower=True)
        return replace(resource, properties={**resource.properties, member: {**given, "Name": name}})

    def create(resource: Resource) -> Work:
        return (yield from made_by.create(named(resource)))

    def update(resource: Resource, before: object) -> Work:
        assert made_by.update is not None
        former = replace(resource, properties=before)  # type: ignore[arg-type]  # they are properties
        return (yield from made_by.update(named(resource), named(former).properties))

    return made_by._replace(create=create, update=update)


_CRAWLED: Final = (
    "Classifiers Configuration CrawlerSecurityConfiguration DatabaseName Description LakeFormationConfiguration "
    "RecrawlPolicy Role SchemaChangePolicy TablePrefix Targets"
)
_WHEN: Final = {"Schedule": "{p.Schedule.ScheduleExpression}"}
_ARN: Final = {"ResourceArn": "arn:aws:glue:{region}:{account}:crawler/{id}"}
_CRAWLER: Final = Row(
    _SERVICE,
    Call("CreateCrawler", _WHEN, _CRAWLED),
    "{name}",
    (Call("DeleteCrawler", {"Name": "{id}"}),),
    name=Name("Name", 255),
    tags=Tags(
        Call("TagResource", {**_ARN, "TagsToAdd": "{tags}"}),
        Call("UntagResource", {**_ARN, "TagsToRemove": "{keys}"}),
        form="map",
    ),
    exists=_EXISTS,
    settings=(Change(Call("UpdateCrawler", {"Name": "{id}", **_WHEN}, _CRAWLED), on="Schedule"),),
    shown=Shown(
        Call("GetCrawler", {"Name": "{id}"}),
        "Crawler",
        hides="Schedule",
        lists=Listing(Call("ListCrawlers"), "CrawlerNames"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {
    "AWS::Glue::Crawler": provider(_CRAWLER),
    "AWS::Glue::Database": _named(_DATABASE, "DatabaseInput"),
    "AWS::Glue::Table": _named(_TABLE, "TableInput"),
}
