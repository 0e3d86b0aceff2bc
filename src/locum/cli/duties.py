"""The agents of what an installation does once, on whichever of its nodes: deliveries, stacks, trails, and so on.

What each of them does follows from the state: another node goes on where one has ended.
"""

from __future__ import annotations

from collections.abc import Mapping

from locum.agents.analyzers.jobs import AnalyzerJobs
from locum.agents.analyzers.previews import AccessPreviews
from locum.agents.analyzers.reconciler import Analyzers
from locum.agents.archive import Archive
from locum.agents.deliveries import Deliveries, Present
from locum.agents.instances.announced_ends import AnnouncedEnds
from locum.agents.instances.backend_instances import BackendInstances
from locum.agents.instances.lost_nodes import LostNodes
from locum.agents.lake.column_store import ColumnStore
from locum.agents.lake.imports import Imports
from locum.agents.reconciling import Reconciler
from locum.agents.resource_requests.reconciler import ResourceRequests
from locum.agents.scaling import AutoScaling
from locum.agents.stack_sets.reconciler import StackSets
from locum.agents.stacks.drift import Drifts
from locum.agents.stacks.reconciler import Stacks
from locum.agents.trails.reconciler import Trails
from locum.agents.under_way import UnderWay
from locum.calls import Calls, Runtime


class Duties:
    """The agents, in the order in which they start. `present` tells which nodes are there, where there are several.

    `archive` is that of the records, where there is one.
    """

    def __init__(
        self,
        runtime: Runtime,
        calls: Calls,
        store: ColumnStore,
        present: Present | None = None,
        archive: Archive | None = None,
    ) -> None:
        self.deliveries = Deliveries(calls.outbox, runtime.ledger, runtime.clock, present)
        self.scaling = AutoScaling(runtime, calls)
        self.stacks = Stacks(runtime, calls)
        self.stack_sets = StackSets(runtime, calls)
        self.resource_requests = ResourceRequests(runtime, calls)
        self.drifts = Drifts(runtime, calls)
        self.announced_ends = AnnouncedEnds(runtime, calls)
        self.trails = Trails(runtime, calls)
        self.analyzers = Analyzers(runtime, calls)
        self.previews = AccessPreviews(runtime)
        self.analyzer_jobs = AnalyzerJobs(runtime)
        self.imports = Imports(runtime, calls.make, store)
        self.backend_instances = BackendInstances(runtime)
        self.archive = archive
        self.lost_nodes = None if present is None else LostNodes(runtime, calls, present)
        self.under_way: Mapping[str, UnderWay] = {
            "stacks": self.stacks,
            "stack_sets": self.stack_sets,
            "drift_detections": self.drifts,
            "resource_requests": self.resource_requests,
            "access_previews": self.previews,
            "analyzer_jobs": self.analyzer_jobs,
            "imports": self.imports,
        }

    def start(self) -> None:
        """Begin; what others left undone is done at once."""
        for agent in self._reconcilers:
            agent.start()
        self.backend_instances.start()

    def wake(self) -> None:
        """Look again at what is due: the clock was moved."""
        for agent in self._reconcilers:
            agent.wake()

    async def close(self) -> None:
        """End. What is under way goes on where the duties are taken next."""
        await self.backend_instances.close()
        for agent in reversed(self._reconcilers):
            await agent.close()

    @property
    def _reconcilers(self) -> tuple[Reconciler, ...]:
        of_stacks = self.stacks, self.stack_sets, self.resource_requests, self.drifts
        of_records = self.trails, self.analyzers, self.previews, self.analyzer_jobs, self.imports
        others = tuple(agent for agent in (self.lost_nodes, self.archive) if agent is not None)
        return self.deliveries, self.scaling, *of_stacks, self.announced_ends, *of_records, *others
