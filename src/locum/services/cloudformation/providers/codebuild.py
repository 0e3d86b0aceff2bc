"""Projects of CodeBuild."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.table import Call, Change, Name, Row, Tags, provider

_TAKEN: Final = (
    "Artifacts AutoRetryLimit BadgeEnabled BuildBatchConfig Cache ConcurrentBuildLimit Description EncryptionKey "
    "Environment FileSystemLocations LogsConfig QueuedTimeoutInMinutes SecondaryArtifacts SecondarySourceVersions "
    "SecondarySources ServiceRole Source SourceVersion TimeoutInMinutes VpcConfig"
)
_PROJECT: Final = Row(
    "codebuild",
    Call("CreateProject", takes=_TAKEN),
    "{name}",
    (Call("DeleteProject", {"name": "{id}"}),),
    attributes={"Arn": "arn:aws:codebuild:{region}:{account}:project/{id}"},
    name=Name("Name", 150, member="name"),
    tags=Tags(
        Call("UpdateProject", {"name": "{id}", "tags": "{tags}"}), member="tags", key="key", value="value", whole=True
    ),
    exists=frozenset({"ResourceAlreadyExistsException"}),
    settings=(Change(Call("UpdateProject", {"name": "{id}"}, _TAKEN)),),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::CodeBuild::Project": provider(_PROJECT)}
