"""Learns resources/writing.npz anew: print of this machine's fonts, found by the engine's own eye.

    .venv/bin/python tests/bench/learn_writing.py [--pages 700] [--out resources/writing.npz]

Pages of words of our own catalogues, in every size, weight, slant, light, blur and
grain; each letter is to be told from its mirror image, from itself turned over, and
from both. Fonts held out of the learning judge it. Two minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from seller_console import places
from seller_console.engine.writing import SIDE, Patches, find_letters, four

WIDE, TALL = 640, 360
HIDDEN, ROUNDS, BATCH = 40, 14, 256
FOLDERS = ("/usr/share/fonts", "/Library/Fonts", "C:/Windows/Fonts")
HELD_OUT = ("Serif-Bold.", "Narrow-Bold", "Inter-Medium", "Condensed-Bold.")
NO_LETTERS = ("math", "emoji", "symbol", "mono", "dingbat")


def fonts() -> tuple[list[str], list[str]]:
    """(to learn from, to be judged by)."""
    found = [str(path) for path in sorted((places.resources() / "fonts").glob("*.otf"))]
    for folder in FOLDERS:
        found += [str(path) for path in sorted(Path(folder).rglob("*.ttf"))]
    found = [path for path in found if not any(word in Path(path).name.lower() for word in NO_LETTERS)]
    return [f for f in found if not any(h in f for h in HELD_OUT)], [f for f in found if any(h in f for h in HELD_OUT)]


def words() -> list[str]:
    found: list[str] = []
    for language in ("fr", "en"):
        said = json.loads((places.resources() / "locale" / f"{language}.json").read_text("utf-8"))
        found += [word for sentence in said.values() for word in sentence.split() if word.isalpha() and len(word) > 2]
    return found


def page(rng: np.random.Generator, faces: list[str], vocabulary: list[str]) -> NDArray[np.uint8]:
    """Something printed, as a camera sees it."""
    ground = int(rng.integers(60, 230))
    ink = int(np.clip(ground + rng.choice([-1, 1]) * rng.integers(70, 160), 10, 245))
    image = Image.new("L", (WIDE, TALL), ground)
    draw, y = ImageDraw.Draw(image), 4
    while y < TALL - 20:
        size = int(rng.integers(15, 54))
        line = " ".join(vocabulary[n] for n in rng.integers(0, len(vocabulary), 8))
        if rng.random() < 0.35:
            line = line.upper()
        elif rng.random() < 0.15:
            line = " ".join(str(n) for n in rng.integers(0, 9999, 8))
        face = ImageFont.truetype(faces[int(rng.integers(len(faces)))], size)
        draw.text((int(rng.integers(2, 30)), y), line, font=face, fill=ink)
        y += int(size * 1.35)
    turn = cv2.getRotationMatrix2D((WIDE / 2, TALL / 2), rng.uniform(-7, 7), 1)
    turn[0, 1] += rng.uniform(-0.15, 0.15)
    seen = cv2.warpAffine(np.asarray(image, np.float32), turn, (WIDE, TALL), borderMode=cv2.BORDER_REPLICATE)
    if (blur := rng.uniform(0, 1.1)) > 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), blur)
    seen = seen + np.linspace(-1, 1, WIDE)[None] * rng.uniform(-25, 25) + rng.normal(0, rng.uniform(0.5, 4), seen.shape)
    return np.clip(seen, 0, 255).astype(np.uint8)


def collect(seed: int, pages: int, faces: list[str]) -> Patches:
    rng, vocabulary = np.random.default_rng(seed), words()
    seen = (page(rng, faces, vocabulary) for _ in range(pages))
    return np.concatenate([find_letters(one, bright, 400) for one in seen for bright in (False, True)])


def learn(letters: Patches, judges: Patches) -> dict[str, NDArray[np.float32]]:
    """Softmax over the four ways of one scorer; Adam. Prints the share of single letters judged right."""
    rng = np.random.default_rng(0)
    kept: dict[str, Any] = {
        "w1": rng.normal(0, 0.1, (SIDE * SIDE, HIDDEN)).astype(np.float32),
        "b1": np.zeros(HIDDEN, np.float32),
        "w2": rng.normal(0, 0.1, HIDDEN).astype(np.float32),
    }
    slow = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in kept.items()}

    def read(batch: Patches) -> tuple[tuple[Patches, ...], list[Patches], NDArray[np.float32]]:
        ways = four(batch)
        hidden = [np.maximum(0, way @ kept["w1"] + kept["b1"]) for way in ways]
        scores = np.stack([one @ kept["w2"] for one in hidden])
        likely = np.exp(scores - scores.max(axis=0))
        return ways, hidden, likely / likely.sum(axis=0)

    step = 0
    for number in range(ROUNDS):
        order, pace = rng.permutation(len(letters)), 0.003 * 0.8**number
        for start in range(0, len(letters) - BATCH, BATCH):
            batch = letters[order[start : start + BATCH]]
            batch = batch + rng.normal(0, 0.05, batch.shape).astype(np.float32)
            ways, hidden, wrong = read(batch)
            wrong[0] -= 1
            wrong /= len(batch)
            slope = {name: 1e-5 * value for name, value in kept.items()}
            for way, inner, off in zip(ways, hidden, wrong, strict=True):
                back = np.outer(off, kept["w2"]) * (inner > 0)
                slope["w2"] = slope["w2"] + inner.T @ off
                slope["w1"] = slope["w1"] + way.T @ back
                slope["b1"] = slope["b1"] + back.sum(axis=0)
            step += 1
            for name, value in slope.items():
                first, second = slow[name]
                first += 0.1 * (value - first)
                second += 0.001 * (value * value - second)
                kept[name] -= pace * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        _, _, likely = read(judges)
        way, round_ = (likely.argmax(axis=0) == 0).mean(), (likely[0] + likely[2] > likely[1] + likely[3]).mean()
        print(f"round {number}: {way:.3f} right of four, {round_:.3f} right way round", flush=True)
    return kept


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="learn_writing")
    parser.add_argument("--pages", type=int, default=700)
    parser.add_argument("--out", type=Path, default=places.resources() / "writing.npz")
    asked = parser.parse_args(argv)
    to_learn, to_judge = fonts()
    letters, judges = collect(1, asked.pages, to_learn), collect(2, max(10, asked.pages // 10), to_judge or to_learn)
    print(
        f"{len(to_learn)} fonts, {len(letters)} letters; judged by {len(judges)} of {len(to_judge)} others", flush=True
    )
    kept = learn(letters, judges)
    np.savez_compressed(asked.out, **{name: value.astype(np.float16) for name, value in kept.items()})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
