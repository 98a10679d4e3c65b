"""What becomes of a picture somebody sends: decoded, capped, drawn again, renamed.

Nothing of the file that came is kept: no name, no EXIF, no trailing bytes. Work is
done on a thread; at most two pictures at once, and no more than IN_HAND in memory.
"""

from __future__ import annotations

import asyncio
import io
import re
import secrets
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ..contract import routes
from ..contract.words import BACKSTAGE
from . import limits
from .asking import answer_json, limit, need_role, room_of, who_of
from .doors import Problem, body_of, kind_of

KINDS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
PIXELS_MAX = 40_000_000
SIDE_MAX = 2048
_QUALITY = 85
_NAME = re.compile(r"[0-9a-f]{32}\.jpg")
AT_ONCE = 2
IN_HAND = 8


class BadPicture(ValueError):
    """Not a picture we take; str() says why."""


def redrawn(raw: bytes, kind: str) -> bytes:
    """A JPEG of at most SIDE_MAX a side, upright. Raises BadPicture."""
    try:
        with Image.open(io.BytesIO(raw), formats=[KINDS[kind]]) as opened:
            if opened.width * opened.height > PIXELS_MAX:
                raise BadPicture(f"{opened.width} × {opened.height} points, c’est trop")
            opened.draft("RGB", (SIDE_MAX, SIDE_MAX))
            upright = ImageOps.exif_transpose(opened)
            if upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info:
                upright = upright.convert("RGBA")
                ground = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(ground, upright)
            picture = upright.convert("RGB")
            picture.thumbnail((SIDE_MAX, SIDE_MAX), Image.Resampling.LANCZOS)
            clean = Image.new("RGB", picture.size)
            clean.paste(picture)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, BadPicture):
            raise
        raise BadPicture("fichier abîmé ou d’un autre type") from error
    made = io.BytesIO()
    clean.save(made, "JPEG", quality=_QUALITY, optimize=True)
    return made.getvalue()


async def upload(request: Request) -> Response:
    """POST PICTURES."""
    room = await room_of(request)
    who = who_of(request, room.show_id)
    need_role(who, BACKSTAGE)
    limit(request, limits.PICTURES, who.person, _size_of(request))
    kind = kind_of(request)
    if kind not in KINDS:
        raise Problem("media_type", expected=", ".join(KINDS))
    folder: Path = request.app.state.pictures
    try:
        async with request.app.state.in_hand:
            raw = await body_of(request, routes.PICTURE_BYTES)
            async with request.app.state.drawing:
                made = await asyncio.to_thread(redrawn, raw, kind)
    except BadPicture as error:
        raise Problem("bad_picture", why=str(error)) from error
    name = f"{secrets.token_hex(16)}.jpg"
    try:
        await asyncio.to_thread(_keep, folder / name, made)
    except OSError as error:
        raise Problem("log_unwritable", headers={"Retry-After": "5"}) from error
    return answer_json({"path": routes.PICTURE.format(name=name)}, 201)


def _size_of(request: Request) -> int:
    """As its head says; the most there may be where it does not."""
    said = request.headers.get("content-length", "")
    size = int(said) if said.isascii() and said.isdecimal() and len(said) < 10 else routes.PICTURE_BYTES
    return max(limits.PICTURE_LEAST_BYTES, min(size, routes.PICTURE_BYTES))


def _keep(path: Path, made: bytes) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o700)
    path.write_bytes(made)


async def show(request: Request) -> Response:
    """GET PICTURE."""
    name = request.path_params["name"]
    path: Path = request.app.state.pictures / name
    if not _NAME.fullmatch(name) or not await asyncio.to_thread(path.is_file):
        raise Problem("not_found")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "public, max-age=31536000, immutable"})
