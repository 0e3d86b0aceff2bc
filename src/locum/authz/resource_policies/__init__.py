"""The policies that a backend keeps with its resources: parsed strictly when they are put, and shown as AWS shows them.

    params = resource_policies.admitted(state, call)   # between decision and carrying out: what the backend gets
    body = resource_policies.shown(state, service, operation, body)   # what the client is answered

`table` has each operation that puts a policy, with the place of the policy in its parameters and its service's rules.
What the backend keeps names users and roles by their unique ids, so that whoever is created under the name of a
deleted one has nothing of its access; it is shown with ARNs, and with the unique id of whoever was deleted.

What a backend keeps all the same and cannot be read (a stack's template wrote it) grants nothing to anybody, and denies
nothing to those whom the identity policies of the owning account allow: `policy.stored`.
"""

from locum.authz.resource_policies.admission import admitted, shown
from locum.authz.resource_policies.table import checked_by_model

__all__ = ["admitted", "checked_by_model", "shown"]
