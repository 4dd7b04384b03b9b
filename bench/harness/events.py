"""The scenarios about events: how many a second come to the disk, against a bare writer, and with a full journal."""

import json
import os
import sqlite3
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .bench import Bench
from .report import Figure, Result
from .servers import TOKEN, Calldex

SCRIPT = Path(__file__).parent.parent / "events.lua"
CONNECTIONS = 16
PARKED = 1_000_000
ROW = b"x" * 400  # about what an event takes in the file


@dataclass
class Reported:
    """What one run of wrk reported."""

    rate: float
    p99: float  # milliseconds


def intake(bench: Bench) -> Result:
    """Events with 16 connections, each on the disk before its answer, against a bare writer on the same disk."""
    if not bench.has("calldex"):
        return Result()
    calldex, _ = bench.fresh_calldex()
    bare, rounds = [], []
    with calldex:
        for number in range(bench.settings.rounds):
            bare.append(_bare_writer(calldex.folder, bench.settings.seconds))
            rounds.append(_report(calldex, bench.settings.seconds, f"r{number}"))
            print(f"bench: round {number + 1}: {rounds[-1].rate:,.0f} events/s, p99 {rounds[-1].p99:.1f} ms; "
                  f"bare writer {bare[-1]:,.0f}/s", flush=True)
    rate = statistics.median(one.rate for one in rounds)
    measured = f"p99 {statistics.median(one.p99 for one in rounds):.1f} ms"
    share = statistics.median(one.rate / other for one, other in zip(rounds, bare, strict=True))
    return Result([
        Figure("events per second, durable, 16 connections", measured, rate, 3_000),
        Figure("the same against a bare writer", f"bare writer {statistics.median(bare):,.0f}/s", share, 0.0),
    ])


def outbox(bench: Bench) -> Result:
    """A journal with 1,000,000 parked calls: start, and intake against an empty journal."""
    if not bench.has("calldex"):
        return Result()
    (empty, _), (full, _) = bench.fresh_calldex(), bench.fresh_calldex()
    for calldex in (empty, full):
        with calldex:
            pass  # the server makes the file
    _park(full.folder / "calldex-events.db", PARKED)
    os.sync()  # what the parking has left to be written must not hold up the events
    started, rates = [], []
    for number in range(bench.settings.rounds):
        pair = {}
        for calldex in (empty, full):
            with calldex:
                pair[calldex] = _report(calldex, bench.settings.seconds, f"r{number}").rate
        started.append(full.start_seconds)
        rates.append((pair[full], pair[empty]))
        print(f"bench: round {number + 1}: {pair[full]:,.0f} events/s, with an empty journal {pair[empty]:,.0f}; "
              f"start {started[-1]:.2f} s", flush=True)
    parked, others = (statistics.median(column) for column in zip(*rates))
    return Result([
        Figure(f"start with {PARKED:,} parked calls", "", statistics.median(started), 2.0, " s", at_most=True),
        Figure("events per second, against an empty journal", f"{parked:,.0f}/s, empty {others:,.0f}/s",
               statistics.median(one / other for one, other in rates), 0.9),
    ])


def _report(calldex: Calldex, seconds: int, run: str) -> Reported:
    command = ["wrk", "-t", "2", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "10s", "-s", str(SCRIPT),
               f"http://{calldex.address}/", "--", TOKEN, run]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next((line for line in output.splitlines() if line.startswith("BENCH ")), None)
    counted = json.loads(line.removeprefix("BENCH ")) if line else {"not_ok": 1, "broken": output}
    if counted["not_ok"] or counted["broken"]:
        raise RuntimeError(f"events failed: {counted}")
    return Reported(counted["requests"] / (counted["microseconds"] / 1e6), counted["p99"] / 1e3)


def _bare_writer(folder: Path, seconds: int) -> float:
    """Rows a second of a program that appends what 16 connections can have waiting, and brings it to the disk."""
    path = folder / "bare"
    written, end = 0, time.monotonic() + seconds
    with path.open("wb", buffering=0) as file:
        while time.monotonic() < end:
            file.write(ROW * CONNECTIONS)
            os.fdatasync(file.fileno())
            written += CONNECTIONS
    path.unlink()
    return written / seconds


def _park(store: Path, count: int) -> None:
    """Fills the journal as a system that has refused everything for a long time would."""
    with sqlite3.connect(store) as database:
        database.execute(f"""
            WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count})
            INSERT INTO journal (key, project, target, call, line, state, tries, due, created, error)
            SELECT 'parked-' || n, 'bench', 'crm', n, 'bench +4072' || n, 2, 5, 0, 0, 'it answered with status 422' FROM number
        """)
