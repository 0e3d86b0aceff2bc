"""Rotations of secrets: what moto's Secrets Manager keeps of them. The functions are invoked elsewhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from moto.core.utils import unix_time

from locum.backends.moto import recall
from locum.backends.moto.models import all_models, models_of
from locum.backends.moto.reliance import check
from locum.backends.moto.turns import in_turn
from locum.core.rotations import Secret

_PART: Final = "secretsmanager"
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
        check(_PART)
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

    def under_way(self) -> list[tuple[Secret, float]]:
        """Those that are rotated by themselves."""
        return in_turn(rotated)


def rotated() -> list[tuple[Secret, float]]:
    """The secrets of all accounts that are rotated by themselves, each with the time that it tells, in moto's turn."""
    recall.here(_PART)
    names = [(models, name) for models in all_models(_PART) for name in list(models.secrets)]
    found = ((models, _find(models.account_id, models.region_name, name)) for models, name in names)
    kept = [secret for _, secret in found if secret is not None and secret.enabled and not secret.managed]
    return [(secret, float(_kept(*secret[:3]).next_rotation_date or 0)) for secret in kept]


def _kept(account: str, region: str, name: str) -> Any:
    """moto's secret; None where there is none, it is a replica, or it is being deleted."""
    models = models_of(_PART, account, region)
    found = models.secrets.get(name) if models is not None and name in models.secrets else None
    return None if found is None or not hasattr(found, "versions") or found.is_deleted() else found


def _changed(secret: Secret) -> Any:
    """moto's secret, which is to be changed."""
    recall.changing(_PART)
    return _kept(secret.account, secret.region, secret.arn)


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
    found = _changed(secret)
    if found is not None:
        found.rotation_requested = found.rotation_enabled = True
        found.rotation_lambda_arn = function
        setattr(found, _RULES, rules)


def _begin(secret: Secret, version: str, copied: bool) -> None:
    found = _changed(secret)
    if found is None:
        return
    value = found.versions.get(secret.current, {}) if copied else {}
    made = {name: it for name, it in value.items() if name in ("secret_string", "secret_binary")}
    made |= {"createdate": int(unix_time()), "version_id": version, "version_stages": []}
    found.remove_version_stages_from_old_versions([_PENDING])
    found.versions.setdefault(version, made)["version_stages"].append(_PENDING)


def _end(secret: Secret, version: str, kept: bool) -> None:
    found = _changed(secret)
    there = None if found is None else found.versions.get(version)
    if there is None:
        return
    if _PENDING in there["version_stages"]:
        there["version_stages"].remove(_PENDING)
    if not kept and not there["version_stages"]:
        del found.versions[version]


def _tell(secret: Secret, rotated: float | None, due: float) -> None:
    found = _changed(secret)
    if found is not None:
        found.last_rotation_date = found.last_rotation_date if rotated is None else int(rotated)
        found.next_rotation_date = int(due) or None
