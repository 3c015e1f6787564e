"""A service that makes the batches of trainings on other machines: one dispatcher, and a worker on each machine.

python -m pipelines.data_service dispatcher
python -m pipelines.data_service worker --dispatcher grpc://HOST:5050
python -m pipelines.binary --data-service grpc://HOST:5050
"""

import socket
import threading
from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from pipelines.common.console import refuse_invalid_input, run, say
from pipelines.common.options import check_count
from pipelines.common.startup import start_keras
from skinkeras.errors import UsageError
from skinkeras.inputs.data_service import DataService, split_address

_DISPATCHER_PORT = 5050


@dataclass(frozen=True)
class Settings:
    """Settings of a process of the service."""

    role: Positional[Literal["dispatcher", "worker"]]
    """The dispatcher, which a training is told of, or a worker, of which there may be many."""
    dispatcher: Annotated[str | None, arg(metavar="ADDRESS", help_behavior_hint="")] = None
    """A worker's dispatcher: grpc://HOST:PORT."""
    port: Annotated[int | None, arg(metavar="INT", help_behavior_hint="")] = None
    """The port to listen on; by default 5050 for the dispatcher, any free one for a worker."""
    host: Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")] = None
    """Name or address under which others reach a worker; by default the one that it reaches the dispatcher from."""


def main(settings):
    """Runs a dispatcher or a worker of a tf.data service until Ctrl-C.

    Workers read the file of decoded images under the path that it has on the training machine. Whoever reaches the
    ports can read files and compute: keep them inside a network that you trust.
    """
    with refuse_invalid_input():
        check(settings)
        start_keras(deterministic=False)
        server = _dispatcher(settings) if settings.role == "dispatcher" else _worker(settings)
    threading.Event().wait()
    del server  # which ran until here


def check(settings):
    """Raises ValueError or UsageError if the settings do not suit the role, or there is no dispatcher."""
    if settings.port is not None:
        check_count("port", settings.port, 65_535, least=0)
    if settings.role == "dispatcher":
        for name in ("dispatcher", "host"):
            if getattr(settings, name) is not None:
                raise ValueError(f"--{name} belongs to a worker: leave it out for the dispatcher.")
    elif settings.dispatcher is None:
        raise ValueError("A worker needs --dispatcher grpc://HOST:PORT: that of its dispatcher.")
    else:
        DataService(settings.dispatcher).check_there()
    _check_free(_port(settings))


def _port(settings):
    if settings.port is not None:
        return settings.port
    return _DISPATCHER_PORT if settings.role == "dispatcher" else 0


def _dispatcher(settings):
    from tensorflow.data.experimental import service

    server = service.DispatchServer(service.DispatcherConfig(port=_port(settings)))
    found = split_address(server.target)[1]
    say(f"The dispatcher listens on port {found}: --data-service grpc://{socket.gethostname()}:{found}")
    return server


def _worker(settings):
    from tensorflow.data.experimental import service

    host, port = split_address(settings.dispatcher)
    config = service.WorkerConfig(
        dispatcher_address=f"{host}:{port}",
        worker_address=f"{settings.host or _own_address(host, port)}:%port%",
        port=_port(settings),
    )
    server = service.WorkerServer(config)
    say(f"The worker makes batches for {settings.dispatcher}.")
    return server


def _own_address(host, port):
    """The address of this machine on its way to another one; nothing is sent."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(address)
        found = probe.getsockname()[0]
    return f"[{found}]" if ":" in found else found


def _check_free(port):
    """Raises UsageError if another process listens on the port, which two dispatchers would share in silence."""
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError as error:
            raise UsageError(
                f"Port {port} cannot be listened on ({error.strerror}): choose another --port."
            ) from error


if __name__ == "__main__":
    run(main, Settings)
