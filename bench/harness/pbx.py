"""The scenarios about PBXs: FastAGI as Asterisk speaks it, at a steady pace, and connections that wait."""

import asyncio
import resource
import statistics
import time

from . import ask, people
from .bench import Bench
from .report import Figure, Result
from .servers import Calldex

PER_SECOND = 100
WARM_NUMBERS = 100_000
IDLE = 2_000
REST = 3  # seconds; an idle connection gives its buffers back after 50 ms

ENVIRONMENT = """agi_network: yes
agi_network_script: {script}
agi_request: agi://{address}/{script}
agi_channel: PJSIP/trunk-00000000
agi_language: en
agi_type: PJSIP
agi_uniqueid: 1795415621.{number}
agi_version: 22.10.1
agi_callerid: {telephone}
agi_calleridname: PBX-ORIG
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 40311000000
agi_rdnis: unknown
agi_context: from-sip
agi_extension: 40311000000
agi_priority: 2
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 140352556209856

"""


def fastagi(bench: Bench) -> Result:
    """100 calls a second over FastAGI, against the same lookups over HTTP, a new connection for each."""
    if not bench.has("calldex"):
        return Result()
    with bench.calldex(cache=True) as calldex:
        rounds = []
        for _ in range(bench.settings.rounds):
            http = asyncio.run(_at_a_pace(calldex, _ask_over_http, bench.settings))
            agi = asyncio.run(_at_a_pace(calldex, _ask_over_agi, bench.settings))
            rounds.append((_p99(http), _p99(agi)))
            print(f"bench: p99 over HTTP {rounds[-1][0]:.2f} ms, over FastAGI {rounds[-1][1]:.2f} ms", flush=True)
    http, agi = (statistics.median(column) for column in zip(*rounds))
    above = statistics.median(agi - http for http, agi in rounds)
    return Result([Figure(f"FastAGI at {PER_SECOND} calls per second: p99 above the lookup over HTTP",
                          f"HTTP {http:.2f} ms, FastAGI {agi:.2f} ms", above, 5, " ms", at_most=True)])


def idle(bench: Bench) -> Result:
    """What 2,000 keep-alive connections cost that have had one answer and wait."""
    if not bench.has("calldex"):
        return Result()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    with bench.calldex(cache=True) as calldex:
        one = ask.Client(calldex)
        for position in range(2_000):
            one.caller(people.asked(position, bench.settings.contacts)[0])
        before = calldex.memory()
        clients = [ask.Client(calldex) for _ in range(IDLE)]
        for position, client in enumerate(clients):
            client.caller(people.asked(position, bench.settings.contacts)[0])
        time.sleep(REST)
        cost = (calldex.memory() - before) / 1e6
    return Result([Figure(f"memory of {IDLE:,} idle keep-alive connections", "", cost, 30, " MB", at_most=True)])


async def _at_a_pace(calldex: Calldex, asked, settings) -> list[float]:
    """Milliseconds of each of so many calls, begun at even distances whatever became of those before."""
    loop = asyncio.get_running_loop()
    began, calls = loop.time(), []
    for number in range(settings.seconds * PER_SECOND):
        await asyncio.sleep(max(0, began + number / PER_SECOND - loop.time()))
        telephone, person = people.asked(number * 7919 % WARM_NUMBERS, settings.contacts)
        calls.append(asyncio.create_task(_timed(asked, calldex, number, telephone, person)))
    return list(await asyncio.gather(*calls))


async def _timed(asked, calldex: Calldex, number: int, telephone: str, person: int | None) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    found = await asked(calldex, number, telephone)
    took = (loop.time() - began) * 1000
    if (person is not None) != found:
        raise RuntimeError(f"{calldex.name}: {telephone} was answered wrongly")
    return took


async def _ask_over_agi(calldex: Calldex, number: int, telephone: str) -> bool:
    """A call as Asterisk makes it, from the connection to its end; says whether there was an id."""
    host, port = calldex.agi.split(":")
    reader, writer = await asyncio.open_connection(host, port)
    script = f"bench?token={calldex.token}"
    writer.write(ENVIRONMENT.format(script=script, address=calldex.agi, number=number, telephone=telephone).encode())
    found = False
    while command := await reader.readline():
        found |= command.startswith(b"SET VARIABLE CALLDEX_ID ")
        writer.write(b"200 result=1\n")
    writer.close()
    return found


async def _ask_over_http(calldex: Calldex, number: int, telephone: str) -> bool:
    """The same lookup over HTTP, on a connection of its own."""
    host, port = calldex.address.split(":")
    reader, writer = await asyncio.open_connection(host, port)
    query = f"telephone={telephone}&dnid=40311000000&token={calldex.token}"
    writer.write(f"GET /bench/lookup?{query} HTTP/1.1\r\nHost: {calldex.address}\r\nConnection: close\r\n\r\n".encode())
    reply = await reader.read()
    writer.close()
    return b'"id":null' not in reply


def _p99(times: list[float]) -> float:
    return sorted(times)[len(times) * 99 // 100]
