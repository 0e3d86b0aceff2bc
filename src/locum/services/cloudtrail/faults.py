"""The errors of CloudTrail that several operations have."""

from __future__ import annotations

from locum.core.errors import Fault


def unknown_trail(given: str, account: str) -> Fault:
    """TrailNotFoundException: the account has no trail with this name or ARN."""
    return Fault("TrailNotFoundException", f"Unknown trail: {given} for the user: {account}", 400)


def invalid_name(message: str) -> Fault:
    """InvalidTrailNameException: the name of a trail breaks a rule."""
    return Fault("InvalidTrailNameException", message, 400)


def invalid_combination(message: str) -> Fault:
    """InvalidParameterCombinationException: parameters that do not go together."""
    return Fault("InvalidParameterCombinationException", message, 400)


def invalid_selectors(message: str) -> Fault:
    """InvalidEventSelectorsException: event selectors break a rule."""
    return Fault("InvalidEventSelectorsException", message, 400)


def invalid_tag(message: str) -> Fault:
    """InvalidTagParameterException: a tag breaks a rule."""
    return Fault("InvalidTagParameterException", message, 400)
