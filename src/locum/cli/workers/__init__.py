"""Worker processes: they share the gateway's port with the plane that started them, and its storage.

    given      what a worker is told by its plane, and what it tells
    node       a node that serves the gateway alone: what else there is, its plane has
    process    the program of a worker
    parent     the workers of a plane: started, started again, asked, and ended
    sums       the metrics of all processes in one text

The plane is a whole node: it has the embedded backend, the agents, the metadata service and the console. A worker asks
it for what the embedded backend has (`backends.remote`).
"""

from __future__ import annotations
