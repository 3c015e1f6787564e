"""Runs a .tflite file once, on zeros, in a process of its own: see `skinkeras.tflite.check_runs`.

Run as a file; imports nothing of skinkeras, so that it takes no longer than it must.
"""

import sys

from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    """Runs the file that the command line names. Exits with 1 where LiteRT refuses it, which is no crash."""
    try:
        interpreter = Interpreter(model_path=sys.argv[1])
        interpreter.allocate_tensors()
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
