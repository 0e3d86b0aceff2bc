"""The contents of a directory carried out on a plane, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from locum.cli.accounts import bringing, details, summary
from locum.cli.accounts.model import Account
from locum.cli.accounts.reading import account_of
from locum.cli.client import LastingClient
from locum.cli.home import Plane, RootKey
from locum.cli.inits import processes, stack
from locum.cli.inits.folder import Folder, Item, Kind
from locum.cli.inits.identities import identities
from locum.cli.inits.keys import ensure_key
from locum.cli.inits.processes import Tell
from locum.cli.screen import printable
from locum.core.errors import LocumError

KEPT: Final = "init"
"""The directory of the data directory with the states of Terraform."""


class Carrying:
    """Carries out on a plane what is in a directory, as the root user.

    `tell` gets each line that there is to say, `warn` what fails.
    """

    def __init__(self, data: Path, plane: Plane, key: RootKey, tell: Tell, warn: Tell) -> None:
        self._data, self._plane, self._key = data, plane, key
        self._tell, self._warn = tell, warn
        self._client = LastingClient(plane, key)
        self._ways: dict[Kind, Callable[[Item, Tell], None]] = {
            Kind.SCRIPT: self._script,
            Kind.TERRAFORM: self._terraform,
            Kind.TEMPLATE: self._template,
            Kind.IDENTITIES: self._identities,
            Kind.DETAILS: self._details,
        }

    def carry_out(self, folder: Folder, *, keep_going: bool) -> int:
        """Carry out all, or up to the first that fails; how many failed."""
        failed = 0
        for name in folder.ignored:
            self._tell(f"{name}: ignored: it is no script, configuration, template or list of identities")
        for item in folder.items:
            try:
                self._ways[item.kind](item, self._telling(item))
            except (LocumError, OSError) as error:
                failed += 1
                self._warn(f"{item.name}: failed: {printable(str(error))}")
                if not keep_going:
                    break
            else:
                self._tell(f"{item.name}: done")
        self._client.close()
        return failed

    def _telling(self, item: Item) -> Tell:
        return lambda line: self._tell(f"{item.name} | {printable(line)}")

    def _script(self, item: Item, tell: Tell) -> None:
        processes.script(item.path, processes.environment(self._plane, self._key, self._data), tell)

    def _terraform(self, item: Item, tell: Tell) -> None:
        environ = processes.environment(self._plane, self._key, self._data)
        processes.terraform(item.path, self._data / KEPT / item.path.name, environ, tell)

    def _template(self, item: Item, tell: Tell) -> None:
        stack.deploy(item.stack, item.text, self._plane.account, self._plane.region, self._client, tell)

    def _identities(self, item: Item, tell: Tell) -> None:
        found = identities(item.name, item.text, self._plane.account)
        self._bring(found.account, tell)
        for user in found.keys:
            tell(f"the access key of {user} is in {ensure_key(self._data, user, self._client)}")

    def _details(self, item: Item, tell: Tell) -> None:
        told = details.account(details.pages(item.name, item.text))
        own = self._plane.account
        self._bring(details.renamed_account(told, {told.id: own} if told.id else {}, own), tell)

    def _bring(self, wanted: Account, tell: Tell) -> None:
        """Make the identities, and bring those in line that are there. Raises LocumError where not all are."""
        works = bringing.planned(wanted, account_of(self._client), change=True)
        bringing.carry_out(works, self._client)
        for line in summary.lines(works, [], tried=False):
            tell(line)
        if not summary.is_complete(works):
            raise LocumError("not all is as the file says")
