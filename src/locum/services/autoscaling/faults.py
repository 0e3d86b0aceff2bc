"""The errors of Auto Scaling, with its codes and texts (Amazon EC2 Auto Scaling API Reference, "Common Errors")."""

from __future__ import annotations

from locum.core.errors import Fault


def validation_error(message: str) -> Fault:
    """ValidationError: what most requests that cannot be carried out get."""
    return Fault("ValidationError", message)


def no_such_group(name: str) -> Fault:
    """ValidationError: there is no group of this name."""
    return validation_error(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


def no_such_configuration(name: str) -> Fault:
    """ValidationError: there is no launch configuration of this name."""
    return validation_error(f"Launch configuration name not found - Launch configuration {name} not found")


def no_managed_instance(instance: str) -> Fault:
    """ValidationError: the instance is in no group."""
    return validation_error(f"Instance Id not found - No managed instance found for instance ID: {instance}")


def not_in_group(instance: str, group: str) -> Fault:
    """ValidationError: the instance is not in this group."""
    return validation_error(f"The instance {instance} is not part of Auto Scaling group {group}.")


def already_exists(message: str) -> Fault:
    """AlreadyExists: the name is taken."""
    return Fault("AlreadyExists", message)


def limit_exceeded(message: str) -> Fault:
    """LimitExceeded: a quota of the account or the group is reached."""
    return Fault("LimitExceeded", message)


def resource_in_use(message: str) -> Fault:
    """ResourceInUse: it cannot be deleted while something uses it."""
    return Fault("ResourceInUse", message)


def activity_in_progress(message: str) -> Fault:
    """ScalingActivityInProgress: the group is scaling, or in its cooldown period."""
    return Fault("ScalingActivityInProgress", message)


def not_implemented(what: str) -> Fault:
    """NotImplemented: what Locum's Auto Scaling lacks."""
    return Fault("NotImplemented", f"Locum's Auto Scaling does not implement {what} yet.", 501)
