"""The buyer page's own files in a Chromium, with no platform behind them: for its pure modules."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from playwright.async_api import Browser, Page, Route

from seller_console import places

ORIGIN = "http://page.test"


async def lone_page(browser: Browser) -> Page:
    """A blank page of an origin that serves resources/buyer under /static/; nothing else answers."""
    folder = places.resources() / "buyer"
    page = await browser.new_page()

    async def answer(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        name = Path(path).name
        if path.startswith("/static/") and (folder / name).is_file():
            kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
            await route.fulfill(body=(folder / name).read_bytes(), content_type=kind)
        elif path == "/":
            await route.fulfill(body="<!doctype html><title>seul</title>", content_type="text/html")
        else:
            await route.fulfill(status=404, body="")

    await page.route("**/*", answer)
    await page.goto(ORIGIN + "/")
    return page
