"""With and without a network: what is kept for offline use, and that nothing leaves the page."""

import contextlib
from pathlib import Path

import pytest
from browsing import Elsewhere, Site, open_page, predict, read_bars, upload
from image_files import plain
from playwright.sync_api import expect


def test_it_works_without_a_network_once_it_was_opened(visitor, built, classifiers, tmp_path):
    site = Site(built)
    with visitor(site.address) as context:
        page = context.new_page()
        open_page(page, site.address)
        expect(page.locator("#offline")).to_contain_text("It works offline now.")
        loaded = sum(sent_bytes(built, path) for path in site.paths)
        site.close()
        open_page(page, site.address)
        path = plain(tmp_path)
        upload(page, path)
        assert read_bars(page) == pytest.approx(predict(classifiers["int8"], path), abs=0.01)
    assert 5e6 < loaded < 8e6  # the goal of a first visit with the default model


def sent_bytes(folder, path):
    file = folder / (path.split("?")[0].lstrip("/") or "index.html")
    compressed = Path(f"{file}.gz")
    return (compressed if compressed.is_file() else file).stat().st_size if file.is_file() else 0


def test_what_is_kept_is_told_from_what_is_not(page):
    kept = """async (address) => (await import("/offline.js")).areKept(["/app.js", address], 1)"""
    assert page.evaluate(kept, "/index.html?") is False
    assert page.evaluate(kept, "/style.css") is True


def test_nothing_can_leave_the_page(browser, site, elsewhere):
    """That nothing tries to is checked for every page that a test opens: see `visitor`."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(site.address)
        blocked = page.evaluate(
            """async (address) => {
              const tries = [
                fetch(`http://${address}/fetch`),
                fetch("http://example.org/fetch", { mode: "no-cors" }),
                new Promise((resolve, reject) => {
                  const image = new Image();
                  image.onload = resolve;
                  image.onerror = () => reject(new Error("blocked"));
                  image.src = `http://${address}/image`;
                }),
              ];
              navigator.sendBeacon(`http://${address}/beacon`, "image");
              return (await Promise.allSettled(tries)).map(({ status }) => status);
            }""",
            elsewhere,
        )
        assert blocked == ["rejected"] * 3
        assert Elsewhere.seen == []
