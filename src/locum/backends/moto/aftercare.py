"""What moto, and this package, keep outside of moto's models: made anew once models were read from a snapshot.

And what others have to know of a snapshot without reading it: which services have something under way, which is to be
resumed, and the ids of subnets, in which instances of Locum's are.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from locum.backends.moto import access_points, code_deployments, default_rules, mappings, rotations
from locum.backends.moto.models import all_models

_REFERENCES: Final = ("vpc_refs", "vpc_pcx_refs", "backend_refs")
"""The attributes of EC2's classes for weak references to their instances."""


def after_reading(part: str) -> None:
    """Do for a part of moto what making its models does beside it."""
    if part in _AFTER:
        _AFTER[part]()


def account_of(parts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The services among parts of moto that have something to resume, and the names that others have to know."""
    found = tuple(parts)
    resumes = tuple(service for part, (service, under_way) in _UNDER_WAY.items() if part in found and any(under_way()))
    return resumes, tuple(_subnets()) if "ec2" in found else ()


def _refer_to_networks() -> None:
    for models in all_models("ec2"):
        for name in _REFERENCES:
            getattr(models, name)[type(models)].add(weakref.ref(models))


def _subnets() -> Iterator[str]:
    for models in all_models("ec2"):
        for by_id in models.subnets.values():
            yield from by_id


_AFTER: Final[Mapping[str, Callable[[], None]]] = {
    "ec2": _refer_to_networks,
    "s3control": access_points.know_aliases,
}

_UNDER_WAY: Final[Mapping[str, tuple[str, Callable[[], Iterable[Any]]]]] = {
    "awslambda": ("lambda", mappings.all_of_moto),
    "codedeploy": ("codedeploy", code_deployments.under_way),
    "events": ("events", default_rules.rules),
    "secretsmanager": ("secretsmanager", rotations.rotated),
}
"""The services that have something under way, by the part of moto that has it, and what that is."""
