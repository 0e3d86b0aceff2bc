"""moto, embedded: its service handlers called directly, without its server, dispatcher or authentication.

Importing anything from here raises ConfigurationError where moto is of a version that does not have what is relied on.
"""

from locum.backends.moto.relied_on import AT_ONCE, check

for _part in AT_ONCE:
    check(_part)
