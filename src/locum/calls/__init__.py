"""The one path of every call, from whoever makes it: plan, decide, carry out, record, effects.

    calls          `Calls`: takes a client's call from the gateway, and makes those of services
    request_context  one call on its way
    verbs          runs the verbs of Locum's own services, in transactions where they write
    carrying       has a backend carry out what is not Locum's own (`destination`: in which account and region)
    effects        what a call causes later: committed with it, sealed (`outbox`: carried out, retried, marked done)
    service_roles  roles that services assume to act
    recorder       the record of every call (`operation_traits`: what the records of an operation have in common;
                   `withheld`: texts about a call without what its record hides)
    replay         decides on a recorded call again
    runtime        the parts of a node that all of it works with

`gateway` turns HTTP into calls and their results into bytes; `imds` and `agents` make calls by the same `Calls`.
"""

from locum.calls.calls import Answer, Calls
from locum.calls.recorder import Recorder
from locum.calls.request_context import RequestContext
from locum.calls.runtime import Backends, Mode, OwnService, Runtime

__all__ = ["Answer", "Backends", "Calls", "Mode", "OwnService", "Recorder", "RequestContext", "Runtime"]
