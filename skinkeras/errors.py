"""The errors that every command line turns into one sentence."""


class UsageError(Exception):
    """What was asked for cannot be done; found before any work was done. Exit code 2."""


class DamagedFileError(UsageError, ValueError):
    """A file that an earlier process left, and that the work needs, is damaged or belongs to something else."""


class RunError(Exception):
    """Work that was begun as asked cannot be finished. Its message is one sentence for the user. Exit code 1."""


def shown(text, most=80):
    """A text from elsewhere for a message: control characters as escapes, at most `most` characters (None: all)."""
    text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(text))
    return text if most is None or len(text) <= most else f"{text[:most]}..."
