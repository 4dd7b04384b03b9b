"""One run of the benchmark: its settings, its temporary folder, the servers that are up, and alternating rounds."""

import contextlib
import shutil
import statistics
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import ask, machine, people
from .php_page import PhpPage
from .servers import ROOT, Calldex, Import, Limit, Server, build
from .wrk import Load, Question, measure

# Made files are the same every time, so they are kept, until what makes them changes.
DATA = ROOT / f"target/bench/{zlib.crc32(Path(people.__file__).read_bytes()):08x}"
LARGE = 10_000_000  # contacts, with --large
PROGRAMS = {"limit": ["wrk"], "calldex": ["wrk", "sqlite3"],
            "php": ["wrk", "nginx", "php-fpm8.2", "mariadbd", "mariadb", "mariadb-install-db"]}


@dataclass
class Settings:
    """What the command line asks for."""

    contacts: int
    seconds: int
    rounds: int
    large: bool
    servers: list[str]


@dataclass
class Bench:
    """Servers start when a scenario first needs them; `limit` and the PHP page stay up until the end, idle.

    `filled` has what the import took that filled the store of so many contacts.
    """

    settings: Settings
    folder: Path
    ends: contextlib.ExitStack
    _running: dict[str, Server] = field(default_factory=dict)
    _stores: dict[int, Path] = field(default_factory=dict)
    filled: dict[int, Import] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether this server takes part in the run."""
        return name in self.settings.servers

    def messy(self, contacts: int, generation: int = 1) -> Path:
        """The file as somebody exported it."""
        return people.write_messy(DATA / f"messy-{contacts}-{generation}.csv", contacts, generation)

    def limit(self) -> Server:
        """The ceiling, with the answer that calldex gives to a known caller."""
        if "limit" not in self._running:
            reply = {}
            if self.has("calldex"):
                with self.calldex(cache=True) as calldex:
                    reply = {"reply": calldex.sample_reply(people.mobile(self.settings.contacts // 2))}
            self._keep(Limit(self.folder / "limit", **reply))
        return self._running["limit"]

    def php(self) -> Server:
        """The PHP page, on as many contacts as calldex."""
        if "php" not in self._running:
            contacts = self.settings.contacts
            self._keep(PhpPage(self.folder / "php", people.write_clean(DATA / f"clean-{contacts}.csv", contacts)))
        return self._running["php"]

    def calldex(self, cache: bool, contacts: int | None = None) -> Calldex:
        """A calldex that is not started yet, on a store that holds the contacts."""
        contacts = contacts or self.settings.contacts
        if contacts not in self._stores:
            store = self.new_folder("store") / "calldex.db"
            loader = Calldex(self.new_folder("load"), store, cache=True)
            took = loader.load(self.messy(contacts))
            print(f"bench: calldex imported {contacts:,} contacts in {took.seconds:.1f} s", flush=True)
            self._stores[contacts], self.filled[contacts] = store, took
        return Calldex(self.new_folder("calldex"), self._stores[contacts], cache)

    def fresh_calldex(self) -> tuple[Calldex, Import]:
        """A calldex on a store of its own, which a scenario may change, and what filling it took."""
        folder = self.new_folder("fresh")
        calldex = Calldex(folder, folder / "calldex.db", cache=True)
        return calldex, calldex.load(self.messy(self.settings.contacts))

    def new_folder(self, name: str) -> Path:
        """An empty folder of the run."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.folder))

    def rounds(self, servers: list[Server], question: Callable[[Server], Question]) -> dict[str, list[Load]]:
        """Asks one server after the other, several times over; each is checked and warmed up before."""
        for server in servers:
            check(server, question(server))
            measure(server, question(server), 2)
        loads: dict[str, list[Load]] = {}
        for seed in range(self.settings.rounds):
            for server in servers:
                asked = question(server)
                asked.seed = seed + 2
                load = measure(server, asked, self.settings.seconds)
                loads.setdefault(server.name, []).append(load)
                print(f"bench: round {seed + 1}: {server.name}: {load.rate:,.0f}/s, {load.cpu_microseconds:.1f} us CPU, "
                      f"p50 {load.p50:.0f} us, p99 {load.p99:.0f} us", flush=True)
        return loads

    def _keep(self, server: Server) -> None:
        self._running[server.name] = self.ends.enter_context(server)


def check(server: Server, question: Question) -> None:
    """Refuses to measure a server that answers wrongly: fast and wrong is no figure."""
    if server.name == "limit":
        return
    client = ask.Client(server)
    step = max(question.pool // 100, 1)
    for position in range(0, question.pool, step):
        number, expected = people.asked(position, question.contacts)
        found = client.caller(number)["id"]
        if found != expected:
            raise RuntimeError(f"{server.name}: {number} is {expected}, the answer says {found}")


def ratio(loads: list[Load], against: list[Load], of: Callable[[Load], float]) -> float:
    """The median of the rounds' ratios: what slows one round slows both of its halves."""
    return statistics.median(of(one) / of(other) for one, other in zip(loads, against, strict=True))


def median(loads: list[Load], of: Callable[[Load], float]) -> float:
    """The median over the rounds."""
    return statistics.median(map(of, loads))


@contextlib.contextmanager
def prepared(settings: Settings):
    """Installs, builds, and gives a `Bench` whose servers and files are gone afterwards."""
    machine.install_missing([program for name in settings.servers for program in PROGRAMS[name]])
    build(ROOT / "bench/limit", "target/limit")
    if "calldex" in settings.servers:
        build(ROOT, "target")
    DATA.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="calldex-bench-"))
    try:
        with contextlib.ExitStack() as ends:
            yield Bench(settings, folder, ends)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
