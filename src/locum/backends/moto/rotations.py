"""Rotations of secrets: what moto's Secrets Manager keeps of them. The functions are invoked elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from moto.core.utils import unix_time

from locum.backends.moto.models import models_of
from locum.backends.moto.reliance import check
from locum.backends.moto.turns import in_turn
from locum.core.rotations import Secret

_CURRENT: Final = "AWSCURRENT"
_PENDING: Final = "AWSPENDING"
_RULES: Final = "locum_rotation_rules"
"""The attribute of a secret in moto for its RotationRules, of which moto keeps a number of days."""


def adjust() -> None:
    """Have secrets tell all of their rules, and a secret without a version in the request be the current one."""
    models = importlib.import_module("moto.secretsmanager.models")
    backend, tell = models.SecretsManagerBackend, models.FakeSecret.to_dict
    move = backend.update_secret_version_stage

    def to_dict(self: Any) -> dict[str, Any]:
        told: dict[str, Any] = tell(self)
        if hasattr(self, _RULES):
            told["RotationRules"] = getattr(self, _RULES)
        return told

    def update_secret_version_stage(
        self: Any, secret_id: str, version_stage: str, remove_from_version_id: str, move_to_version_id: str
    ) -> tuple[str, str]:
        moved: tuple[str, str] = move(self, secret_id, version_stage, remove_from_version_id, move_to_version_id)
        if version_stage == _CURRENT and move_to_version_id:
            self.secrets[secret_id].set_default_version_id(move_to_version_id)
        return moved

    models.FakeSecret.to_dict = to_dict
    backend.update_secret_version_stage = update_secret_version_stage


class MotoSecrets:
    """`core.rotations.Secrets` in moto."""

    def find(self, account: str, region: str, name: str) -> Secret | None:
        """The secret with that name or ARN, or None."""
        check("secretsmanager")
        return in_turn(_find, account, region, name)

    def configure(self, secret: Secret, function: str, rules: Mapping[str, Any]) -> None:
        """Have it be rotated."""
        in_turn(_configure, secret, function, dict(rules))

    def begin(self, secret: Secret, version: str, *, copied: bool) -> None:
        """Give it a version with AWSPENDING."""
        in_turn(_begin, secret, version, copied)

    def end(self, secret: Secret, version: str, *, kept: bool) -> None:
        """Take AWSPENDING from a version."""
        in_turn(_end, secret, version, kept)

    def tell(self, secret: Secret, rotated: float | None, due: float) -> None:
        """Have it tell of its rotations."""
        in_turn(_tell, secret, rotated, due)


def _kept(account: str, region: str, name: str) -> Any:
    """moto's secret; None where there is none, it is a replica, or it is being deleted."""
    models = models_of("secretsmanager", account, region)
    found = models.secrets.get(name) if models is not None and name in models.secrets else None
    return None if found is None or not hasattr(found, "versions") or found.is_deleted() else found


def _find(account: str, region: str, name: str) -> Secret | None:
    found = _kept(account, region, name)
    if found is None:
        return None
    stages = {stage: version for version, it in found.versions.items() for stage in it["version_stages"]}
    return Secret(
        account,
        region,
        found.arn,
        found.name,
        found.rotation_lambda_arn,
        getattr(found, _RULES, {}),
        found.owning_service or "",
        bool(found.rotation_enabled),
        stages.get(_CURRENT, ""),
        stages.get(_PENDING, ""),
    )


def _configure(secret: Secret, function: str, rules: dict[str, Any]) -> None:
    found = _kept(secret.account, secret.region, secret.arn)
    if found is not None:
        found.rotation_requested = found.rotation_enabled = True
        found.rotation_lambda_arn = function
        setattr(found, _RULES, rules)


def _begin(secret: Secret, version: str, copied: bool) -> None:
    found = _kept(secret.account, secret.region, secret.arn)
    if found is None:
        return
    value = found.versions.get(secret.current, {}) if copied else {}
    made = {name: it for name, it in value.items() if name in ("secret_string", "secret_binary")}
    made |= {"createdate": int(unix_time()), "version_id": version, "version_stages": []}
    found.remove_version_stages_from_old_versions([_PENDING])
    found.versions.setdefault(version, made)["version_stages"].append(_PENDING)


def _end(secret: Secret, version: str, kept: bool) -> None:
    found = _kept(secret.account, secret.region, secret.arn)
    there = None if found is None else found.versions.get(version)
    if there is None:
        return
    if _PENDING in there["version_stages"]:
        there["version_stages"].remove(_PENDING)
    if not kept and not there["version_stages"]:
        del found.versions[version]


def _tell(secret: Secret, rotated: float | None, due: float) -> None:
    found = _kept(secret.account, secret.region, secret.arn)
    if found is not None:
        found.last_rotation_date = found.last_rotation_date if rotated is None else int(rotated)
        found.next_rotation_date = int(due) or None
