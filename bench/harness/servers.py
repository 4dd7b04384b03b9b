"""Starts and stops `limit` and calldex; the PHP page is in php_page.py.

Each server has `name`, `address`, `token`, `pids()`; each is a context manager that ends what it started.
"""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import ask, machine

BENCH = Path(__file__).parent.parent
ROOT = BENCH.parent
TOKEN = "bench_4cd1b1e0c0f74d2a9a7e"  # of a project that lives as long as the run
LINK = "https://your-crm.com/example-popup?id="
# What `limit` repeats as long as calldex cannot be asked for the real thing.
SAMPLE_HEAD = "content-type: application/json\nx-request-id: 0123456789abcdef\n"
SAMPLE_BODY = (f'{{"id":500000,"name":"Popescu Maria","queue_position":null,"direct_line":null,"backend_link":"{LINK}500000",'
               '"route_identifier":null}')


def build(directory: Path, target: str) -> None:
    """Builds a package of this repository for release, with what cargo prints."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--target-dir", ROOT / target], cwd=directory, check=True)


class Server:
    """What all servers share."""

    name = "?"
    token = TOKEN

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.address = machine.free_address()
        self.process: subprocess.Popen | None = None
        self.start_seconds = 0.0

    def pids(self) -> list[int]:
        """Every process that takes part in a lookup."""
        return machine.family(self.process.pid)

    def memory(self) -> int:
        """Resident bytes."""
        return machine.memory_bytes(self.process.pid)

    def launch(self, command: list) -> None:
        """Starts the process and waits until it answers a lookup; what it prints goes into a file."""
        log = self.folder / f"{self.name}.log"
        began = time.monotonic()
        with log.open("w") as output:
            self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            machine.wait_for(lambda: ask.answers(self, "0700000000"), self.process, log)
        except BaseException:
            machine.end(self.process)
            raise
        self.start_seconds = time.monotonic() - began

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        machine.end(self.process)


class Limit(Server):
    """The ceiling: hyper with a constant answer, of the size and with the headers of calldex's."""

    name = "limit"

    def __init__(self, folder: Path, reply: str = f"{SAMPLE_HEAD}\n{SAMPLE_BODY}"):
        super().__init__(folder)
        (self.folder / "reply").write_text(reply)

    def start(self) -> None:
        """Starts it."""
        self.launch([ROOT / "target/limit/release/limit", self.address, self.folder / "reply"])


class Calldex(Server):
    """calldex with a store of its own; `cache` off means that every lookup goes to the directory."""

    name = "calldex"
    binary = ROOT / "target/release/calldex"

    def __init__(self, folder: Path, store: Path, cache: bool):
        super().__init__(folder)
        off = "" if cache else "[cache]\nfound_entries = 0\nunknown_entries = 0\nnumber_entries = 0\n"
        self.store = store
        self.agi = machine.free_address()
        self.config = self.folder / "calldex.toml"
        self.config.write_text(f"""
[server]
listen = "{self.address}"
agi = "{self.agi}"
store = "sqlite:{store}"
{off}
[directory.customers]
country = "RO"

[project.bench]
country = "RO"
allow = ["127.0.0.1"]
tokens = ["{TOKEN}"]
sources = ["customers"]
backend_link = "{LINK}{{{{ contact.id }}}}"
""")

    def start(self) -> None:
        """Starts it."""
        self.launch(self.command("serve"))

    def command(self, *words) -> list[str]:
        """A command line of calldex with this configuration."""
        return [str(self.binary), "--config", str(self.config), *map(str, words)]

    def load(self, file: Path) -> "Import":
        """Imports a file, also while the server runs, and says what it took."""
        log = self.folder / "import.log"
        began = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(self.command("import", file, "--directory", "customers"), stdout=output, stderr=output)
        try:
            peak = _peak_memory_when_done(process)
        except BaseException:
            machine.end(process)
            raise
        if process.returncode:
            raise RuntimeError(f"calldex import failed:\n{log.read_text()}")
        return Import(time.monotonic() - began, peak)

    def sample_reply(self, telephone: str) -> str:
        """A reply to a known caller, headers and body, for `limit` to repeat."""
        response, body = ask.Client(self).reply(telephone)
        head = "".join(f"{name.lower()}: {value}\n" for name, value in response.getheaders())
        return f"{head}\n{body.decode()}"


@dataclass
class Import:
    """What an import took: seconds of the whole process, and the most memory that it held, in bytes."""

    seconds: float
    peak: int


def _peak_memory_when_done(process: subprocess.Popen) -> int:
    """Waits for the end; the most resident memory that the process had, in bytes."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024
