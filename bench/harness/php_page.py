"""The documented PHP page on nginx, php-fpm and MariaDB, all in one temporary folder, none of Debian's services used."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from . import ask, machine
from .servers import BENCH, TOKEN, Server

FILES = BENCH / "php"


class PhpPage(Server):
    """Three programs that together answer one lookup."""

    name = "php"

    def __init__(self, folder: Path, clean_csv: Path):
        super().__init__(folder)
        self.clean_csv = clean_csv
        self.processes: list[subprocess.Popen] = []

    def start(self) -> None:
        """Makes the database, fills it, and starts the three."""
        try:
            self._start_database()
            root = os.geteuid() == 0
            php = self._fill("php-fpm.conf", USER="user = root\ngroup = root" if root else "")
            nginx = self._fill("nginx.conf", USER="user root;" if root else "", PAGE=str(FILES / "lookup.php"), TOKEN=TOKEN,
                               ADDRESS=self.address)
            self._run(["php-fpm8.2", "--nodaemonize", "--allow-to-run-as-root", "--fpm-config", php], self._has("php.sock"))
            self._run(["nginx", "-p", self.folder, "-e", self.folder / "nginx.log", "-c", nginx],
                      lambda: ask.answers(self, "0700000000"))
        except BaseException:
            self.__exit__()
            raise

    def pids(self) -> list[int]:
        """nginx, php-fpm and MariaDB with all their children."""
        return [pid for process in self.processes for pid in machine.family(process.pid)]

    def memory(self) -> int:
        """Resident bytes of all of them; what the children of php-fpm share counts once."""
        return machine.shared_out_memory_bytes(self.pids())

    def __exit__(self, *_):
        for process in reversed(self.processes):
            fast = signal.SIGTERM  # for nginx and php-fpm: at once; MariaDB flushes first
            machine.end(process, fast)
        self.processes.clear()

    def _start_database(self) -> None:
        data, socket = self.folder / "database", self.folder / "database.sock"
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
                        "--auth-root-authentication-method=normal", *user], check=True, stdout=subprocess.DEVNULL)
        settings = ["--innodb-buffer-pool-size=512M", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=256M",
                    "--skip-networking", "--skip-name-resolve", "--skip-log-bin", "--thread-cache-size=32",
                    "--secure-file-priv=", f"--pid-file={self.folder}/database.pid"]
        self._run(["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}", *settings, *user],
                  self._has("database.sock"))
        print("bench: filling MariaDB", file=sys.stderr)
        schema = self._fill("schema.sql", CSV=str(self.clean_csv))
        with schema.open() as statements:
            subprocess.run(["mariadb", "--no-defaults", f"--socket={socket}", "--user=root"], stdin=statements, check=True,
                           stdout=subprocess.DEVNULL)

    def _fill(self, name: str, **values: str) -> Path:
        """Writes a file of `bench/php` with its places filled in."""
        text = (FILES / name).read_text()
        for key, value in {"ROOT": str(self.folder), **values}.items():
            text = text.replace(f"@{key}@", value)
        filled = self.folder / name
        filled.write_text(text)
        return filled

    def _has(self, name: str):
        return lambda: (self.folder / name).exists()

    def _run(self, command: list, ready) -> None:
        log = self.folder / f"{Path(str(command[0])).name}.out"
        with log.open("w") as output:
            process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.processes.append(process)
        machine.wait_for(ready, process, log)
