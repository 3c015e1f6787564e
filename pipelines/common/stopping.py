"""Ctrl-C, SIGTERM and closed streams: one line and an exit code, from the first import on.

Imports nothing but the standard library: it is there before anything else of a job.
"""

import os
import signal
import sys
import threading
from contextlib import contextmanager

#: {signal: how the line names it}; a shell expects the exit code 128 + signal.
_NAMES = {signal.SIGINT: "", signal.SIGTERM: " (SIGTERM)"}


class Stopped(BaseException):
    """Ctrl-C or SIGTERM came: nothing on the way should take it for an error.

    No KeyboardInterrupt: Python sends itself SIGINT at its end, in place of the exit code, after one that broke off
    the import of a dataclass.

    Attributes:
        number: the signal's.
    """

    def __init__(self, number):
        super().__init__(number)
        self.number = number


class Signals:
    """Which signal has come while a job works; None: none.

    What is raised where a signal comes can come out as another error, for instance of an import that it broke off:
    this remembers the cause.
    """

    def __init__(self):
        self.received = None

    def _raise(self, number, frame):
        self.received = number
        raise Stopped(number)

    @contextmanager
    def raised(self):
        """Inside the block, Ctrl-C and SIGTERM raise `Stopped`.

        A signal that is ignored, as under nohup, stays ignored; outside the main thread nothing changes. One that
        comes while Python finalizes an object, where every exception is dropped, comes again.
        """
        before, hook = {}, sys.unraisablehook

        def dropped(unraisable):
            if isinstance(unraisable.exc_value, Stopped):
                _send_again(unraisable.exc_value.number)
            else:
                hook(unraisable)

        sys.unraisablehook = dropped
        try:
            for number in _NAMES:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, self._raise)
        except ValueError:  # no main thread
            pass
        try:
            yield
        finally:
            sys.unraisablehook = hook
            for number, handler in before.items():
                signal.signal(number, handler)


def _send_again(number):
    timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()


def line(number):
    """What is said of a signal, such as "Stopped (SIGTERM)."."""
    return f"Stopped{_NAMES[number]}."


def stop_quietly_while_importing():
    """Until a job begins, which then catches signals itself, they end the process with one line.

    Nothing has been written yet, so nothing needs to be tidied up.
    """
    for number in _NAMES:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number, frame):
    os.write(2, f"Error: {line(number)}\n".encode())
    os._exit(128 + number)


def open_closed_streams():
    """Input and output that the shell has closed (`>&-`) become that of /dev/null.

    Else the next file that is opened takes their place, and what libraries print goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def runs_as_a_command():
    """Whether Python was started with `-m pipelines.NAME` and is importing that."""
    # Python sets argv[0] to the module's path after it has imported the packages around it.
    words = sys.orig_argv
    following = words[words.index("-m") + 1 :] if "-m" in words else ()
    return sys.argv[:1] == ["-m"] and "".join(following[:1]).startswith("pipelines.")
