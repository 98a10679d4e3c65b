"""FFmpeg's own WHIP muxer, as a program (it holds the interpreter while it waits): URL CERT KEY SECONDS FLAGS."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import av

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.studio import Studio


def main(argv: list[str]) -> int:
    url, cert, key, seconds, *flags = argv
    studio, pause = Studio(320, 240), threading.Event()
    options = {"cert_file": cert, "key_file": key}
    if flags:
        options["whip_flags"] = flags[0]
    with av.open(url, "w", format="whip", options=options) as out:
        video: Any = out.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = studio.width, studio.height, "yuv420p"
        video.codec_context.gop_size = 30
        video.codec_context.max_b_frames = 0
        video.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
        begun = time.monotonic()
        for index in range(int(float(seconds) * 30)):
            frame = av.VideoFrame.from_ndarray(studio.picture(index), "yuv420p")
            frame.pts = index
            for packet in video.encode(frame):
                out.mux(packet)
            ahead_s = begun + index / 30 - time.monotonic()
            if ahead_s > 0:
                pause.wait(ahead_s)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
