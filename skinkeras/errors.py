"""The errors that every command line turns into one sentence."""


class UsageError(Exception):
    """What was asked for cannot be done; found before any work was done. Exit code 2."""


class DamagedFileError(UsageError, ValueError):
    """A file that an earlier process left, and that the work needs, is damaged or belongs to something else."""


class RunError(Exception):
    """Work that was begun as asked cannot be finished. Its message is one sentence for the user. Exit code 1."""
