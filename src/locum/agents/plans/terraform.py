"""The calls of the resources of a Terraform plan."""

from __future__ import annotations

from collections.abc import Iterable

from locum.agents.plans.parts import Part
from locum.agents.plans.rehearsal import Stage


def terraform_parts(stage: Stage, text: str, phases: Iterable[str]) -> list[Part]:
    """The parts of the plan `text`."""
    raise NotImplementedError
