"""The pages, by what they are about. Each module has `ROUTES`: method, path and view."""

from __future__ import annotations

from typing import Final

from locum.console.pages import (
    account,
    home,
    identities,
    policies_editor,
    questions,
    role_actions,
    roles,
    simulator,
    trail,
)
from locum.console.person import View

Routes = tuple[tuple[str, str, View], ...]

ALL: Final[Routes] = (
    *home.ROUTES,
    *account.ROUTES,
    *identities.ROUTES,
    *policies_editor.ROUTES,
    *roles.ROUTES,
    *role_actions.ROUTES,
    *trail.ROUTES,
    *simulator.ROUTES,
    *questions.ROUTES,
)
