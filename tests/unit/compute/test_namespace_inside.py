"""The inside of an instance: its addresses, what it cannot see, and who else may come in."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from support.plane import needs_namespaces
from support.processes import python

ENTER = """
import json, os, socket, sys
from pathlib import Path
from locum.compute import namespace
namespace.enter_new()
"""

pytestmark = needs_namespaces


def told(program: str, *arguments: str) -> Any:
    """What a program prints, as JSON, that has entered namespaces of its own."""
    done = python(ENTER + program, *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_metadata_address_and_port_can_be_bound_inside_and_reached_there() -> None:
    program = """
server = socket.create_server((namespace.METADATA_ADDRESS, namespace.METADATA_PORT))
gateway = socket.create_server(("127.0.0.1", 4566))
client = socket.create_connection((namespace.METADATA_ADDRESS, 80), timeout=30)
accepted, peer = server.accept()
print(json.dumps([server.getsockname(), gateway.getsockname(), accepted.getsockname()[0]]))
"""
    assert told(program) == [["169.254.169.254", 80], ["127.0.0.1", 4566], "169.254.169.254"]


def test_the_metadata_address_of_ipv6_can_be_reached_where_the_machine_has_ipv6() -> None:
    program = """
server = namespace.listen_on_metadata_6()
known = Path("/proc/net/if_inet6").read_text() if Path("/proc/net/if_inet6").exists() else ""
reached = server is None
while not reached:  # the kernel takes a moment until there is a route
    reached = socket.socket(socket.AF_INET6).connect_ex((namespace.METADATA_ADDRESS_6, 80)) == 0
print(json.dumps([server is not None, "fd000ec2000000000000000000000254" in known]))
"""
    listens, has_address = told(program)
    assert listens is has_address


def test_nothing_of_the_hosts_network_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        program = """
print(json.dumps([socket.if_nameindex(), socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1])))]))
"""
        interfaces, refused = told(program, str(outside.getsockname()[1]))
    assert [name for _, name in interfaces if name != "lo" and not name.startswith(("tunl", "sit", "ip6", "gre"))] == []
    assert os.strerror(refused) == "Connection refused"


def test_the_user_is_who_it_was() -> None:
    assert told("print(json.dumps([os.geteuid(), os.getegid()]))") == [os.geteuid(), os.getegid()]


def test_a_hidden_directory_is_empty_inside_and_as_it_was_outside(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("secret")
    program = "place = Path(sys.argv[1]); namespace.hide(place); print(json.dumps([p.name for p in place.iterdir()]))"
    assert told(program, str(tmp_path)) == []
    assert (tmp_path / "credentials").read_text() == "secret"


def test_a_hidden_file_is_empty_inside_and_as_it_was_outside(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("secret")
    program = "place = Path(sys.argv[1]); namespace.hide(place); print(json.dumps(place.read_text()))"
    assert told(program, str(file)) == ""
    assert file.read_text() == "secret"


def test_what_is_not_there_needs_no_hiding(tmp_path: Path) -> None:
    assert told("namespace.hide(Path(sys.argv[1])); print('true')", str(tmp_path / "nothing")) is True


def test_not_even_root_can_uncover_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("secret")
    program = """
namespace.hide(Path(sys.argv[1]))
namespace.renounce_capabilities()
script = '''umount "$0" 2>/dev/null; ls "$0"; grep -i capeff /proc/self/status'''
sys.stdout.flush()
os.execvp("sh", ["sh", "-c", script, sys.argv[1]])
"""
    done = python(ENTER + program, str(tmp_path))
    assert done.stdout == "CapEff:\t0000000000000000\n"


def test_another_process_joins_and_sees_the_same(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("secret")
    outer = f"""
import json, os, subprocess, sys
from pathlib import Path
place = sys.argv[1]
inner = subprocess.Popen([sys.executable, "-c", {ENTER!r} + '''
namespace.hide(Path(sys.argv[1]))
server = socket.create_server((namespace.METADATA_ADDRESS, namespace.METADATA_PORT))
print("ready", flush=True)
sys.stdin.read()
''', place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert inner.stdout.readline() == "ready\\n"
visitor = subprocess.run([sys.executable, "-c", '''
import json, os, socket, sys
from pathlib import Path
from locum.compute import inside
inside.join_there(int(sys.argv[1]))
reached = socket.create_connection(("169.254.169.254", 80), timeout=30).getpeername()
print(json.dumps([[p.name for p in Path(sys.argv[2]).iterdir()], reached, os.getcwd()]))
''', str(inner.pid), place], capture_output=True, text=True, cwd=os.getcwd())
inner.stdin.close()
inner.wait()
sys.stderr.write(visitor.stderr)
print(visitor.stdout)
"""
    done = python(outer, str(tmp_path))
    assert json.loads(done.stdout or "null") == [[], ["169.254.169.254", 80], str(Path.cwd())], done.stderr


def test_a_process_that_is_gone_cannot_be_joined() -> None:
    done = python("from locum.compute import namespace; namespace.join(2 ** 22 + 1)")
    assert "FileNotFoundError" in done.stderr
