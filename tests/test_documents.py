"""What the documents name is there: files, headings, flags, and commands that the jobs accept."""

import functools
import importlib
import re
import shlex
from pathlib import Path

import pytest

from pipelines.common import options

ROOT = Path(__file__).parents[1]
FOLDERS = ("apps", "benchmarks", "docs", "pipelines", "skinkeras", "tests", "tflite_models", "tools")
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    ROOT / "tflite_models/README.md",
    *sorted(ROOT.glob("apps/*/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
]
# What builds make.
MADE = ("apps/web/dist", "apps/android/build")
# What 0.1.0 called its settings and files, other than the paths that no longer exist.
RELEASED_NAMES = re.compile(
    r"--(learn|limit|units|rho|split|splits|base-loss)(?![\w-])|--weighting la\b|--loss ce\b"
    r"|layer_errors\.csv|\b[gb](23|21)/|VariantPictures|DecodedPictures"
)
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def text_of(document):
    return document.read_text("utf-8")


def code_of(text):
    """The lines of code blocks, and inline code with its line breaks as spaces."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return lines + [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", rest)]


def anchors(document):
    """The anchors that GitHub gives to the headings of a document."""
    prose = re.sub(r"^```.*?^```", "", text_of(document), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@functools.cache
def flags_of(job):
    """The flags that `python -m pipelines.<job>` takes."""
    names = options.option_names(importlib.import_module(f"pipelines.{job}").Settings)
    more = {"--help", "--experiment"} if job in ("binary", "multiclass") else {"--help"}
    return {options.flag(prefix + name) for name in names for prefix in ("", "no_")} | more


@functools.cache
def all_flags():
    """The flags of all jobs, and those that benchmarks and tools have."""
    jobs = [path.stem for path in (ROOT / "pipelines").glob("[a-z]*.py")]
    scripts = [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("tools/*.py"), ROOT / "apps/android/check.sh"]
    return {flag for job in jobs for flag in flags_of(job)} | {
        flag for script in scripts for flag in FLAG.findall(script.read_text("utf-8"))
    }


def commands(document):
    """(job, the words behind it) of each command of `pipelines` in a document."""
    found = []
    for code in code_of(text_of(document)):
        for command in re.findall(r"python -m (pipelines\.\w+[^&|]*)", code):
            module, *words = shlex.split(command, comments=True)
            found.append((module.removeprefix("pipelines."), words))
    return found


@documents
def test_links_lead_to_files_and_headings(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{target}: no such file"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


@documents
def test_paths_in_the_repository_exist(document):
    """`docs/architecture.md`, but not `runs/NAME` or a pattern."""
    for code in code_of(text_of(document)):
        for path in re.findall(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./*-]*", code):
            path = path.rstrip(".")
            if re.search(r"[A-Z]{4,}(?!\.md)", Path(path).name) or path.startswith(MADE):
                continue
            assert list(ROOT.glob(path)) if "*" in path else (ROOT / path).exists(), f"{path}: no such file"


@documents
def test_nothing_has_a_name_of_the_released_version(document):
    found = RELEASED_NAMES.search(text_of(document))
    assert not found, f"{found.group(0)} is now called otherwise: see CHANGELOG.md"


@documents
def test_commands_have_flags_that_their_jobs_know(document):
    for job, words in commands(document):
        unknown = set(FLAG.findall(" ".join(words))) - flags_of(job)
        assert not unknown, f"pipelines.{job} has no {', '.join(unknown)}"


@documents
def test_a_flag_that_stands_alone_belongs_to_some_command(document):
    for code in code_of(text_of(document)):
        if code.startswith("--"):
            unknown = set(FLAG.findall(code)) - all_flags()
            assert not unknown, f"no command has {', '.join(unknown)}"


@documents
def test_training_commands_are_accepted(document):
    """All but those with another placeholder than DIR."""
    for job, words in commands(document):
        complete = all(word == "DIR" or not re.search(r"[A-Z]{3,}|\b[A-Z]\b|\.\.\.", word) for word in words)
        if job in ("binary", "multiclass", "clean") and complete and words:
            module = importlib.import_module(f"pipelines.{job}")
            module.with_defaults(options.parse(module.Settings, words))
