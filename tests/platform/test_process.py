"""The platform as a program: it describes itself, survives kill -9, says why it will not start."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from seller_console.contract import commands as c
from seller_console.contract import routes
from seller_console.contract.codec import decode_accepted, decode_runtime, encode
from seller_console.contract.media import RuntimeFile
from seller_console.contract.words import LotDraft, Preset, Struct
from seller_console.platform.log import Log

from .conftest import until

pytestmark = pytest.mark.processes


class Door:
    """HTTP to a platform that runs as a program."""

    def __init__(self, place: RuntimeFile) -> None:
        self.place = place
        self.http = httpx.Client(base_url=place.url, timeout=10)
        self.keys = 0

    def say(self, command: Struct, token: str = "", key: str = "") -> httpx.Response:
        self.keys += 1
        return self.http.post(
            routes.at(routes.COMMANDS, self.place.show_id),
            content=encode(command),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {token or self.place.secret}",
                routes.IDEMPOTENCY_KEY: key or f"{os.getpid()}-{time.monotonic_ns()}-{self.keys}",
            },
        )

    def join(self, nickname: str) -> str:
        answer = self.http.post(routes.at(routes.JOIN, self.place.show_id), json={"nickname": nickname})
        assert answer.status_code == 200, answer.text
        token = answer.cookies[routes.BUYER_COOKIE]
        self.http.cookies.clear()
        return token

    def run_a_lot(self, **preset: int) -> str:
        assert self.say(c.GoLive()).status_code == 200
        answer = self.say(c.StartAuction(preset=Preset(**preset)))  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return decode_accepted(answer.content).made["run_id"]


@pytest.fixture
def start(start_program: Callable[..., Any]) -> Iterator[Callable[..., tuple[Any, Door]]]:
    doors: list[Door] = []

    def start(*words: str, **how: Any) -> tuple[Any, Door]:
        program = start_program("seller_console", "platform", *words, **how)
        doors.append(Door(decode_runtime(program.line(0))))
        return program, doors[-1]

    yield start
    for door in doors:
        door.http.close()


def test_it_describes_itself_on_its_first_line_and_in_its_runtime_file(
    start: Callable[..., tuple[Any, Door]], home: Path
) -> None:
    program, door = start("--show", "Cartes")
    place = door.place
    path = home / "run" / "platform.json"
    assert decode_runtime(path.read_bytes()) == place
    assert place.pid == program.pid
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "platform-keys.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(place.log_path).stat().st_mode) == 0o600
    health = door.http.get(routes.HEALTH).json()
    assert health["ok"] is True
    assert health["show_id"] == place.show_id
    assert door.http.get(routes.at(routes.SHOW, place.show_id)).json()["title"] == "Cartes"
    assert place.whip_url == f"{place.url}/whip/{place.show_id}"
    program.end()
    assert program.popen.returncode == 0
    assert not path.exists()


def test_a_port_that_is_taken_is_named(start_program: Callable[..., Any], home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = start_program("seller_console", "platform", "--port", str(port))
        said = json.loads(program.line(0))
        assert program.wait() == 3
    assert said["error"] == "port_in_use"
    assert said["port"] == port
    assert str(port) in said["detail"]
    assert "Traceback" not in program.errors()


def test_a_second_platform_of_one_home_is_refused(start: Callable[..., Any], start_program: Callable[..., Any]) -> None:
    start()
    second = start_program("seller_console", "platform")
    assert json.loads(second.line(0))["error"] == "home_in_use"
    assert second.wait() == 3


def test_after_kill_9_it_is_the_same_platform_and_the_lot_gets_its_time_back(
    start: Callable[..., tuple[Any, Door]],
) -> None:
    program, door = start()
    lea = door.join("Léa")
    run_id = door.run_a_lot(duration_ms=30_000, counter_bid_ms=10_000, sudden_death=True)
    bid = c.PlaceBid(run_id=run_id, amount_cents=100)
    first = door.say(bid, lea, key="once")
    assert first.status_code == 200
    before = door.place
    program.popen.kill()
    program.popen.wait()

    _, door = start()
    after = door.place
    assert (after.url, after.secret, after.stream_key, after.show_id, after.log_path) == (
        before.url,
        before.secret,
        before.stream_key,
        before.show_id,
        before.log_path,
    )
    assert after.pid != before.pid
    again = door.say(bid, lea, key="once")
    assert again.content == first.content, "her pass and her answer survived"
    brief = door.http.get(
        routes.at(routes.BRIEF, after.show_id), headers={"Authorization": f"Bearer {after.secret}"}
    ).json()
    assert brief["seq"] > json.loads(first.content)["seq"]
    log = Log(Path(after.log_path))
    returned = log.last_of("platform_returned")
    log.close()
    assert len(returned) == 1
    assert json.loads(returned[0].event)["down_ms"] > 0


def test_after_kill_9_a_buyer_is_known_at_the_next_show(start: Callable[..., tuple[Any, Door]]) -> None:
    program, door = start("--show", "Cartes")
    lot = LotDraft(title="Pin's", format="buy_it_now", opening_cents=700)
    lot_id = decode_accepted(door.say(c.AddLot(lot=lot)).content).made["lot_id"]
    assert door.say(c.GoLive()).status_code == 200
    path = routes.at(routes.JOIN, door.place.show_id)
    joined = door.http.post(path, json={"nickname": "Léa"})
    lasting = joined.cookies[routes.REGULAR_COOKIE]
    door.http.cookies.clear()
    bought = door.say(c.BuyNow(lot_id=lot_id, price_cents=700), joined.cookies[routes.BUYER_COOKIE])
    assert bought.status_code == 200, bought.text
    program.popen.kill()
    program.wait()
    _, again = start("--show", "Le lendemain")
    path = routes.at(routes.JOIN, again.place.show_id)
    entered = again.http.post(path, json={"nickname": "Léa"}, headers={"Cookie": f"{routes.REGULAR_COOKIE}={lasting}"})
    assert entered.status_code == 200, entered.text
    headers = {"Authorization": f"Bearer {again.place.secret}"}
    again.http.cookies.clear()
    brief = again.http.get(routes.at(routes.BRIEF, again.place.show_id), headers=headers).json()
    told = [event for event in brief["events"] if event["type"] == "regular_recognised"]
    assert [event["regular"]["spent_cents"] for event in told] == [700]


def test_a_lot_that_ended_while_it_was_down_runs_on_for_the_counter_bid_time(
    start: Callable[..., tuple[Any, Door]], wait_until: Callable[..., None]
) -> None:
    program, door = start()
    lea = door.join("Léa")
    run_id = door.run_a_lot(duration_ms=5000, counter_bid_ms=2000)
    assert door.say(c.PlaceBid(run_id=run_id, amount_cents=100), lea).status_code == 200
    program.popen.kill()
    program.popen.wait()
    pause = threading.Event()
    pause.wait(5.5)
    _, door = start()
    late = door.say(c.PlaceBid(run_id=run_id, amount_cents=200), door.join("Max"))
    assert late.status_code == 200, "its end moved to now + counter-bid time"
    log = Log(Path(door.place.log_path))
    wait_until(lambda: log.last_of("hammered") != [], timeout_s=8)
    moved = json.loads(log.last_of("clock_moved")[0].event)
    hammered = log.last_of("hammered")[0]
    log.close()
    assert moved["reason"] == "outage"
    assert json.loads(hammered.event)["price_cents"] == 200
    assert hammered.at_ms >= moved["ends_at"]


def test_a_lot_of_another_show_gets_its_time_back_too(
    start: Callable[..., tuple[Any, Door]], wait_until: Callable[..., None]
) -> None:
    """Started again for a show of another title: the lot that was running before is not hammered unseen."""
    program, door = start("--show", "Cartes")
    lea = door.join("Léa")
    run_id = door.run_a_lot(duration_ms=2000, counter_bid_ms=1500)
    assert door.say(c.PlaceBid(run_id=run_id, amount_cents=100), lea).status_code == 200
    path = Path(door.place.log_path)
    program.popen.kill()
    program.popen.wait()
    threading.Event().wait(2.2)
    _, other = start("--show", "Autre live")
    assert other.place.show_id != door.place.show_id
    log = Log(path)
    wait_until(lambda: log.last_of("hammered") != [], timeout_s=8)
    kinds = [row.kind for row in log.every_row()]
    moved = json.loads(log.last_of("clock_moved")[0].event)
    hammered = log.last_of("hammered")[0]
    log.close()
    assert kinds.index("platform_returned") < kinds.index("clock_moved") < kinds.index("hammered")
    assert moved["reason"] == "outage"
    assert hammered.at_ms >= moved["ends_at"]


class Load:
    """Bidders that keep count of what was answered yes."""

    def __init__(self, run_id: str, buyers: list[str]) -> None:
        self.run_id = run_id
        self.buyers = buyers
        self.acknowledged: dict[str, int] = {}
        self._bids = 0

    async def bid(self, http: httpx.AsyncClient, show: str, token: str) -> None:
        self._bids += 1
        key, cents = f"bid-{self._bids}", 5000 * self._bids
        try:
            answer = await http.post(
                routes.at(routes.COMMANDS, show),
                content=encode(c.PlaceBid(run_id=self.run_id, amount_cents=cents, kind="exact")),
                headers={
                    "Content-Type": "application/json",
                    "Authorization": f"Bearer {token}",
                    routes.IDEMPOTENCY_KEY: key,
                },
            )
        except httpx.HTTPError:
            return
        if answer.status_code == 200:
            self.acknowledged[key] = decode_accepted(answer.content).seq

    async def until_refused(self, place: RuntimeFile) -> None:
        async with httpx.AsyncClient(base_url=place.url, timeout=5) as http:
            for _ in range(8):
                await asyncio.gather(*(self.bid(http, place.show_id, token) for token in self.buyers))


async def test_kill_9_under_load_loses_no_acknowledged_bid(start: Callable[..., tuple[Any, Door]]) -> None:
    """Several times at another instant: what was answered 200 is in the log, once."""
    program, door = await asyncio.to_thread(start, "--show", "Charge")
    load = Load(door.run_a_lot(duration_ms=300_000, counter_bid_ms=10_000), [door.join(f"B{n}") for n in range(30)])
    for acknowledged in (25, 70, 110):
        loading = asyncio.create_task(load.until_refused(door.place))
        await until(lambda n=acknowledged: len(load.acknowledged) >= n, timeout_s=30)  # type: ignore[misc]
        program.popen.kill()
        await loading
        await asyncio.to_thread(program.popen.wait)
        program, door = await asyncio.to_thread(start, "--show", "Charge")
    assert len(load.acknowledged) >= 110
    log = Log(Path(door.place.log_path))
    kept = {row.seq: row for row in log.every_row()}
    log.close()
    assert list(kept) == list(range(1, len(kept) + 1)), "no hole"
    assert {kept[seq].kind for seq in load.acknowledged.values()} == {"price_moved"}
    assert len(set(load.acknowledged.values())) == len(load.acknowledged), "no answer shared by two bids"


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[bool]:
    """A tmpfs of that size at `folder`; False where the system does not let us."""
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        yield False
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, f"size={size_kb}k".encode()) != 0:
        yield False
        return
    try:
        yield True
    finally:
        libc.umount2(str(folder).encode(), 2)


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
from seller_console.platform.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_stops_the_sale_loudly_and_it_goes_on_when_there_is_room(
    start: Callable[..., tuple[Any, Door]], start_program: Callable[..., Any], tmp_path: Path, wait_until: Any
) -> None:
    with small_disk(tmp_path / "small", 2048) as mounted:
        if mounted:
            home = tmp_path / "small" / "home"
            filler = tmp_path / "small" / "filler"
            program, door = start("--home", str(home))
        else:
            # No mounting here: the same "no" from the system, by a limit on the size of a file.
            home = tmp_path / "home2"
            code = LIMITED.format(size=600_000)
            program = start_program(sys.executable, "-c", code, "--home", str(home), python=False)
            door = Door(decode_runtime(program.line(0)))
        run_id = door.run_a_lot(duration_ms=300_000, counter_bid_ms=10_000)
        lea = door.join("Léa")
        assert door.say(c.PlaceBid(run_id=run_id, amount_cents=100), lea).status_code == 200
        if mounted:
            with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
                while True:
                    file.write(bytes(65536))
                    file.flush()
        refused = None
        accepted = []
        for n in range(400):
            answer = door.say(c.SetRunOfShow(seen_version=n, notes=(c.RunOfShowNote(text="x" * 200),) * 20))
            if answer.status_code != 200:
                refused = answer
                break
            accepted.append(decode_accepted(answer.content).seq)
        assert refused is not None
        assert refused.status_code == 503
        assert refused.json()["code"] == "log_unwritable"
        assert "Retry-After" in refused.headers
        late = door.say(c.PlaceBid(run_id=run_id, amount_cents=900), lea)
        assert late.status_code == 503
        if mounted:
            filler.unlink()
        else:
            import resource

            resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(
            lambda: door.say(c.PlaceBid(run_id=run_id, amount_cents=50_000, kind="max"), lea).status_code == 200,
            timeout_s=15,
        )
        program.end()
        log = Log(Path(door.place.log_path))
        rows = list(log.every_row())
        log.close()
        if not mounted:
            door.http.close()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert set(accepted) <= {row.seq for row in rows}
    kinds = [row.kind for row in rows]
    paused = [json.loads(row.event) for row in rows if row.kind == "run_paused"]
    assert [event["reason"] for event in paused] == ["log_unwritable"]
    assert kinds.index("run_paused") < kinds.index("run_resumed")
    assert "log_unwritable" in json.dumps(paused)
    assert "show_halted" in program.errors()


FEW_FILES = """
import resource, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
from seller_console.platform.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be read on Linux only")
def test_it_and_its_relay_may_open_as_many_files_as_the_system_lets_them(
    start_program: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    program = start_program(sys.executable, "-c", FEW_FILES, python=False)
    program.line(0)
    me = psutil.Process(program.pid)
    wait_until(lambda: len(me.children()) == 1)
    for process in (me, me.children()[0]):
        soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
        assert soft == min(hard, 65_536)


@pytest.mark.skipif(os.name != "posix", reason="groups of processes are POSIX")
def test_the_relay_is_no_member_of_its_group_and_ends_with_it(
    start: Callable[..., tuple[Any, Door]], wait_until: Callable[..., None]
) -> None:
    """A signal to the whole group is the platform's to hear; the relay ends when its stdin does."""
    program, _ = start()
    me = psutil.Process(program.pid)
    wait_until(lambda: len(me.children()) == 1)
    relay = me.children()[0]
    assert os.getsid(relay.pid) == relay.pid
    program.popen.kill()
    wait_until(lambda: not relay.is_running() or relay.status() == psutil.STATUS_ZOMBIE, timeout_s=8)


def test_a_damaged_log_is_salvaged_at_the_start_and_said_so(start: Callable[..., tuple[Any, Door]]) -> None:
    program, door = start()
    for n in range(200):
        assert door.say(c.Announce(text=f"Bonsoir {n} " + "x" * 150)).status_code == 200
    program.end()
    path = Path(door.place.log_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3])
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    program, again = start()
    assert again.place.show_id == door.place.show_id
    assert "log_salvaged" in program.errors()
    log = Log(path)
    kept = sum(row.kind == "announced" for row in log.every_row())
    log.close()
    assert 20 < kept < 200
    assert list(path.parent.glob("*.damaged-*"))


def test_an_embedded_platform_without_a_console_ends_by_itself(start: Callable[..., tuple[Any, Door]]) -> None:
    program, _ = start("--embedded", "--idle-s", "1")
    assert program.wait(10) == 0
    assert "platform_idle" in program.errors()


def test_an_embedded_platform_stays_while_a_console_listens(start: Callable[..., tuple[Any, Door]]) -> None:
    program, door = start("--embedded", "--idle-s", "1")
    owner = {"Authorization": f"Bearer {door.place.secret}"}
    feed = routes.at(routes.FEED, door.place.show_id)
    with door.http.stream("GET", feed, headers=owner), pytest.raises(subprocess.TimeoutExpired):
        program.popen.wait(3)
    assert program.wait(10) == 0


def test_a_show_is_exported_beside_the_running_platform(
    start: Callable[..., tuple[Any, Door]], start_program: Callable[..., Any], tmp_path: Path
) -> None:
    _, door = start()
    assert door.say(c.Announce(text="Bonsoir")).status_code == 200
    lines, copy = tmp_path / "show.jsonl", tmp_path / "copy.db"
    assert start_program("seller_console", "export", "--to", str(lines)).wait() == 0
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert [row["event"]["type"] for row in rows] == ["show_opened", "announced"]
    whole = start_program("seller_console", "export", door.place.show_id, "--backup", "--to", str(copy))
    assert whole.wait() == 0
    log = Log(copy)
    assert log.head()[0] == 2
    log.close()
    again = start_program("seller_console", "export", "--to", str(lines))
    assert again.wait() == 1
    assert "existe déjà" in again.errors()
    assert start_program("seller_console", "export", "nothing").wait() == 1
    assert door.say(c.Announce(text="Encore")).status_code == 200


def test_an_unusable_home_is_said_in_words(start_program: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    program = start_program("seller_console", "platform", "--home", str(tmp_path / "file"))
    assert json.loads(program.line(0))["error"] == "unusable_home"
    assert program.wait() == 1
    assert "Traceback" not in program.errors()


def test_who_says_nothing_at_the_network_door_is_counted_all_the_same(
    start: Callable[..., tuple[Any, Door]], home: Path, wait_until: Callable[..., None]
) -> None:
    start("--host", "127.0.0.2", "--per-address", "0.02")
    port = json.loads((home / "platform-keys.json").read_bytes())["lan_port"]
    silent = [socket.create_connection(("127.0.0.2", port), timeout=5) for _ in range(5)]
    late = socket.create_connection(("127.0.0.2", port), timeout=5)
    assert late.recv(1) == b"", "the sixth is shown out before any handshake"
    late.close()
    trusting = ssl.create_default_context(cafile=str(home / "tls" / "cert.pem"))
    trusting.check_hostname = False
    for each in silent:
        each.close()

    def answers() -> bool:
        try:
            return httpx.get(
                f"https://127.0.0.2:{port}{routes.HEALTH}", headers={"Host": f"localhost:{port}"}, verify=trusting
            ).is_success
        except httpx.TransportError:
            return False

    wait_until(answers)


def test_the_network_door_is_tls_with_a_certificate_of_its_own(
    start: Callable[..., tuple[Any, Door]], home: Path
) -> None:

    program, door = start("--host", "127.0.0.2")
    port = json.loads((home / "platform-keys.json").read_bytes())["lan_port"]
    trusting = ssl.create_default_context(cafile=str(home / "tls" / "cert.pem"))
    trusting.check_hostname = False
    with httpx.Client(verify=trusting) as http:
        answer = http.get(f"https://127.0.0.2:{port}{routes.HEALTH}", headers={"Host": f"localhost:{port}"})
        assert answer.json()["ok"] is True
        joined = http.post(
            f"https://127.0.0.2:{port}{routes.at(routes.JOIN, door.place.show_id)}",
            json={"nickname": "Léa"},
            headers={"Host": f"localhost:{port}"},
        )
        assert "Secure" in joined.headers["set-cookie"]
        feed = f"https://127.0.0.2:{port}{routes.at(routes.FEED, door.place.show_id)}"
        with http.stream(
            "GET", feed, headers={"Host": f"localhost:{port}", "Cookie": joined.headers["set-cookie"]}
        ) as rows:
            assert next(line for line in rows.iter_lines() if line.startswith("id: ")) == "id: 1"
    if os.name == "posix":
        assert stat.S_IMODE((home / "tls" / "key.pem").stat().st_mode) == 0o600
    with pytest.raises(httpx.HTTPError), httpx.Client() as plain:
        plain.get(f"http://127.0.0.2:{port}{routes.HEALTH}").raise_for_status()
    program.end()
    assert program.popen.returncode == 0
