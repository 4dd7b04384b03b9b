"""What the machine offers: missing tools installed, free ports, processor time and memory of a process and its children."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PACKAGES = {  # program: the Debian 12 package that has it
    "wrk": "wrk",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "sqlite3": "sqlite3",
    "nginx": "nginx",
    "php-fpm8.2": "php8.2-fpm",
    "mariadbd": "mariadb-server-core",
    "mariadb": "mariadb-client-core",
    "mariadb-install-db": "mariadb-server-core",
}
POLICY = Path("/usr/sbin/policy-rc.d")


def install_missing(programs: list[str]) -> None:
    """Installs what is missing with apt, and keeps Debian from starting the services that it brings."""
    packages = {PACKAGES[program] for program in programs if shutil.which(program) is None}
    if "php-fpm8.2" in programs and not list(Path("/usr/lib/php").glob("*/pdo_mysql.so")):
        packages.add("php8.2-mysql")
    if not packages:
        return
    print("bench: installing", *sorted(packages), file=sys.stderr)
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *sorted(packages)], **quiet)
    finally:
        if ours:
            POLICY.unlink()


def free_address() -> str:
    """An address of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


def description() -> str:
    """Processor, cores, memory and kernel, in one line."""
    cpu = Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in cpu.splitlines() if line.startswith("model name")), "?")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} x {model}, {gib:.0f} GiB, Linux {os.uname().release}"


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[1])
            except OSError:
                continue  # it ended while we looked
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for member in found:
        found.extend(children.get(member, []))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Processor time, user and kernel, of these processes since they started."""
    return sum(int(ticks) for pid in pids for ticks in _stat(pid)[11:13]) / TICKS


def memory_bytes(pid: int) -> int:
    """Resident memory of one process; what it shares with others counts whole."""
    return _kib(Path(f"/proc/{pid}/status"), "VmRSS:")


def peak_memory_bytes(pid: int) -> int:
    """The most resident memory that one process has had."""
    return _kib(Path(f"/proc/{pid}/status"), "VmHWM:")


def shared_out_memory_bytes(pids: list[int]) -> int:
    """Resident memory of several processes; what they share counts once."""
    return sum(_kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") for pid in pids)


def end(process: subprocess.Popen, gentle: int = signal.SIGTERM) -> None:
    """Asks a process that we started to end; after ten seconds it and its children are killed, each by its id."""
    if process.poll() is not None:
        return
    members = family(process.pid)
    process.send_signal(gentle)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()


def wait_for(ready, process: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    """Waits until `ready()` is true; a process that ends before is an error that shows the end of its log."""
    limit = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > limit:
            state = "ended" if process.poll() is not None else f"is not ready after {seconds:.0f} s"
            raise RuntimeError(f"{process.args[0]} {state}:\n" + "\n".join(log.read_text().splitlines()[-15:]))
        time.sleep(0.001)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _kib(path: Path, field: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
