"""What makes a custom resource, behind CDK's Provider framework."""

from typing import Any


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """The resource, and its attribute."""
    name = event["ResourceProperties"]["Name"]
    return {"PhysicalResourceId": f"greeting-{name}", "Data": {"Text": f"Hello, {name}"}}
