"""How names and numbers are written in Markdown."""

import re

NOT_MEASURED = "not measured"


def escaped(text):
    """A text in which nothing is markup: neither HTML, nor emphasis, code or a link."""
    text = str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # An underscore between letters or digits is none: names such as efficientnet_lite0 stay readable.
    return re.sub(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)


def code(text):
    """A text as code, in which a backtick may occur."""
    text = str(text)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def title_of(name, model):
    """A class by its full title, with the abbreviation; `model` is that of a record."""
    title = model["class_titles"].get(name)
    return f"{escaped(title)} ({code(name)})" if title and title != name else code(name)


def number(value, digits):
    """A number with so many digits after the point; None is "not measured"."""
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"


def interval(metrics, key):
    """The metric called `key` with its interval; "not measured" if `metrics` lacks it."""
    if not metrics or metrics.get(key) is None:
        return NOT_MEASURED
    bounds = metrics.get(f"{key}_interval")
    return f"{metrics[key]:.3f} [{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else f"{metrics[key]:.3f}"


def one_line(text):
    """A text by somebody else on one line, without markup: line breaks and other control characters are spaces."""
    # Besides printable characters, the two that join and separate letters in some scripts.
    kept = (char if char.isprintable() or char in "\u200c\u200d" else " " for char in str(text))
    return escaped(" ".join("".join(kept).split())).replace("~", "\\~")
