"""What the AWS CDK puts into its templates: the versions of its libraries, which make nothing.

Its physical id is the id of the stack.
"""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.providers.base import Ending, Made, Properties, Provider, Resource, Work


def _made(resource: Resource) -> Work:
    yield from ()
    return Made(resource.physical or resource.stack_arn.rpartition("/")[2] or resource.name())


def _kept(resource: Resource, _before: Properties) -> Work:
    return (yield from _made(resource))


def _gone(_resource: Resource) -> Ending:
    yield from ()


PROVIDERS: Final[dict[str, Provider]] = {"AWS::CDK::Metadata": Provider(_made, _gone, _kept)}
