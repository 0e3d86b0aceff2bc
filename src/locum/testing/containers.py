"""A plane in a container, for test suites that use testcontainers (https://testcontainers-python.readthedocs.io).

The class has what testcontainers' LocalStackContainer has, so that one can stand where the other stood. It needs the
extra `locum[testcontainers]`, a container engine, and an image of Locum; no image is published.
"""

from __future__ import annotations

import shlex
from typing import Any, Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from locum.core.errors import LocumError
from locum.testing.clients import client
from locum.testing.link import Keys

IMAGE: Final = "locum:latest"
_READY: Final = "Locum is up"


class LocumContainer(DockerContainer):  # type: ignore[misc, unused-ignore] # not typed in every version
    """A container with a plane. A context manager.

    `edge_port` is the plane's port inside, `region_name` that of the clients; further arguments are testcontainers'.
    """

    def __init__(self, image: str = IMAGE, edge_port: int = 4566, region_name: str = "us-east-1", **more: Any) -> None:
        super().__init__(image, **more)
        self.edge_port = edge_port
        self.region_name = region_name
        self._root: Keys | None = None
        self.with_exposed_ports(edge_port)

    def start(self, timeout: float = 60) -> LocumContainer:
        """Start it, and wait until the plane answers."""
        self.waiting_for(LogMessageWaitStrategy(_READY).with_startup_timeout(int(timeout)))
        super().start()
        return self

    def get_endpoint_url(self) -> str:
        """The URL of the plane, from here."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(self.edge_port)}"

    get_url = get_endpoint_url

    def get_client(self, name: str, **given: Any) -> Any:
        """A boto3 client with the key of the account's root user, or with the credentials that are `given`."""
        keys = self._root_keys()
        if "aws_access_key_id" in given:
            secret, token = given.get("aws_secret_access_key", ""), given.get("aws_session_token")
            keys = Keys(given["aws_access_key_id"], secret, token)
        endpoint, region = given.get("endpoint_url"), given.get("region_name")
        return client(name, endpoint or self.get_endpoint_url(), region or self.region_name, keys, given.get("config"))

    def _root_keys(self) -> Keys:
        """The key that the plane in the container has made, as `locum env` tells it there."""
        if self._root is None:
            code, output = self.exec(["locum", "env"])
            found = exported(output.decode())
            if code or "AWS_ACCESS_KEY_ID" not in found:
                raise LocumError(f"`locum env` in the container failed ({code}): {output.decode(errors='replace')}")
            self._root = Keys(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"])
        return self._root


def exported(text: str) -> dict[str, str]:
    """The variables in lines `export NAME=VALUE` of a shell."""
    words = (shlex.split(line) for line in text.splitlines() if line.startswith("export "))
    return {name: value for name, _, value in (line[1].partition("=") for line in words if len(line) == 2)}
