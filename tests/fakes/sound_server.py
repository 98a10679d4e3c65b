"""A PulseAudio of a test's own: a microphone that can be spoken into, plugged in and pulled out.

Private runtime folder and socket: nothing of the machine's sound is touched. A null
sink stands for the air of a room, a remap source for the microphone in it (monitors
are not microphones and are not listed).
"""

from __future__ import annotations

import os
import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np


class SoundServer:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._environ = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_RUNTIME_PATH": str(folder / "run"),
            "PULSE_STATE_PATH": str(folder / "state"),
            "PULSE_SERVER": f"unix:{folder / 'socket'}",
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._players: list[subprocess.Popen[bytes]] = []

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs to find this server and no other."""
        return {name: self._environ[name] for name in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_RUNTIME_DIR")}

    def start(self) -> None:
        load = f"module-native-protocol-unix auth-anonymous=1 socket={self._folder / 'socket'}"
        self._server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no",
             "-L", load, "-L", "module-null-sink sink_name=room rate=48000"],
            env={k: v for k, v in self._environ.items() if k != "PULSE_SERVER"},
            stdout=subprocess.DEVNULL,
            stderr=(self._folder / "pulseaudio.log").open("wb"),
        )  # fmt: skip

    def answers(self) -> bool:
        return self._control("info").returncode == 0

    def _control(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["pactl", *words], env=self._environ, capture_output=True, timeout=10, check=False)

    def plug(self, name: str, description: str) -> str:
        """A microphone in the room; says what to pull it out with."""
        done = self._control(
            "load-module", "module-remap-source", f"source_name={name}", "master=room.monitor",
            f"source_properties='device.description=\"{description}\"'",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().strip()

    def pull(self, plug: str) -> None:
        assert self._control("unload-module", plug).returncode == 0

    def mute(self, name: str, muted: bool) -> None:
        """As a person does it in the desktop's settings."""
        assert self._control("set-source-mute", name, "1" if muted else "0").returncode == 0

    def play(self, wave_path: Path) -> None:
        self._players.append(
            subprocess.Popen(["paplay", "--device=room", str(wave_path)], env=self._environ, stderr=subprocess.DEVNULL)
        )

    def stop(self) -> None:
        for program in [*self._players, *([self._server] if self._server else [])]:
            program.terminate()
            try:
                program.wait(5)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait(5)


def write_sine(path: Path, hz: float, seconds: float, amplitude: float = 0.5, left_only: bool = False) -> Path:
    at = np.arange(int(48_000 * seconds)) / 48_000
    samples: Any = (amplitude * 32767 * np.sin(2 * np.pi * hz * at)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2 if left_only else 1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        both = np.stack([samples, samples * 0], axis=1) if left_only else samples
        out.writeframes(both.astype("<i2").tobytes())
    return path
