"""moto, embedded: its service handlers called directly, without its server, dispatcher or authentication.

Importing it raises ConfigurationError where moto is a version without the internals that are used (`relied_on`).
"""

from locum.backends.moto.reliance import check
from locum.backends.moto.relied_on import AT_ONCE

for _part in AT_ONCE:
    check(_part)
