"""What the feed costs and how late it is, beside a bare ASGI sender of the same rows in the same run.

    python packaging/dev.py bench feed [--readers 1000 3000] [--per-s 50] [--seconds 10] [--runs 5]

Bars: 1,000 and 3,000 readers x 50 rows/s at <= 1.2 x the CPU of the bare sender, p99
<= 150 / 300 ms, no gap, a reader that stops reading cut within 10 s of its socket
being full. Latency: from the moment a row is said (before its commit, in ours) to the
moment a reader's kernel gives it to us, on one reader in ten. CPU in cores, of the
server's process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil
import uvloop

from seller_console.contract import routes
from seller_console.platform.feed import COALESCE_FROM, TICK_S

_SAID = re.compile(rb"@(\d+)@")
_SERVER = Path(__file__).with_name("_feed_server.py")
SAMPLED = 10


class Reader(asyncio.Protocol):
    """Counts rows; one in SAMPLED also reads when each was said."""

    def __init__(self, request: bytes, late_ms: list[float] | None) -> None:
        self._request = request
        self._late_ms = late_ms
        self.rows = 0
        self.ended = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        # A marker cut in two by the kernel is counted when its other half comes.
        data = self._rest + data
        cut = data.rfind(b"\n\n") + 2
        self._rest, data = (data[cut:], data[:cut]) if cut > 1 else (data, b"")
        self.rows += data.count(b"id: ")
        if self._late_ms is not None:
            self._late_ms.extend((now - int(said)) / 1e6 for said in _SAID.findall(data))

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = True


class Sender:
    def __init__(self, kind: str, folder: Path, per_s: float, coalesce_s: float) -> None:
        self.child = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("_feed_server.py")),
                kind,
                str(folder),
                str(per_s),
                str(coalesce_s),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.place = self._line()

    def _line(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        return json.loads(self.child.stdout.readline())  # type: ignore[no-any-return]

    def go(self) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(b"\n")
        self.child.stdin.flush()

    async def ask(self) -> dict[str, Any]:
        self.go()
        return await asyncio.to_thread(self._line)

    def end(self) -> None:
        self.go()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


async def measure(kind: str, readers: int, per_s: float, seconds: float) -> dict[str, float]:
    folder = Path(tempfile.mkdtemp(prefix="bench-feed-"))
    sender = Sender(kind, folder, per_s, TICK_S if readers >= COALESCE_FROM else 0)
    try:
        place = sender.place
        request = (
            f"GET {routes.at(routes.FEED, place['show'])} HTTP/1.1\r\nHost: 127.0.0.1:{place['port']}\r\n"
            f"Authorization: Bearer {place['token']}\r\n\r\n"
        ).encode()
        loop = asyncio.get_running_loop()
        late_ms: list[float] = []
        protocols: list[Reader] = []
        for start in range(0, readers, 100):
            opened = await asyncio.gather(
                *(
                    loop.create_connection(
                        lambda n=n: Reader(request, late_ms if n % SAMPLED == 0 else None),  # type: ignore[misc]
                        "127.0.0.1",
                        place["port"],
                    )
                    for n in range(start, min(start + 100, readers))
                )
            )
            protocols += [protocol for _, protocol in opened]
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", place["port"]))
        stuck.sendall(request)
        async with asyncio.timeout(60):
            while any(protocol.rows == 0 for protocol in protocols):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        process = psutil.Process(sender.child.pid)
        sender.go()
        await asyncio.sleep(1)
        late_ms.clear()
        cpu, began = sum(process.cpu_times()[:2]), time.monotonic()
        rss_mb = process.memory_info().rss / 2**20
        await asyncio.sleep(seconds)
        cpu, spent = sum(process.cpu_times()[:2]) - cpu, time.monotonic() - began
        steady = list(late_ms)
        told = await sender.ask()
        async with asyncio.timeout(30):
            while any(protocol.rows < told["rows"] and not protocol.ended for protocol in protocols):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stuck.close()
        gaps = sum(protocol.rows != told["rows"] for protocol in protocols)
        steady.sort()
        return {
            "cores": cpu / spent,
            "p50_ms": steady[len(steady) // 2],
            "p99_ms": steady[int(len(steady) * 0.99)],
            "deliveries_per_s": readers * per_s,
            "readers_with_gaps": gaps,
            "rss_growth_mb": told["rss_mb"] - rss_mb,
            "cut": told["cut"],
        }
    finally:
        sender.end()
        shutil.rmtree(folder, ignore_errors=True)


async def stuck_reader(per_s: float) -> dict[str, float]:
    """Rows at `per_s` to one that never reads: how long from its full socket to its end."""
    folder = Path(tempfile.mkdtemp(prefix="bench-feed-"))
    sender = Sender("ours", folder, per_s, 0)
    try:
        place = sender.place
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", place["port"]))
        request = f"GET {routes.at(routes.FEED, place['show'])} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        stuck.sendall(f"{request}Authorization: Bearer {place['token']}\r\n\r\n".encode())
        sender.go()
        began = time.monotonic()
        process = psutil.Process(sender.child.pid)

        def connected() -> bool:
            return any(
                found.status == "ESTABLISHED" and found.laddr.port == place["port"]
                for found in process.net_connections("tcp")
            )

        while not connected() and time.monotonic() - began < 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        while connected() and time.monotonic() - began < 60:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        spent = time.monotonic() - began
        told = await sender.ask()
        stuck.close()
        return {"cut_after_s": spent, "cut": told["cut"], "rss_mb": told["rss_mb"]}
    finally:
        sender.end()
        shutil.rmtree(folder, ignore_errors=True)


def median(results: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(result[name] for result in results), 3) for name in results[0]}


async def run(words: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for readers in words.readers:
        ours, bare = [], []
        for _ in range(words.runs):
            for kind, results in (("bare", bare), ("ours", ours)):
                results.append(await measure(kind, readers, words.per_s, words.seconds))
                said = json.dumps({name: round(value, 3) for name, value in results[-1].items()})
                print(f"{readers} {kind} {said}", file=sys.stderr, flush=True)
        ratios = [one["cores"] / max(other["cores"], 0.001) for one, other in zip(ours, bare, strict=True)]
        report[str(readers)] = {
            "ours": median(ours),
            "bare": median(bare),
            "cpu_ratio": round(statistics.median(ratios), 3),
        }
    report["stuck"] = {name: round(value, 2) for name, value in (await stuck_reader(500)).items()}
    return report


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, nargs="+", default=[1000, 3000])
    parser.add_argument("--per-s", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--runs", type=int, default=5)
    words = parser.parse_args(argv)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(words.readers) + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, wanted), hard), hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(run(words))
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
