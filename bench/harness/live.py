"""The scenarios about live sources: what calldex adds to one, one that hangs, one that is dead, one number at once, MariaDB.

Each starts what it asks: `limit` as a source that answers at once, a listener that says nothing, a page that counts, the
database of the PHP page.
"""

import asyncio
import contextlib
import resource
import statistics
import threading
from pathlib import Path

from . import machine
from .bench import Bench, median, ratio
from .report import Figure, Result
from .servers import TOKEN, Calldex, Limit
from .wrk import Load, Question, measure

DEADLINE = 300  # milliseconds
GRACE = 50  # milliseconds
CALLERS = 1_000
PAUSE = 10  # milliseconds at most between two lookups of a connection: about half of what the PHP page can do
REPLY = ('content-type: application/json\n\n{"id":12345,"name":"John Doe","queue_position":null,"direct_line":null,'
         '"backend_link":null,"route_identifier":null}')
NO_CACHE = "[cache]\nfound_entries = 0\nunknown_entries = 0\nnumber_entries = 0\n"


class Live(Calldex):
    """calldex with one live source, `crm`; `[project]` asks it, alone or before its address book."""

    def __init__(self, folder: Path, source: str, project: str, store: Path | None = None, cache: str = NO_CACHE):
        super().__init__(folder, store or folder / "calldex.db", cache=True)
        self.config.write_text(f"""
[server]
listen = "{self.address}"
store = "sqlite:{store or folder / 'calldex.db'}"
{cache}
[directory.customers]
country = "RO"

[source.crm]
country = "RO"
{source}

[project.bench]
country = "RO"
allow = ["127.0.0.1"]
tokens = ["{TOKEN}"]
{project}
""")


def added(bench: Bench) -> Result:
    """What calldex adds to a source that answers at once, asked directly with the same client: one connection."""
    if not bench.has("calldex"):
        return Result()
    source = Limit(bench.new_folder("source"), REPLY)
    url = f'type = "generic"\nurl = "http://{source.address}/caller"'
    rounds: list[tuple[Load, Load]] = []
    with source, Live(bench.new_folder("live"), url, 'sources = ["crm"]\ndeadline = "5s"') as calldex:
        for seed in range(bench.settings.rounds + 1):
            pair = tuple(measure(server, _of_one(bench, seed), bench.settings.seconds) for server in (source, calldex))
            print(f"bench: p50 {pair[0].p50:.0f} us directly, {pair[1].p50:.0f} us through calldex; "
                  f"p99 {pair[0].p99:.0f} us, {pair[1].p99:.0f} us", flush=True)
            rounds.append(pair)
    rounds = rounds[1:]  # the first one is to warm up

    def figure(name: str, of, bound: float) -> Figure:
        directly, through = (statistics.median(map(of, side)) for side in zip(*rounds))
        more = statistics.median(of(through) - of(directly) for directly, through in rounds)
        return Figure(f"time added to a source that answers at once, {name}", f"directly {directly:.0f} us, through {through:.0f} us",
                      more, bound, " us", at_most=True)

    return Result([figure("p50", lambda load: load.p50, 150), figure("p99", lambda load: load.p99, 500)])


def hanging(bench: Bench) -> Result:
    """1,000 lookups in flight on a source that never answers, deadline 300 ms: late answers and memory."""
    if not bench.has("calldex"):
        return Result()
    _allow_files(4 * CALLERS)
    question = Question(bench.settings.contacts, bench.settings.contacts, connections=CALLERS,
                        late=(DEADLINE + GRACE) * 1000)
    with Silent() as silent:
        source = f'type = "generic"\nurl = "http://{silent.address}/caller"\nmax_in_flight = {CALLERS}\ntimeout = "1m"'
        project = f'sources = ["crm"]\ndeadline = "{DEADLINE}ms"'
        with Live(bench.new_folder("live"), source, project, cache="") as calldex:
            load = measure(calldex, question, bench.settings.seconds)
            memory = machine.peak_memory_bytes(calldex.process.pid) / 1e6
    measured = f"{load.lookups:,} answers, p50 {load.p50 / 1000:.0f} ms, p99 {load.p99 / 1000:.0f} ms"
    return Result([
        Figure(f"a source that hangs, {CALLERS:,} lookups in flight: answers later than deadline + {GRACE} ms", measured,
               load.late, 0, at_most=True),
        Figure("the most memory meanwhile", "", memory, 300, " MB", at_most=True),
    ])


def together(bench: Bench) -> Result:
    """1,000 lookups of one number at once, cold: requests that reach the source."""
    if not bench.has("calldex"):
        return Result()
    _allow_files(4 * CALLERS)
    with Counting() as page:
        source = f'type = "generic"\nurl = "http://{page.address}/caller"\nmax_in_flight = 1000\ntimeout = "1m"'
        with Live(bench.new_folder("live"), source, 'sources = ["crm"]\ndeadline = "10s"', cache="") as calldex:
            page.asked = 0  # the lookup that found calldex ready
            names = asyncio.run(_ask_at_once(calldex, "0722111222"))
    if names != [True] * CALLERS:
        raise RuntimeError(f"{names.count(False)} of {CALLERS} lookups were not answered")
    return Result([Figure(f"{CALLERS:,} lookups of one number at once, cold: requests to the source", "", page.asked, 1,
                          at_most=True)])


def dead(bench: Bench) -> Result:
    """A source that is dead, before the address book that knows the caller: against a project without it."""
    if not bench.has("calldex"):
        return Result()
    with bench.calldex(cache=False) as usual:
        store = Path(usual.store)
    source = 'type = "generic"\nurl = "http://127.0.0.1:1/caller"'
    without = Live(bench.new_folder("live"), source, 'sources = ["customers"]', store)
    beside = Live(bench.new_folder("live"), source, 'sources = ["crm", "customers"]', store)
    without.name, beside.name = "calldex alone", "calldex with a dead source"
    with without, beside:
        loads = bench.rounds([without, beside], lambda _: _of_one(bench, 1))

    def figure(name: str, of, bound: float) -> Figure:
        more = statistics.median(of(slow) - of(fast) for fast, slow in zip(loads[without.name], loads[beside.name]))
        measured = ", ".join(f"{server} {median(of_server, of):.0f} us" for server, of_server in loads.items())
        return Figure(f"a dead source with the breaker open, one connection: time added, {name}", measured, more, bound, " us",
                      at_most=True)

    return Result([figure("p50", lambda load: load.p50, 10), figure("p99", lambda load: load.p99, 50)])


def mariadb(bench: Bench) -> Result:
    """Lookups through MariaDB by index, cache off, against the PHP page on the same database.

    Flat out, whoever answers more lookups a second leaves less of the two cores to the client, which waits for them too;
    so both are also asked at the same rate.
    """
    if not bench.has("calldex") or not bench.has("php"):
        return Result()
    php = bench.php()
    source = (f'type = "sql"\nurl = "mysql://root@localhost/crm?socket={php.folder}/database.sock"\n'
              'query = "SELECT id, name, telephone FROM contacts WHERE telephone = :national"')
    with Live(bench.new_folder("live"), source, 'sources = ["crm"]\ndeadline = "5s"') as calldex:
        calldex.name = "calldex on MariaDB"
        pair, contacts = [php, calldex], bench.settings.contacts
        flat_out = bench.rounds(pair, lambda _: Question(contacts, contacts))
        same_rate = bench.rounds(pair, lambda _: Question(contacts, contacts, pause=PAUSE))

    def figure(name: str, loads: dict[str, list[Load]], of, bound: float, at_most: bool = True) -> Figure:
        measured = ", ".join(f"{server} {median(of_server, of):,.0f}" for server, of_server in loads.items())
        return Figure(f"MariaDB by index, cache off, against the PHP page: {name}", measured,
                      ratio(loads[calldex.name], loads["php"], of), bound, at_most=at_most)

    return Result([figure("lookups per second, flat out", flat_out, lambda load: load.rate, 1.5, at_most=False),
                   figure("p50 (us), flat out", flat_out, lambda load: load.p50, 1),
                   figure("p99 (us), flat out", flat_out, lambda load: load.p99, 1),
                   figure("p50 (us), both at the same rate", same_rate, lambda load: load.p50, 1),
                   figure("p99 (us), both at the same rate", same_rate, lambda load: load.p99, 1)])


def _of_one(bench: Bench, seed: int) -> Question:
    return Question(bench.settings.contacts, bench.settings.contacts, seed=seed + 1, connections=1)


def _allow_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count)), hard))


async def _ask_at_once(calldex: Calldex, telephone: str) -> list[bool]:
    """Opens every connection first, then asks on all of them; says of each whether the caller's name came."""
    host, port = calldex.address.split(":")
    lines = await asyncio.gather(*(asyncio.open_connection(host, port) for _ in range(CALLERS)))
    for _, writer in lines:
        query = f"telephone={telephone}&dnid=0310000000&token={calldex.token}"
        writer.write(f"GET /bench/lookup?{query} HTTP/1.1\r\nHost: {calldex.address}\r\nConnection: close\r\n\r\n".encode())
    replies = await asyncio.gather(*(reader.read() for reader, _ in lines))
    for _, writer in lines:
        writer.close()
    return [b'"name":"John Doe"' in reply for reply in replies]


class _Page(contextlib.AbstractContextManager):
    """A small server in a thread of its own."""

    def __init__(self):
        self.address = machine.free_address()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._serve)
        self.ready = threading.Event()

    def __enter__(self):
        self.thread.start()
        self.ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _serve(self) -> None:
        host, port = self.address.split(":")
        server = self.loop.run_until_complete(asyncio.start_server(self.answer, host, int(port)))
        self.ready.set()
        self.loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raise NotImplementedError


class Silent(_Page):
    """Takes requests and never answers."""

    async def answer(self, reader, writer):
        """Reads until calldex gives up."""
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await reader.read()
        writer.close()


class Counting(_Page):
    """Answers half a second later, and counts."""

    asked = 0

    async def answer(self, reader, writer):
        """One answer for each connection."""
        with contextlib.suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            await asyncio.sleep(0.5)
            head, body = REPLY.split("\n\n")
            writer.write(f"HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
            await writer.drain()
        writer.close()
