"""The scenarios about answering. Each is a function of a `Bench`; `ALL` is the list, in the order in which they run.

A new figure is a function here (or in imports.py, pbx.py, events.py, agents.py, live.py) and a line in `ALL`. A server that takes no part in the run leaves
out the figures that need it.
"""

import statistics
import time
from collections.abc import Callable

from . import agents, ask, events, imports, live, pbx, people
from .bench import LARGE, Bench, median, ratio
from .report import Figure, Result
from .servers import Server
from .wrk import Load, Question, ask_each_once

WARM_NUMBERS = 100_000
MEMORY_NUMBERS = 1_000_000
STARTS = 10
SMALL = 10_000
MIB = 2**20


def warm(bench: Bench) -> Result:
    """100,000 different numbers, each asked once before."""
    def question(_: Server) -> Question:
        return Question(bench.settings.contacts, WARM_NUMBERS)

    loads, result = _against_baselines(bench, "warm", question, cache=True)
    if "calldex" in loads:
        _lookups_and_cpu(result, loads, "cache warm", against_limit=0.80, against_php=10, cpu=12)
        if "limit" in loads:
            value = ratio(loads["calldex"], loads["limit"], lambda load: load.p99)
            measured = f"{median(loads['calldex'], lambda load: load.p99):.0f} us"
            result.figures.append(Figure("p99 at 32 connections, warm, against limit", measured, value, 1.5, at_most=True))
    return result


def cold(bench: Bench) -> Result:
    """Every number of the directory, with the cache and the number memo off."""
    loads, result = _against_baselines(bench, "cold", lambda _: _over_all(bench.settings.contacts), cache=False)
    if "calldex" in loads:
        _lookups_and_cpu(result, loads, "cache off", against_limit=0.45, against_php=6, cpu=20)
    return result


def close(bench: Bench) -> Result:
    """A new connection for every lookup, as PBXs do it."""
    def question(_: Server) -> Question:
        return Question(bench.settings.contacts, WARM_NUMBERS, close=True)

    loads, result = _against_baselines(bench, "close", question, cache=True)
    if "calldex" in loads and "limit" in loads:
        result.figures.append(_rate("a new connection for every lookup, against limit", loads, "limit", 0.85))
    return result


def memory(bench: Bench) -> Result:
    """Resident memory after 1,000,000 different lookups with the default cache."""
    if not bench.has("calldex"):
        return Result()
    with bench.calldex(cache=True) as calldex:
        ask_each_once(calldex, Question(bench.settings.contacts, MEMORY_NUMBERS))
        value = calldex.memory() / 1e6
    name = f"resident memory after {MEMORY_NUMBERS:,} different lookups, default cache"
    measured = f"{bench.settings.contacts:,} contacts"
    return Result([Figure(name, measured, value, 400, " MB", at_most=True)])


def right(bench: Bench) -> Result:
    """200 known people, each asked for in eight human spellings."""
    found = {}
    if bench.has("php"):
        found["php"] = _right_answers(bench, bench.php())
    if not bench.has("calldex"):
        return Result(details=[["right", name, f"{count / 8:.0f} of 200", "", "", "", ""] for name, count in found.items()])
    with bench.calldex(cache=True) as calldex:
        found["calldex"] = _right_answers(bench, calldex)
    measured = ", ".join(f"{name}: {count} of 1600" for name, count in found.items())
    return Result([Figure("right answers of 200, over 8 human spellings", measured, found["calldex"] / 8, 200)])


def size(bench: Bench) -> Result:
    """10 million contacts against 10 thousand, cache off (only with --large)."""
    if not bench.settings.large or not bench.has("calldex"):
        return Result()
    few, many = bench.calldex(cache=False, contacts=SMALL), bench.calldex(cache=False, contacts=LARGE)
    few.name, many.name = f"calldex on {SMALL:,}", f"calldex on {LARGE:,}"
    with few, many:
        loads = bench.rounds([few, many], lambda server: _over_all(SMALL if server is few else LARGE))
        result = Result(details=_details("size", loads, [few, many]))
    value = ratio(loads[many.name], loads[few.name], lambda load: load.rate)
    result.figures.append(Figure("lookups per second with 10 million contacts against 10 thousand, cache off",
                                 _rates(loads), value, 0.80))
    return result


def start(bench: Bench) -> Result:
    """From the start of the process to its first right answer, with --large also on 10 million contacts."""
    result = Result()
    for contacts in [bench.settings.contacts] + [LARGE] * bench.settings.large:
        if bench.has("calldex"):
            times = [_first_right_answer(bench, contacts, turn) * 1000 for turn in range(STARTS)]
            result.figures.append(Figure(f"start to first right answer, {contacts:,} contacts, slowest of {STARTS}",
                                         f"median {statistics.median(times):.0f} ms", max(times), 300, " ms", at_most=True))
    return result


def _first_right_answer(bench: Bench, contacts: int, turn: int) -> float:
    """Seconds from the start to the name of a caller whom no earlier start was asked for."""
    number, expected = people.asked(turn * (contacts // STARTS), contacts)
    with bench.calldex(cache=True, contacts=contacts) as calldex:
        began = time.monotonic()
        found = ask.Client(calldex).caller(number)["id"]
        if found != expected:
            raise RuntimeError(f"{number} is {expected}, the first answer says {found}")
        return calldex.start_seconds + time.monotonic() - began


ALL: dict[str, Callable[[Bench], Result]] = {
    "warm": warm,
    "cold": cold,
    "close": close,
    "memory": memory,
    "right": right,
    "start": start,
    "import": imports.time_and_memory,
    "import-p99": imports.p99_meanwhile,
    "fastagi": pbx.fastagi,
    "idle": pbx.idle,
    "events": events.intake,
    "outbox": events.outbox,
    "agents": agents.agents,
    "live": live.added,
    "live-hang": live.hanging,
    "live-one": live.together,
    "live-dead": live.dead,
    "live-sql": live.mariadb,
    "size": size,
}


def _over_all(contacts: int) -> Question:
    return Question(contacts, contacts * 5 // 4)


def _against_baselines(bench: Bench, scenario: str, question, cache: bool) -> tuple[dict[str, list[Load]], Result]:
    """Alternating rounds of every server that takes part."""
    servers = [bench.limit()] if bench.has("limit") else []
    calldex = bench.calldex(cache) if bench.has("calldex") else None
    php = [bench.php()] if bench.has("php") else []
    if calldex is None:
        loads = bench.rounds(servers + php, question)
        return loads, Result(details=_details(scenario, loads, servers + php))
    with calldex:
        if cache:
            ask_each_once(calldex, question(calldex))
        loads = bench.rounds([*servers, calldex, *php], question)
        return loads, Result(details=_details(scenario, loads, [*servers, calldex, *php]))


def _lookups_and_cpu(result: Result, loads: dict[str, list[Load]], state: str, against_limit: float, against_php: float,
                     cpu: float) -> None:
    if "limit" in loads:
        result.figures.append(_rate(f"lookups per second, {state}, against limit", loads, "limit", against_limit))
    if "php" in loads:
        result.figures.append(_rate(f"lookups per second, {state}, against the PHP page", loads, "php", against_php))
    spent = {name: median(of, lambda load: load.cpu_microseconds) for name, of in loads.items()}
    measured = ", ".join(f"{name} {value:.1f}" for name, value in spent.items())
    result.figures.append(Figure(f"CPU per lookup, {state}", measured, spent["calldex"], cpu, " us", at_most=True))


def _rate(name: str, loads: dict[str, list[Load]], other: str, bound: float) -> Figure:
    pair = {server: loads[server] for server in ("calldex", other)}
    return Figure(name, _rates(pair), ratio(loads["calldex"], loads[other], lambda load: load.rate), bound)


def _rates(loads: dict[str, list[Load]]) -> str:
    return ", ".join(f"{name} {median(of, lambda load: load.rate):,.0f}/s" for name, of in loads.items())


def _details(scenario: str, loads: dict[str, list[Load]], servers: list[Server]) -> list[list[str]]:
    def line(server: Server) -> list[str]:
        of = loads[server.name]
        return [scenario, server.name, f"{median(of, lambda load: load.rate):,.0f}",
                f"{median(of, lambda load: load.cpu_microseconds):.1f} us", f"{median(of, lambda load: load.p50):.0f} us",
                f"{median(of, lambda load: load.p99):.0f} us", f"{server.memory() / MIB:.0f} MiB"]

    return [line(server) for server in servers]


def _right_answers(bench: Bench, server: Server) -> int:
    """How many of 1,600 questions name the right person."""
    client, contacts = ask.Client(server), bench.settings.contacts
    asked_for = [number * 997 % contacts for number in range(200)]
    return sum(client.caller(spelling)["id"] == person + 1
               for person in asked_for for spelling in people.human_spellings(people.mobile(person)))
