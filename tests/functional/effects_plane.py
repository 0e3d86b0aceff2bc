"""The victim of test_effects_survive_kills.py: a plane, one verb of which causes two effects.

    python effects_plane.py DIRECTORY BACKEND-URL

sts:GetAccessKeyInfo of the id N has IAM make the user N, in Locum's own state, and has SNS publish N at the backend.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from locum.calls import OwnService
from locum.cli.compose import Node
from locum.cli.options import Options
from locum.core.actors import service_principal
from locum.core.calls import Effect, ServiceCall
from locum.core.identifiers import request_id
from locum.services import sts
from locum.services.verbs import Context, Outcome, Params, writes

REGION = "us-east-1"


def causing(ctx: Context, params: Params) -> Outcome:
    """A user and a message, both called as the access key id that was asked about."""
    name = params["AccessKeyId"]
    iam, sns = (service_principal(f"{service}.amazonaws.com", ctx.account) for service in ("iam", "sns"))
    message = {"TopicArn": f"arn:aws:sns:{REGION}:{ctx.account}:told", "Message": name}
    made = ServiceCall(iam, "iam", "CreateUser", {"UserName": name}, REGION)
    told = ServiceCall(sns, "sns", "Publish", message, REGION)
    effects = (Effect(request_id(ctx.entropy), made), Effect(request_id(ctx.entropy), told, "told"))
    return Outcome({"Account": ctx.account}, (), effects)


async def main(directory: Path, backend: str) -> None:
    elsewhere: dict[str, Any] = {"backends": {"sns": backend}, "backend_keys": ("key", "secret")}
    node = Node(Options(data=directory, port=0, ephemeral=True, **elsewhere))
    operations = {**sts.OPERATIONS, "GetAccessKeyInfo": writes(causing)}
    services = {**node.runtime.services, "sts": OwnService(operations, lambda _operation, _params: True)}
    node.runtime.services = services
    sys.stdout.write(f"{await node.open()}\n")
    sys.stdout.flush()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await node.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
