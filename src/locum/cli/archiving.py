"""The archive that a plane writes: where it is by its options, or that there is none."""

from __future__ import annotations

import logging
from typing import Final

from locum.agents.archive import Archive
from locum.audit.archive.place import place
from locum.audit.archive.process import check_installed
from locum.calls import Runtime
from locum.cli.options import Options
from locum.store import Journal

NONE: Final = "none"
"""In place of an archive: what was kept for one is let go."""

_log: Final = logging.getLogger("locum.cli")


def check_archive(options: Options) -> None:
    """Raises ConfigurationError where there cannot be an archive as the options say."""
    if options.archive not in (None, NONE):
        place(str(options.archive), options.archive_endpoint)
        check_installed()


def archive_of(options: Options, runtime: Runtime, journal: Journal) -> Archive | None:
    """The agent that archives; None where nothing is archived."""
    if options.archive is None or options.archive == NONE:
        return None
    return Archive(runtime.ledger, journal, runtime.clock, place(options.archive, options.archive_endpoint))


def settle_held(options: Options, journal: Journal) -> None:
    """Let go of what is kept for an archive, where that was said; tell of it where there is none. Blocks."""
    after = journal.held()
    if after is None:
        return
    if options.archive == NONE:
        journal.hold(None)
    elif options.archive is None:
        _log.warning(
            "records behind position %d are kept for an archive, and none is named: name it with --archive, or let them"
            " go with --archive none",
            after,
        )
