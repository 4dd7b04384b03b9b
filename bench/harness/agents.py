"""The scenarios about the agents' page: what a listening page costs, and how soon a call is shown in a real browser."""

import base64
import contextlib
import hashlib
import http.client
import json
import random
import resource
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from . import machine, people
from .bench import Bench
from .report import Figure, Result
from .servers import Calldex

OTHERS = 1_000  # agents whose pages listen
CALLS = 300  # shown in the browser, after some that are not counted
WARM_UP = 20
PACE = 0.05  # seconds between two events
REST = 20  # seconds; a silent page is looked after every 15
DAY = 86_400_000  # milliseconds
BROWSER = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"]
# Notes when a card is there: after the change of the page, in the frame that draws it.
WATCH = """
window.shown = {};
new MutationObserver(() => requestAnimationFrame(() => {
  const now = performance.timeOrigin + performance.now();
  for (const number of document.querySelectorAll(".card [data-part=number]")) {
    const digits = number.textContent.replace(/[^0-9]/g, "");
    if (digits && !(digits in window.shown)) window.shown[digits] = now;
  }
})).observe(document.getElementById("cards"), { childList: true, subtree: true, characterData: true });
"""


def agents(bench: Bench) -> Result:
    """1,000 pages listen: memory of each, and the time from an event to its card in a real browser."""
    if not bench.has("calldex"):
        return Result()
    machine.install_missing(["chromium", "chromedriver"])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    calldex, _ = bench.fresh_calldex()
    with calldex:
        link = _add_agents(calldex)
        with contextlib.ExitStack() as ends:
            before = _resident_after_warm_up(calldex)
            pages = [_listen(calldex, agent, ends) for agent in range(OTHERS)]
            stop = threading.Event()
            reader = threading.Thread(target=_read_all, args=(pages, stop))
            reader.start()
            ends.callback(lambda: (stop.set(), reader.join()))
            for agent in range(OTHERS):
                _ring(calldex, f"other-{agent}", people.mobile(agent), f"m{agent}")
            time.sleep(REST)
            each = (calldex.memory() - before) / OTHERS / 1e3
            took = _in_a_browser(calldex, link, ends)
    p99, median = took[len(took) * 99 // 100], took[len(took) // 2]
    return Result([
        Figure(f"memory of each of {OTHERS:,} agents' pages", "after a call to each", each, 40, " KB", at_most=True),
        Figure(f"event to card in Chromium, {OTHERS:,} others: p99", f"median {median:.0f} ms", p99, 150, " ms", at_most=True),
    ])


def _cookie(agent: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"bench agent {agent}".encode()).digest()).decode().rstrip("=")


def _add_agents(calldex: Calldex) -> str:
    """Accounts that are signed in, straight into the store; returns the personal link of the one with the browser."""
    made = subprocess.run(calldex.command("agent", "add", "browser", "--project", "bench"), capture_output=True, text=True, check=True)
    now = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(calldex.folder / "calldex-events.db")) as database, database:
        for agent in range(OTHERS):
            added = database.execute("INSERT INTO agent (project, name, created) VALUES ('bench', ?, ?)", (f"other-{agent}", now))
            token = hashlib.sha256(_cookie(agent).encode()).digest()
            database.execute("INSERT INTO session VALUES (?, ?, 'csrf', ?, ?)", (token, added.lastrowid, now, now + DAY))
    return made.stdout.split("/agent/invite#")[1].split()[0]


def _resident_after_warm_up(calldex: Calldex) -> int:
    """Resident bytes after as many calls, and after some pages have come and gone: what these leave behind is no page's."""
    for agent in range(OTHERS):
        _ring(calldex, f"other-{agent}", people.mobile(agent), f"w{agent}")
    with contextlib.ExitStack() as gone:
        for agent in range(50):
            _listen(calldex, agent, gone)
    time.sleep(1)
    return calldex.memory()


def _listen(calldex: Calldex, agent: int, ends: contextlib.ExitStack) -> socket.socket:
    host, port = calldex.address.split(":")
    page = ends.enter_context(socket.create_connection((host, int(port)), timeout=30))
    page.sendall(f"GET /agent/stream?after=0 HTTP/1.1\r\nHost: {calldex.address}\r\nAccept: text/event-stream\r\n"
                 "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0\r\n"
                 f"Accept-Language: en-GB,en;q=0.9\r\nCookie: calldex_agent={_cookie(agent)}\r\n\r\n".encode())
    heard = b""
    while b"retry:" not in heard:
        heard += page.recv(4096)
    return page


def _read_all(pages: list[socket.socket], stop: threading.Event) -> None:
    """Browsers read what they get."""
    for page in pages:
        page.setblocking(False)
    while not stop.wait(0.1):
        for page in pages:
            with contextlib.suppress(BlockingIOError):
                page.recv(65_536)


def _ring(calldex: Calldex, agent: str, telephone: str, call: str, kind: str = "ringing") -> None:
    line = http.client.HTTPConnection(calldex.address, timeout=10)
    line.request("GET", f"/bench/events?event={kind}&agent={agent}&telephone={telephone}&uniqueid={call}&token={calldex.token}")
    if (status := line.getresponse().status) != 200:
        raise RuntimeError(f"an event was answered {status}")
    line.close()


def _in_a_browser(calldex: Calldex, link: str, ends: contextlib.ExitStack) -> list[float]:
    """Milliseconds from before an event was sent until its card was drawn, sorted; every third event is the browser's."""
    browser = Browser(ends)
    # A browser keeps a Secure cookie over plain HTTP for localhost only.
    browser.go(f"http://localhost:{calldex.address.split(':')[1]}/agent/invite#{link}")
    browser.run("document.querySelector('#invite-form button').click()")
    browser.wait("return document.getElementById('line').dataset.line === 'up'")
    browser.run(WATCH)
    sent: dict[str, float] = {}
    chance = random.Random(1)
    for number in range(WARM_UP + CALLS):
        telephone = people.mobile(5_000 + number)
        for other in range(2):
            _ring(calldex, f"other-{chance.randrange(OTHERS)}", people.mobile(chance.randrange(4_000)), f"o{number}.{other}")
            time.sleep(PACE)
        before = time.time() * 1000
        _ring(calldex, "browser", telephone, f"b{number}")
        sent["40" + telephone.lstrip("0")] = before
        time.sleep(PACE)
        _ring(calldex, "browser", telephone, f"b{number}", "hangup")
    browser.wait(f"return Object.keys(window.shown).length >= {len(sent)}")
    shown = browser.run("return window.shown")
    return sorted([shown[digits] - before for digits, before in sent.items()][WARM_UP:])


class Browser:
    """Debian's Chromium behind its ChromeDriver."""

    def __init__(self, ends: contextlib.ExitStack):
        profile = Path(tempfile.mkdtemp(prefix="calldex-bench-chromium-"))
        ends.callback(shutil.rmtree, profile, ignore_errors=True)
        address = machine.free_address()
        driver = subprocess.Popen(["chromedriver", f"--port={address.split(':')[1]}"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        ends.callback(machine.end, driver)
        self.base = f"http://{address}"
        for _ in range(200):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.base}/status", timeout=5).close()
                break
            time.sleep(0.05)
        wanted = {"goog:chromeOptions": {"args": [*BROWSER, f"--user-data-dir={profile}"]}}
        session = self._command("session", {"capabilities": {"alwaysMatch": wanted}})
        self.base += f"/session/{session['sessionId']}"
        ends.callback(self._command, "", None, "DELETE")

    def go(self, address: str) -> None:
        """Opens a page."""
        self._command("url", {"url": address})

    def run(self, script: str):
        """Runs a function body in the page and returns what it returns."""
        return self._command("execute/sync", {"script": script, "args": []})

    def wait(self, script: str) -> None:
        """Waits until a function body returns true."""
        end = time.monotonic() + 60
        while self.run(script) is not True:
            if time.monotonic() > end:
                raise RuntimeError(f"the page never said: {script}")
            time.sleep(0.05)

    def _command(self, path: str, body: dict | None, method: str = "POST"):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/{path}".rstrip("/"), data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=90) as response:
            return json.load(response)["value"]
