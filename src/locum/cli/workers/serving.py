"""The other processes of a plane that serves: its workers, and the nodes that have its backend."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from locum.cli.compose import Node
from locum.cli.remote_backends import backend_server, serve_nodes
from locum.cli.workers.given import SOCKET, Given
from locum.cli.workers.parent import Workers


@asynccontextmanager
async def other_processes(node: Node, port: int) -> AsyncIterator[None]:
    """While the block runs, the workers that were asked for serve `port` as well. Raises ConfigurationError."""
    options = node.options
    async with AsyncExitStack() as left:
        if options.workers > 1 or options.serve_backend:
            server = backend_server(node.runtime, node.calls)
            left.push_async_callback(server.close)
            if options.serve_backend:
                await serve_nodes(server, options.serve_backend, node.runtime.clock.wall())
            if options.workers > 1:
                await server.open_unix(options.data / SOCKET)
                await left.enter_async_context(_workers(node, port))
        yield


@asynccontextmanager
async def _workers(node: Node, port: int) -> AsyncIterator[None]:
    assert node.used is not None
    workers = Workers(node.options.workers - 1, node.gateway.metrics, node.workers, node.used.descriptor)
    await workers.open(Given(node.options, port, node.tls_port or 0, node.account))
    node.gateway.exposed, node.others = workers.exposed, workers
    try:
        yield
    finally:
        node.gateway.exposed, node.others = None, None
        await workers.close()
