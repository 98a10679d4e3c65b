"""How a platform comes to life and ends: home, port, runtime file, signals.

Promises: the first line on stdout is its RuntimeFile, also written 0600 in the
runtime folder; the same home gives the same port, passes and open show; a port
that is taken ends with exit code 3 and a JSON line naming it. With --embedded it
ends by itself after an hour with no console and no running lot.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import json
import logging
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import uvicorn

from .. import places
from ..contract import VERSION, routes
from ..contract.codec import encode
from ..contract.media import RuntimeFile
from ..ending import when_asked
from ..language import either
from .app import make_app
from .files import raise_file_limit
from .keys import keep_keys, write_private
from .log import LogUnwritable, NewerLog
from .relay import Relay
from .shop import Room, Shop, TitleRefused
from .tls import certificate, lan_addresses
from .tls_door import TlsDoor, context_of
from .wire import CONNECTIONS_PER_ADDRESS, Connections, Protocol

logger = logging.getLogger(__name__)

EXIT_TROUBLE = 1
EXIT_PORT_IN_USE = 3
IDLE_S = 3600
PER_ADDRESS = float(os.environ.get("SELLER_CONSOLE_PER_ADDRESS", "1"))
"""Factor on every limit that counts by address (connections, joins, reads, media, commands). 1 is for a house
or a café behind one router; a crowd that a bench makes on this very machine needs more. Also `--per-address`."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_BACKLOG = 4096


def _words(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="seller-console platform", description=either("La plateforme du live.", "The platform of the show.")
    )
    parser.add_argument("--home", type=Path, help=either(*places.HOME_HELP))
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help=either(
            "autre que la boucle locale : ouvre aussi au réseau, en TLS",
            "other than loopback: opens to the network as well, by TLS",
        ),
    )
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help=either("0 : le même que la dernière fois, ou un port libre", "0: the one of last time, or a free one"),
    )
    parser.add_argument(
        "--lan",
        action="store_true",
        help=either("ouvre aussi au réseau local, en TLS", "opens to the local network as well, by TLS"),
    )
    parser.add_argument(
        "--show",
        default="",
        metavar=either("TITRE", "TITLE"),
        help=either("titre du live à ouvrir", "title of the show to open"),
    )
    parser.add_argument(
        "--embedded",
        action="store_true",
        help=either(
            "s’arrête après une heure sans console ni lot en cours",
            "ends after an hour without a console or a lot on the block",
        ),
    )
    parser.add_argument(
        "--per-address",
        type=float,
        default=PER_ADDRESS,
        metavar="N",
        help=either("multiplie ce qu’une seule adresse peut faire", "multiplies what a single address may do"),
    )
    parser.add_argument("--idle-s", type=float, default=IDLE_S, help=argparse.SUPPRESS)
    parser.add_argument(
        "--ice-server",
        action="append",
        default=[],
        metavar="URL",
        help=either("stun: ou turn:, annoncé aux lecteurs", "stun: or turn:, told to players"),
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    words = _words(argv)
    if words.home is not None:
        os.environ["SELLER_CONSOLE_HOME"] = str(words.home)
    _log_to_stderr()
    raise_file_limit()
    try:
        return _run(words)
    except OSError as error:
        return _trouble(EXIT_TROUBLE, "unusable_home", str(error))
    except TitleRefused as error:
        return _trouble(EXIT_TROUBLE, "title_refused", str(error))
    except (LogUnwritable, NewerLog) as error:
        return _trouble(EXIT_TROUBLE, "log_unusable", str(error))


def _run(words: argparse.Namespace) -> int:
    home = places.home()
    with _alone(home) as alone:
        if not alone:
            return _trouble(
                EXIT_PORT_IN_USE,
                "home_in_use",
                either(f"une plateforme tourne déjà pour {home}", f"a platform of {home} already runs"),
            )
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(words, home))


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


def _log_to_stderr() -> None:
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )


def _trouble(code: int, what: str, detail: str, **facts: object) -> int:
    line = json.dumps({"error": what, "detail": detail, **facts}, ensure_ascii=False)
    print(line, flush=True)
    print(line, file=sys.stderr, flush=True)
    return code


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """One platform a home: a lock the system frees when its holder dies."""
    with (home / "platform.lock").open("a+b") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A port this platform has just left is still ours (TIME_WAIT).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


class _Server(uvicorn.Server):
    """uvicorn's own, with our signals, our door for TLS and a word when it listens."""

    def __init__(self, config: uvicorn.Config, connections: Connections, context: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._connections = connections
        self._context = context
        self._doors: list[TlsDoor] = []

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._context is None:
            await super().startup(sockets)
        else:
            await super().startup([])
            for sock in sockets or []:
                door = TlsDoor(sock, self._context, self._connections, self._protocol)
                door.open(self.config.backlog)
                self._doors.append(door)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for door in self._doors:
            await door.close()
        await super().shutdown(sockets)

    def _protocol(self, address: str) -> Protocol:
        """Of a connection counted under `address`; as uvicorn makes them."""
        return Protocol(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            connections=self._connections,
            counted=address,
        )


def _server(
    app: object, *, certificate_paths: tuple[Path, Path] | None = None, connections: Connections | None = None
) -> _Server:
    counted = connections or Connections()
    return _Server(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            http=partial(Protocol, connections=counted),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
        ),
        counted,
        context_of(*certificate_paths) if certificate_paths else None,
    )


async def _serve(words: argparse.Namespace, home: Path) -> int:
    shop = Shop(home, per_address=words.per_address)
    loopback = words.host if words.host in LOOPBACK else "127.0.0.1"
    wants_lan = words.lan or words.host not in LOOPBACK
    port = words.port or shop.keys.port
    try:
        door = _bound(loopback, port)
        lan_door = None
        if wants_lan:
            port = shop.keys.lan_port
            lan_door = _bound("0.0.0.0" if words.host in LOOPBACK else words.host, port)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        return _trouble(EXIT_PORT_IN_USE, "port_in_use", f"le port {port} est pris par un autre programme", port=port)
    shop.keys.port = door.getsockname()[1]
    if lan_door is not None:
        shop.keys.lan_port = lan_door.getsockname()[1]
    keep_keys(home, shop.keys)

    room = await shop.open(words.show)
    relay = Relay(on_note=shop.hear, log_path=places.logs() / "relay.log")
    addresses = lan_addresses() if lan_door is not None else []
    lan_url = f"https://{addresses[0]}:{shop.keys.lan_port}" if addresses else ""
    app = make_app(
        shop,
        relay,
        places.resources(),
        hosts=_names(addresses),
        ice_servers=tuple(words.ice_server),
        lan_url=lan_url,
    )
    connections = Connections(int(CONNECTIONS_PER_ADDRESS * words.per_address))
    servers = [(_server(app, connections=connections), door)]
    if lan_door is not None:
        made = certificate(home / "tls", [*addresses, *_own_names()])
        servers.append(
            (_server(app, certificate_paths=(made.cert_path, made.key_path), connections=connections), lan_door)
        )
        logger.info("lan_open url=%s fingerprint=%s", lan_url, made.fingerprint)

    stop = asyncio.Event()
    when_asked(stop.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            for server, sock in servers:
                tasks.create_task(server.serve(sockets=[sock]), name="server")
                await server.listening.wait()
            _describe(room, shop, loopback, lan_url)
            starting = tasks.create_task(_start_relay(relay), name="relay start")
            idle = tasks.create_task(_end_when_idle(shop, stop, words.idle_s), name="idle") if words.embedded else None
            await stop.wait()
            logger.info("platform_ending")
            starting.cancel()
            if idle is not None:
                idle.cancel()
            await relay.stop()
            for open_room in shop.rooms.values():
                open_room.feed.close()
            for server, _ in servers:
                server.should_exit = True
    finally:
        await shop.close()
        _undescribe()
    return 0


def _own_names() -> list[str]:
    name = socket.gethostname().lower()
    return [name, f"{name}.local"] if name.replace("-", "").replace(".", "").isalnum() and name.isascii() else []


def _names(addresses: list[str]) -> frozenset[str]:
    """What this machine answers to on its network; nothing when it is not open to it."""
    written = [f"[{address}]" if ":" in address else address for address in addresses]
    return frozenset([*written, *_own_names()]) if addresses else frozenset()


async def _start_relay(relay: Relay) -> None:
    """The sale does not wait for the picture, and goes on without it."""
    try:
        await relay.start()
    except OSError as error:
        logger.error("relay_not_started why=%r", str(error))


async def _end_when_idle(shop: Shop, stop: asyncio.Event, idle_s: float) -> None:
    busy_at = time.monotonic()
    while time.monotonic() - busy_at < idle_s:
        await asyncio.sleep(min(30.0, idle_s / 10))
        if shop.busy():
            busy_at = time.monotonic()
    logger.info("platform_idle after_s=%.0f", idle_s)
    stop.set()


def _runtime_path() -> Path:
    return places.runtime() / "platform.json"


def _describe(room: Room, shop: Shop, host: str, lan_url: str) -> None:
    named = f"[{host}]" if ":" in host else host
    url = f"http://{named}:{shop.keys.port}"
    described = RuntimeFile(
        program="platform",
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        contract=VERSION,
        port=shop.keys.port,
        secret=shop.keys.owner_pass,
        url=url,
        show_id=room.show_id,
        whip_url=url + routes.at(routes.WHIP, room.show_id),
        whep_url=url + routes.at(routes.WHEP, room.show_id),
        stream_key=shop.keys.stream_key,
        log_path=str(room.log.path),
    )
    line = encode(described)
    write_private(_runtime_path(), line)
    print(line.decode(), flush=True)
    logger.info("platform_ready url=%s show=%s seq=%d", url, room.show_id, room.sales.committed)


def _undescribe() -> None:
    """Ours only: another platform may have taken over."""
    path = _runtime_path()
    try:
        if json.loads(path.read_bytes()).get("pid") == os.getpid():
            path.unlink()
    except (OSError, ValueError):
        return
