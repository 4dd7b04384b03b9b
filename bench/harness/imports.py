"""The scenarios about importing: time and memory against sqlite3, and lookups while rows come in."""

import shutil
import statistics
import subprocess
import time
from pathlib import Path

from .bench import LARGE, Bench, ratio
from .report import Figure, Result
from .wrk import Load, Question, Run, measure

MIB = 2**20
PAUSE = 30  # milliseconds at most between two lookups of a connection: about 2,000 lookups a second in all


def time_and_memory(bench: Bench) -> Result:
    """The messy file into an empty store, and the same file again, against `sqlite3` and a bare table."""
    if not bench.has("calldex"):
        return Result()
    file = bench.messy(bench.settings.contacts)
    bare, first, second, peaks = [], [], [], []
    for _ in range(bench.settings.rounds):
        bare.append(_sqlite_import(bench.new_folder("bare"), file))
        calldex, once = bench.fresh_calldex()
        again = calldex.load(file)
        first.append(once.seconds)
        second.append(again.seconds)
        peaks.append(max(once.peak, again.peak))
        shutil.rmtree(calldex.folder)
        print(f"bench: sqlite3 {bare[-1]:.1f} s, import {once.seconds:.1f} s, again {again.seconds:.1f} s", flush=True)
    rows = f"{bench.settings.contacts:,}"
    slower = statistics.median(ours / theirs for ours, theirs in zip(first, bare))
    faster = statistics.median(once / again for once, again in zip(first, second))
    measured = f"sqlite3 {statistics.median(bare):.1f} s, calldex {statistics.median(first):.1f} s"
    result = Result([
        Figure(f"import of {rows} messy rows against sqlite3, a bare table and an index", measured, slower, 4, at_most=True),
        Figure("second import of the same file, how much faster", f"{statistics.median(second):.1f} s", faster, 2),
        _peak(bench.settings.contacts, max(peaks)),
    ])
    if bench.settings.large:
        bench.calldex(cache=True, contacts=LARGE)
        result.figures.append(_peak(LARGE, bench.filled[LARGE].peak))
    return result


def _peak(rows: int, peak: int) -> Figure:
    return Figure(f"peak memory of an import of {rows:,} rows", "", peak / 1e6, 250, " MB", at_most=True)


def p99_meanwhile(bench: Bench) -> Result:
    """Lookups at a steady pace while a file that changes every contact is imported, against the same pace in peace."""
    if not bench.has("calldex"):
        return Result()
    contacts = bench.settings.contacts
    calldex, _ = bench.fresh_calldex()
    question = Question(contacts, contacts * 5 // 4, pause=PAUSE)
    idle: list[Load] = []
    busy: list[Load] = []
    with calldex:
        for number in range(bench.settings.rounds):
            idle.append(measure(calldex, question, bench.settings.seconds))
            busy.append(_while_importing(calldex, question, bench.messy(contacts, generation=2 - number % 2)))
            print(f"bench: p99 idle {idle[-1].p99:.0f} us, importing {busy[-1].p99:.0f} us "
                  f"({busy[-1].seconds:.1f} s)", flush=True)
    p99s = [statistics.median(load.p99 for load in loads) for loads in (idle, busy)]
    return Result([Figure(f"p99 while {contacts:,} rows are imported, against idle",
                          f"idle {p99s[0]:.0f} us, importing {p99s[1]:.0f} us",
                          ratio(busy, idle, lambda load: load.p99), 2, at_most=True)])


def _while_importing(calldex, question: Question, file: Path) -> Load:
    run = Run(calldex, question, seconds=3600)
    try:
        calldex.load(file)
    finally:
        load = run.finish(now=True)
    return load


def _sqlite_import(folder: Path, file: Path) -> float:
    """Seconds that the command line of SQLite takes for the file, as text, and an index on the number."""
    began = time.monotonic()
    commands = f".mode csv\n.import '{file}' contacts\nCREATE INDEX by_telephone ON contacts (telephone);\n"
    subprocess.run(["sqlite3", folder / "bare.db"], input=commands, text=True, check=True)
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took
