"""The error that every command line turns into one sentence."""


class RunError(Exception):
    """Work that was begun as asked and cannot be finished. Its message is one sentence for the user."""
