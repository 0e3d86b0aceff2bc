"""The tags that a stack gives its resources."""

from __future__ import annotations

from locum.state import Stack, StackVersion


def stack_tags(stack: Stack, logical: str, version: StackVersion) -> dict[str, str]:
    """The tags of the resource `logical` of a stack, AWS's own and those of the stack's `version`."""
    return {
        "aws:cloudformation:stack-name": stack.name,
        "aws:cloudformation:logical-id": logical,
        "aws:cloudformation:stack-id": stack.arn,
        **version.tags,
    }
