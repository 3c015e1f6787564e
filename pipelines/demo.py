"""The models in a web page, on this machine: camera or images in, probabilities out, nothing sent anywhere.

python -m pipelines.demo
"""

import ipaddress
import signal
import webbrowser
from dataclasses import dataclass
from pathlib import Path

from pipelines.common import stopping, web_page
from pipelines.common.console import UsageError, console, refuse_invalid_input, run, say
from pipelines.common.options import check_count


@dataclass(frozen=True)
class Settings:
    """Settings of the web page's server."""

    models: Path = web_page.MODELS
    """The folder with the models to offer; an `export` folder of a run will do."""
    out: Path = web_page.SOURCES / "dist"
    """Where the page is put together; any web server can serve this folder."""
    host: str = "127.0.0.1"
    """The address to listen on; the default is reached from this machine alone."""
    port: int = 8000
    """The port to listen on; 0 takes any free one."""
    browser: bool = True
    """Open the page in the browser."""
    build_only: bool = False
    """Put the page together and stop."""


def main(settings):
    """Builds the web page if anything has changed, serves it and opens it in the browser."""
    with refuse_invalid_input():
        check_count("port", settings.port, 65_535, least=0)
        built = web_page.build(settings.out, settings.models)
    say(f"{'Built' if built else 'Up to date:'} {settings.out}")
    if settings.build_only:
        return
    server = listening(settings)
    host, port = server.server_address[:2]
    # 0.0.0.0 stands for every address of this machine, and browsers trust a page from loopback alone: camera,
    # threads and offline use depend on it.
    address = f"http://{'127.0.0.1' if ipaddress.ip_address(host).is_unspecified else host}:{port}/"
    if not is_loopback(host):
        console.print(
            f"[bold yellow]Warning:[/] everyone who reaches {host} can open the page. On other machines, "
            "browsers give it the camera, threads and offline use over https only, which takes a proxy."
        )
    console.print(f"Serving {address} until Ctrl-C")
    if settings.browser:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except stopping.Stopped as stopped:
        if stopped.number != signal.SIGINT:
            raise
        console.print("Stopped.")
    finally:
        server.server_close()


def listening(settings):
    try:
        return web_page.server(settings.out, settings.host, settings.port)
    except OSError as error:
        raise UsageError(
            f"Cannot listen on {settings.host}, port {settings.port} ({error.strerror or error}): choose another "
            "--port or --host."
        ) from error


def is_loopback(host):
    return ipaddress.ip_address(host).is_loopback


if __name__ == "__main__":
    run(main, Settings)
