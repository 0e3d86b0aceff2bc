"""Repositories of Elastic Container Registry."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Provider
from locum.services.cloudformation.providers.table import Call, Change, Listing, Name, Part, Row, Shown, Tags, provider

_NAMED: Final = {"repositoryName": "{id}"}

_REPOSITORY: Final = Row(
    "ecr",
    Call(
        "CreateRepository",
        takes="EncryptionConfiguration ImageScanningConfiguration ImageTagMutability "
        "ImageTagMutabilityExclusionFilters",
    ),
    "{name}",
    (Call("DeleteRepository", {**_NAMED, "force": "{p.EmptyOnDelete}"}),),
    attributes={
        "Arn": "{r.repositories.0.repositoryArn}",
        "RepositoryUri": "{r.repositories.0.repositoryUri}",
    },
    name=Name("RepositoryName", 256, lower=True),
    tags=Tags(
        Call("TagResource", {"resourceArn": "{attr.Arn}", "tags": "{tags}"}),
        Call("UntagResource", {"resourceArn": "{attr.Arn}", "tagKeys": "{keys}"}),
        member="tags",
    ),
    read=Call("DescribeRepositories", {"repositoryNames": ["{id}"]}),
    exists=frozenset({"RepositoryAlreadyExistsException"}),
    settings=(
        Change(
            Call("PutImageTagMutability", _NAMED, "ImageTagMutability ImageTagMutabilityExclusionFilters"),
            defaults={"ImageTagMutability": "MUTABLE"},
        ),
        Change(
            Call("PutImageScanningConfiguration", _NAMED, "ImageScanningConfiguration"),
            defaults={"ImageScanningConfiguration": {"scanOnPush": False}},
        ),
        Change(
            Call(
                "PutLifecyclePolicy",
                {
                    **_NAMED,
                    "lifecyclePolicyText": "{p.LifecyclePolicy.LifecyclePolicyText}",
                    "registryId": "{p.LifecyclePolicy.RegistryId}",
                },
            ),
            on="LifecyclePolicy",
            removed=Call("DeleteLifecyclePolicy", _NAMED),
            at_creation=True,
        ),
        Change(
            Call("SetRepositoryPolicy", _NAMED, "policyText=RepositoryPolicyText"),
            removed=Call("DeleteRepositoryPolicy", _NAMED),
            at_creation=True,
        ),
    ),
    unused=frozenset({"EmptyOnDelete"}),
    shown=Shown(
        parts=(
            Part("Tags", Call("ListTagsForResource", {"resourceArn": "{it.repositoryArn}"}), "tags"),
            Part(
                "LifecyclePolicy",
                Call("GetLifecyclePolicy", _NAMED),
                "",
                {"LifecyclePolicyText": "{item.lifecyclePolicyText}"},
            ),
            Part("RepositoryPolicyText", Call("GetRepositoryPolicy", _NAMED), "policyText"),
        ),
        lists=Listing(Call("DescribeRepositories"), "repositories", "{item.repositoryName}"),
    ),
)

PROVIDERS: Final[dict[str, Provider]] = {"AWS::ECR::Repository": provider(_REPOSITORY)}
