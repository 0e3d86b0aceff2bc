"""The `locum` command as it is installed without extras: their packages, and what came with them, cannot be found."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from locum.cli.main import main
from locum.core.extras import PACKAGES

HIDDEN = {package.partition(".")[0] for packages in PACKAGES.values() for package in packages}
HIDDEN |= {"boto3", "werkzeug", "s3transfer", "awslambdaric", "responses", "requests"}


class Hiding:
    """A finder that comes before all others, and says that there are no such packages."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Hiding)
main()
