"""What is not known of a request: condition keys, and parts of the resource, are open.

A question about nobody's call ("who may do this?") leaves condition keys open. Then `Request.presumed` says how a
statement is taken whose match depends on what is open; a statement that is known not to match never applies. With all
Allow statements presumed, and no Deny, a decision is the best that any values give, the other way round the worst: for
a decision to allow, more Allow statements never do harm, and more Deny statements no good.
"""

from __future__ import annotations

from collections.abc import Callable

from locum.policy.grammar import Source

Presumed = Callable[[Source, int, bool], bool]
"""Whether the statement of a policy (its source, the number in it, whether it allows) is taken to apply."""


class Open(Exception):
    """Raised by a context for a key whose value is not known, and by statements for resources known in part."""
