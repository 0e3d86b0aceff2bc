"""Principal Mapper on a Python from which names have gone that it imports: they are put back, nothing else.

python pmapper_program.py ARGUMENTS
"""

from __future__ import annotations

import collections
import collections.abc
import sys

if __name__ == "__main__":
    for name in ("Mapping", "MutableMapping"):
        setattr(collections, name, getattr(collections.abc, name))
    from principalmapper.__main__ import main  # type: ignore[import-not-found]

    sys.exit(main())
