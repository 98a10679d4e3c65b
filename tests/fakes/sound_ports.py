"""Microphones in ports, for the fake `sounddevice` beside this: plugged in, pulled out, taken by others.

Also writes what ALSA would show of them, by which the engine knows that something has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FAKE = Path(__file__).parent / "portaudio"


class SoundPorts:
    def __init__(self, folder: Path, hosts: tuple[str, ...] = ("ALSA",)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.cards = folder / "pcm"
        self._state = folder / "sound.json"
        self._hosts = hosts
        self._devices: list[dict[str, Any]] = []
        self._ports = 0
        self.mood = ""
        self.write()

    @property
    def variables(self) -> dict[str, str]:
        """What our children need to find the fake before the real one."""
        return {"FAKE_SOUND": str(self._state), "PYTHONPATH": str(FAKE)}

    @property
    def starts(self) -> int:
        """How often PortAudio was initialised."""
        return len(self.nices)

    @property
    def nices(self) -> list[int]:
        """How nice to others each was that did so."""
        kept = self._state.with_suffix(".starts")
        return [int(line) for line in kept.read_text("utf-8").splitlines()] if kept.exists() else []

    def plug(self, name: str, tone_hz: int = 1000, host: int = 0, channels: int = 1, hz_only: int = 0) -> int:
        """The port it is in."""
        self._ports += 1
        self._devices.append(
            {
                "port": self._ports, "name": name, "hostapi": host, "max_input_channels": channels,
                "tone_hz": tone_hz, "hz_only": hz_only, "busy": False,
            }
        )  # fmt: skip
        self.write()
        return self._ports

    def pull(self, port: int) -> None:
        self._devices = [one for one in self._devices if one["port"] != port]
        self.write()

    def take(self, port: int, busy: bool) -> None:
        """By another program, or given back."""
        next(one for one in self._devices if one["port"] == port)["busy"] = busy
        self.write()

    def turn(self, mood: str) -> None:
        self.mood = mood
        self.write()

    def write(self) -> None:
        said = {"hosts": self._hosts, "devices": self._devices, "mood": self.mood}
        for path, text in ((self._state, json.dumps(said)), (self.cards, "".join(self._cards()))):
            new = path.with_suffix(".new")
            new.write_text(text, "utf-8")
            new.replace(path)

    def _cards(self) -> list[str]:
        return ["00-99: loopback : playback 1\n", *(f"{one['port']:02}-00: {one['name']}\n" for one in self._devices)]
