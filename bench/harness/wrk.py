"""Runs wrk with `lookups.lua` and reads what it counted."""

import json
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from . import machine

SCRIPT = Path(__file__).parent.parent / "lookups.lua"
CONNECTIONS = 32
THREADS = 2  # lookups.lua deals its questions to two


@dataclass
class Question:
    """What is asked: `pool` different numbers of a directory of `contacts`, in some order."""

    contacts: int
    pool: int
    seed: int = 1
    close: bool = False
    pause: int = 0  # milliseconds at most between two lookups of a connection
    connections: int = CONNECTIONS
    late: int = 0  # microseconds after which an answer counts as late; 0: none does


@dataclass
class Load:
    """What one run of wrk measured."""

    lookups: int
    seconds: float
    p50: float  # microseconds
    p99: float  # microseconds
    walked: int
    late: int
    cpu: float = 0.0  # seconds of the server's processes

    @property
    def rate(self) -> float:
        """Lookups a second."""
        return self.lookups / self.seconds

    @property
    def cpu_microseconds(self) -> float:
        """Processor time of the server for one lookup."""
        return self.cpu / self.lookups * 1e6


class Run:
    """A running wrk."""

    def __init__(self, server, question: Question, seconds: int, walk_from: int | None = None):
        self.server = server
        walk, start = (0, 0) if walk_from is None else (1, walk_from)
        arguments = [question.pool, question.contacts, question.seed, walk, start, int(question.close), question.pause,
                     server.token, question.late]
        threads = min(THREADS, question.connections)
        command = ["wrk", "-t", threads, "-c", question.connections, "-d", f"{seconds}s", "--timeout", "10s", "-s", SCRIPT,
                   f"http://{server.address}/", "--", *arguments]
        self.cpu_before = machine.cpu_seconds(server.pids())
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, now: bool = False) -> Load:
        """Waits for the end, or makes it `now`. A lookup that failed makes the whole run worthless."""
        if now:
            self.process.send_signal(signal.SIGINT)
        try:
            output = self.process.communicate()[0]
        except BaseException:
            machine.end(self.process)
            raise
        cpu = machine.cpu_seconds(self.server.pids()) - self.cpu_before
        line = next((line for line in output.splitlines() if line.startswith("BENCH ")), None)
        if line is None:
            raise RuntimeError(f"wrk said:\n{output}")
        counted = json.loads(line.removeprefix("BENCH "))
        if counted["not_ok"] or counted["broken"] or not counted["requests"]:
            raise RuntimeError(f"{self.server.name}: lookups failed: {counted}")
        return Load(counted["requests"], counted["microseconds"] / 1e6, counted["p50"], counted["p99"], counted["walked"],
                    counted["late"], cpu)


def measure(server, question: Question, seconds: int) -> Load:
    """Asks at random for some seconds."""
    return Run(server, question, seconds).finish()


def ask_each_once(server, question: Question) -> None:
    """Asks every number of the pool, at least once and hardly any twice."""
    question = replace(question, close=False, pause=0)
    step = 0
    while step * THREADS < question.pool:
        # What was on its way when the time was over may be lost: those are asked again.
        step = max(Run(server, question, 2, walk_from=step).finish().walked - CONNECTIONS, step + 1)
