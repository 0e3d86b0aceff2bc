"""An application of Chalice: an API, a schedule and a function, with a role that Chalice makes."""

import os
from typing import Any

from chalice import Chalice

app = Chalice(app_name="who")


@app.route("/")
def index() -> dict[str, str]:
    """The answer of the API."""
    return {"level": os.environ["LEVEL"]}


@app.schedule("rate(1 hour)")
def tick(_event: Any) -> None:
    """Nothing to do."""


@app.lambda_function()
def who(_event: Any, _context: Any) -> dict[str, str]:
    """The ARN of the caller."""
    import boto3  # noqa: PLC0415 # which Chalice itself need not have

    return {"level": os.environ["LEVEL"], "arn": boto3.client("sts").get_caller_identity()["Arn"]}
