"""The launcher of an instance of the driver `container`: a container of its own for each start (`containers`).

Its first process is a shell, for which it takes an image with /bin/sh, `cat`, `chmod`, `mkdir` and `sleep`:

    1. it says a line, and reads the user data from its standard input. The launcher attaches before it writes that
    2. it runs the user data, where there is any, and goes on when that has ended, as an instance does
    3. at SIGTERM (the engine's `stop`, or a reboot from inside), and at SIGUSR1 and SIGUSR2 (halt, as of busybox's
       init) it sends all processes SIGTERM, and ends when they have, or five seconds later

So user data is neither in a command line nor in what the engine tells of a container. Where the launcher ends, another
process removes the containers, and holds the lock of the instance until it has.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from contextlib import ExitStack, suppress
from typing import IO, Final

from locum.compute.attachment import Attachment, Claim
from locum.compute.containers import Container, ContainerFailed, ContainerNetwork
from locum.compute.launcher import Launcher, say, script_of
from locum.compute.supervisor import GRACE, POWERED_OFF, REBOOTED
from locum.core.errors import LocumError
from locum.core.instances import CONTAINER

SHELL: Final = "/bin/sh"
USER_DATA: Final = "/var/lib/cloud/instance/scripts/part-001"
"""The path of the user data script in the container: cloud-init's place for it."""

FIRST: Final = f"""
for tool in cat chmod mkdir sleep; do
  command -v $tool >/dev/null || {{ echo "locum: the image has no $tool" >&2; exit 127; }}
done
end() {{
  trap '' TERM USR1 USR2
  tries=0
  if [ $$ = 1 ]; then
    kill -TERM -1
    while kill -0 -1 && [ $tries -lt {GRACE:.0f} ]; do tries=$((tries + 1)); sleep 1; done
  fi 2>/dev/null
  exit $1
}}
trap 'end {REBOOTED}' TERM
trap 'end {POWERED_OFF}' USR1 USR2
echo
exec 2>&1
mkdir -p {USER_DATA.rpartition("/")[0]}
cat >{USER_DATA}
chmod 700 {USER_DATA}
if [ -s {USER_DATA} ]; then {USER_DATA} </dev/null & fi
while :; do sleep 86400 & wait; done
"""
"""The script of the first process."""

_MORE: Final = 15.0  # seconds after the grace period, in which the engine is to have ended the container
_AGAIN: Final = 5.0  # seconds before the next launcher has its turn, where the container has failed
_CHUNK: Final = 1 << 16


class ContainerLauncher(Launcher):
    """The launcher of the driver `container`."""

    _told_to_end = False

    def run(self) -> None:
        """Make the network and the container, attach it, and wait for its end."""
        self._console.start()
        with ExitStack() as detached:
            try:
                self._run(detached)
            except LocumError as error:  # the reconciler starts it anew, or the next plane's
                say(str(error))
            self._let_go()

    def _run(self, detached: ExitStack) -> None:
        """The same, up to where nothing is left of the containers. Raises ContainerFailed, HandoverError."""
        asked = self._asked
        network = ContainerNetwork(Container(*asked.container), asked.instance, self._in_guard)
        network.clear()
        with network:
            claim = Claim(asked.instance, asked.account, driver=CONTAINER, boot=asked.boot, within=network.within)
            attachment = Attachment(self._data, claim, network.sockets(asked.port))
            code = self._attended(network, detached.enter_context(attachment))
        if code == POWERED_OFF:
            self._shut_down()
        elif code != REBOOTED and not self._told_to_end:
            say(f"the container has ended ({code})")
            attachment.close()
            select.select([], [], [], _AGAIN)  # with the lock: none is started meanwhile

    def _in_guard(self) -> None:
        """In the process that removes the containers: hold the lock until that is done, and nothing else."""
        self._under_way.close()
        os.set_inheritable(self._lock, True)

    def _attended(self, network: ContainerNetwork, attachment: Attachment) -> int:
        """Start the container, attach it, and wait for its end; its exit code. Raises LocumError."""
        line = network.as_root(SHELL, FIRST, self._asked.environment)
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as client:  # noqa: S603
            assert client.stdin is not None
            assert client.stdout is not None
            try:
                if not client.stdout.readline():
                    raise ContainerFailed("the container has not started")
                script = script_of(self._asked, self._files)
                attachment.attach()
                self._files.begin()
                self._under_way.close()
                console = threading.Thread(target=_copy, args=(client.stdout,))
                console.start()
                _give(client.stdin, script or b"")
                self._keep(attachment, network, client)
                console.join()
            finally:
                client.kill()
        return client.returncode

    def _keep(self, attachment: Attachment, network: ContainerNetwork, client: subprocess.Popen[bytes]) -> None:
        """Keep it attached to the end of the container, whose streams `client` has."""

        def end() -> None:
            self._told_to_end = True
            signal.signal(signal.SIGALRM, lambda _number, _frame: client.kill())
            signal.setitimer(signal.ITIMER_REAL, GRACE + _MORE)
            network.stop(int(GRACE))

        ended = os.pidfd_open(client.pid)
        attachment.keep(until=ended, end=end)
        os.close(ended)
        signal.setitimer(signal.ITIMER_REAL, 0)
        client.wait()


def _give(sink: IO[bytes], script: bytes) -> None:
    """Have the first process go on, with the script."""
    with suppress(BrokenPipeError), sink:
        left = memoryview(script)
        while left:
            left = left[sink.write(left) :]


def _copy(source: IO[bytes]) -> None:
    """Write what comes from `source` to the console."""
    while octets := source.read(_CHUNK):
        while octets:
            octets = octets[os.write(1, octets) :]
