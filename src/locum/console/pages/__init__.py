"""The pages, by what they are about. Each module has `ROUTES`: method, path and view."""

from __future__ import annotations

from typing import Final

from locum.console.pages import (
    account,
    analyzers,
    audit,
    groups,
    home,
    identities,
    identity_providers,
    instance_actions,
    instance_commands,
    instance_profiles,
    instances,
    labs,
    organization,
    organization_changes,
    organization_policies,
    policies,
    policies_editor,
    questions,
    quiz,
    role_actions,
    roles,
    security,
    simulator,
    stack_changes,
    stack_templates,
    stacks,
    trail,
    users,
)
from locum.console.person import View

Routes = tuple[tuple[str, str, View], ...]

_MODULES: Final = (
    home, account, security,
    roles, role_actions, users, groups, policies, identities, policies_editor, instance_profiles, identity_providers,
    instances, instance_actions, instance_commands, stacks, stack_changes, stack_templates,
    trail, simulator, questions, analyzers, audit,
    organization, organization_changes, organization_policies,
    labs, quiz,
)  # fmt: skip

ALL: Final[Routes] = tuple(route for module in _MODULES for route in module.ROUTES)
