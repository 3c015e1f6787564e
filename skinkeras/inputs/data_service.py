"""Where the workers of a `tf.data` service are reached. Light to import."""

import re
import socket
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

from skinkeras.errors import UsageError

_ADDRESS = re.compile(r"grpc://(?P<host>[^\s/:]+):(?P<port>\d{1,5})")
_CONNECT_SECONDS = 5.0


def split_address(address):
    """("grpc://HOST:PORT") -> (HOST, PORT as an int).

    Raises:
        ValueError: the address has another form.
    """
    match = _ADDRESS.fullmatch(address)
    if not match or not 1 <= int(match["port"]) <= 65_535:
        raise ValueError(f"The address of a data service is grpc://HOST:PORT. Received: {address!r}")
    return match["host"], int(match["port"])


@dataclass(frozen=True)
class DataService:
    """A `tf.data` service whose workers make the batches of a training; see `training_dataset`.

    Its workers are processes of TensorFlow alone (`tf.data.experimental.service.WorkerServer`, or `python -m
    pipelines.data_service worker`). They read the file of decoded images: every machine has to see it under the
    path that it has here.

    Attributes:
        address: "grpc://HOST:PORT", that of the dispatcher.
        patience: seconds > 0 for which a batch is waited for before this machine makes it.
        start_seconds: seconds > 0 for which the first answer is waited for.
        say: function of one line of text, called when something is wrong with the service; by default nothing is
            said.

    Raises:
        ValueError: the address has another form, or a number of seconds is not positive.

    Example:
        >>> DataService("grpc://10.0.0.5:5050").address
        'grpc://10.0.0.5:5050'
    """

    address: str
    _: KW_ONLY
    patience: float = 10.0
    start_seconds: float = 60.0
    say: Callable = lambda text: None

    def __post_init__(self):
        split_address(self.address)
        for name in ("patience", "start_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0. Received: {name}={getattr(self, name)}")

    def check_there(self):
        """Raises UsageError if nothing listens at the address; takes five seconds at most for each of its numbers."""
        host, port = split_address(self.address)
        try:
            socket.create_connection((host, port), _CONNECT_SECONDS).close()
        except OSError as error:
            raise UsageError(
                f"No data service answers at {self.address} ({error.strerror or error}): start its dispatcher there "
                f"with python -m pipelines.data_service dispatcher --port {port}."
            ) from error
