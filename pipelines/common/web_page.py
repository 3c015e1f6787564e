"""The web page of `apps/web`: put together in one folder, and served with the headers that it needs."""

import contextlib
import gzip
import hashlib
import html
import http
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from skinkeras.files.locks import exclusive
from skinkeras.files.reading_json import read_json
from skinkeras.files.writing import write_error

_ROOT = Path(__file__).parents[2]
SOURCES = _ROOT / "apps" / "web"
MODELS = _ROOT / "tflite_models"

# "wasm-unsafe-eval" is what compiling WebAssembly takes; it allows no eval of text. Everything else, except
# images that the page made itself (blob:), has to come from where the page came from.
_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; style-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    # Only a page that nothing else shares a process with gets shared memory, and so threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_MOST_CARD_BYTES = 2**20
_COMPRESSED = (".css", ".html", ".js", ".json", ".md", ".svg", ".tflite", ".wasm")
# Fetched when they are needed and kept then; the service worker fetches all other files at once.
_LARGE = (".tflite", ".wasm", "_internal.js")


def build(out, models=MODELS):
    """Puts the page, LiteRT.js and the models into a folder that any web server can serve.

    Beside each file that compresses lies a `.gz`. A folder that already holds just this is left as it is.

    Args:
        out: the folder; what it holds of an earlier build is replaced.
        models: folder with released models; every `NAME.json` in it is one.

    Returns:
        True if anything had to be built.

    Raises:
        ValueError: the page's sources or LiteRT.js are missing and cannot be fetched, there is no model, a
            model's file is missing, or `out` holds something else.
        OSError: `out` cannot be written.
    """
    out = Path(out).resolve()  # of a link, the folder that it leads to is replaced
    if not (SOURCES / "page" / "index.html").is_file():
        raise ValueError(f"The page's sources are not in {SOURCES}: run this from a clone of the repository.")
    files = _page_files() | _runtime_files() | _model_files(Path(models))
    digest = _digest(files)
    files["files.js"] = _files_script(files, digest)
    built = _built_digest(out)
    if built == digest:
        return False
    if out.exists() and built is None and any(out.iterdir()):
        raise ValueError(f"{out} holds something that is no build of the page: choose another folder.")
    _write_folder(out, files | {"build.json": json.dumps({"digest": digest}).encode()})
    return True


def _built_digest(out):
    """The digest of the build that a folder holds; None where it holds none, and so must not be replaced."""
    try:
        stamp = read_json(out / "build.json")
    except (OSError, ValueError):
        return None
    return stamp["digest"] if isinstance(stamp, dict) and set(stamp) == {"digest"} else None


def _page_files():
    """The files of the page: words.js and index.html hold the sentences of `skinkeras/tflite/wording.json`."""
    from skinkeras.tflite import wording

    page, sentences = SOURCES / "page", wording.words()
    files = {str(path.relative_to(page)): path.read_bytes() for path in page.rglob("*") if path.is_file()}
    files["words.js"] = f"export default {json.dumps(sentences, indent=1)};\n".encode()
    shown = re.sub(
        r"\{\{(\w+)\}\}", lambda name: html.escape(sentences[name[1]]), files["index.html"].decode()
    )
    return files | {"index.html": shown.encode()}


def _runtime_files():
    package = json.loads((SOURCES / "package.json").read_text())
    version = package["dependencies"]["@litertjs/core"]
    installed = SOURCES / "node_modules" / "@litertjs"
    if _version(installed / "core") != version:
        _fetch_runtime(version)
    core, utils = (
        _without_map(installed / package / "dist" / "index.js") for package in ("core", "wasm-utils")
    )
    # A bare name is what a bundler resolves; browsers take a path, and import maps do not reach workers.
    if core.count('"@litertjs/wasm-utils"') != 1:
        raise ValueError(f"LiteRT.js {version} imports its helpers in a way unknown to {__file__}: adapt it.")
    core = core.replace('"@litertjs/wasm-utils"', '"./wasm-utils.js"')
    folder = f"litert-{version}"
    files = {f"{folder}/core.js": core.encode(), f"{folder}/wasm-utils.js": utils.encode()}
    for path in sorted((installed / "core" / "wasm").iterdir()):
        files[f"{folder}/wasm/{path.name}"] = path.read_bytes()
    files["runtime.json"] = json.dumps({"version": version, "folder": folder}).encode()
    return files


def _without_map(script):
    """A script's text, less the line that names a source map: that is not served."""
    return script.read_text("utf-8").rsplit("\n//# sourceMappingURL", 1)[0] + "\n"


def _version(package):
    try:
        return json.loads((package / "package.json").read_text())["version"]
    except FileNotFoundError:
        return None


def _fetch_runtime(version):
    # What package-lock.json pins, digests included; no script of a package is run.
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if shutil.which("npm") is None:
        raise ValueError(
            f"LiteRT.js {version} is not in {SOURCES / 'node_modules'}, and npm, which fetches it, is not "
            f"installed: install Node.js with npm, then run `npm ci --ignore-scripts` in {SOURCES}."
        )
    # Beside and then moved: two processes may build at once.
    with tempfile.TemporaryDirectory(dir=SOURCES, prefix=".npm-") as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, folder)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise ValueError(f"npm could not fetch LiteRT.js {version}: {' '.join(reason)}")
        installed = SOURCES / "node_modules"
        if _version(installed / "@litertjs" / "core") != version:
            shutil.rmtree(installed, ignore_errors=True)
            with contextlib.suppress(OSError):  # another process was faster; what it moved is checked below
                os.replace(Path(folder) / "node_modules", installed)
    if _version(installed / "@litertjs" / "core") != version:
        raise ValueError(
            f"npm fetched another version of LiteRT.js than {version}: see {SOURCES / 'package.json'}."
        )


def _model_files(models):
    from skinkeras import tflite

    contracts = sorted(models.glob("*.json"))
    if not contracts:
        raise ValueError(f"There is no model in {models}: it needs NAME.json and the files that it names.")
    files, names = {}, []
    for path in contracts:
        check_regular(path, path)
        contract = tflite.read_contract(path)
        if contract["name"] != path.stem:
            raise ValueError(f"{path} is called {contract['name']} inside: the page would not find it.")
        names.append(path.stem)
        card = path.with_suffix(".card.md")
        check_regular(card, path)
        if card.stat().st_size > _MOST_CARD_BYTES:
            raise ValueError(f"{card} is larger than {_MOST_CARD_BYTES} bytes, too large for a card.")
        parts = [path, card]
        # Of a file that is not shipped the json has the figures alone.
        for entry in (entry for entry in contract["files"].values() if entry.get("shipped", True)):
            part = models / entry["file"]
            check_regular(part, path)
            if part.stat().st_size != entry["size_bytes"]:
                raise ValueError(
                    f"{part} has {part.stat().st_size:,} bytes, and {path} says {entry['size_bytes']:,}: copy both "
                    "again."
                )
            parts.append(part)
        files |= {f"models/{part.name}": part.read_bytes() for part in parts}
    files["models.json"] = json.dumps({"models": names}).encode()
    return files


def check_regular(path, contract):
    """Refuses what a folder of models holds in place of a file: everyone who opens the page could read it.

    Raises:
        ValueError: `path`, which `contract` names, is missing, a symbolic link, or no regular file.
    """
    if path.is_symlink():
        raise ValueError(f"{path} is a symbolic link: put the file itself there.")
    if not path.is_file():
        raise ValueError(f"{path} is missing, though {contract} speaks of it.")


def _digest(files):
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _files_script(files, digest):
    """What the service worker has to know: the build, files to fetch at once, and files to keep if used."""
    names = sorted(name for name in files if not name.endswith(_LARGE) and name != "sw.js")
    names[names.index("index.html")] = "./"
    # The addresses as the page asks for them: a model's holds its digest.
    large = [
        f"{name}?sha256={hashlib.sha256(content).hexdigest()[:16]}" if name.endswith(".tflite") else name
        for name, content in sorted(files.items())
        if name.endswith(_LARGE)
    ]
    known = {"digest": digest, "files": names, "large": large}
    return f"self.BUILD = {json.dumps(known, indent=1)};\n".encode()


def _write_folder(out, files):
    with exclusive(out):
        new = out.with_name(f".{out.name}.new")
        if new.is_symlink():
            new.unlink()
        shutil.rmtree(new, ignore_errors=True)  # of a killed process
        try:
            for name, content in files.items():
                path = new / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                if name.endswith(_COMPRESSED):
                    Path(f"{path}.gz").write_bytes(gzip.compress(content, 6, mtime=0))
            if out.exists():
                shutil.rmtree(out)
            os.replace(new, out)
        except OSError as error:
            raise write_error(out, error) from error
        finally:
            shutil.rmtree(new, ignore_errors=True)


def server(folder, host="127.0.0.1", port=0):
    """An HTTP server of a folder that `build` made; call its `serve_forever`.

    Args:
        folder: what `build` made.
        host: the address to listen on.
        port: 0 takes any free one; `server_address` tells which.

    Raises:
        OSError: the address cannot be listened on, such as a port that is taken.
    """

    class Handler(_Handler):
        root = Path(folder).resolve()
        etag = f'"{json.loads((root / "build.json").read_text())["digest"]}"'

    return http.server.ThreadingHTTPServer((host, port), Handler)


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "skinkeras"
    sys_version = ""

    def __init__(self, *args):
        super().__init__(*args, directory=self.root)

    def send_head(self):
        path = self._requested()
        if path is None or path.suffix == ".gz":
            self.send_error(http.HTTPStatus.NOT_FOUND)
            return None
        if self.headers.get("If-None-Match") == self.etag:
            self.send_response(http.HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            return None
        compressed = Path(f"{path}.gz")
        gzipped = "gzip" in self.headers.get("Accept-Encoding", "") and _is_own_file(compressed, self.root)
        file = open(compressed if gzipped else path, "rb")  # noqa: SIM115
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES.get(path.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
        self.send_header("ETag", self.etag)
        if gzipped:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Vary", "Accept-Encoding")
        self.end_headers()
        return file

    def _requested(self):
        """The file that is asked for; None where there is none that may be served."""
        try:
            # Turns "..", escapes and an absolute path into a path inside of the folder.
            path = Path(self.translate_path(self.path))
            if path.is_dir():
                path = path / "index.html"
            return path if _is_own_file(path, self.root) else None
        except (ValueError, OSError):  # such as a NUL, or a name that is too long
            return None

    def end_headers(self):
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format, *args):
        """Nothing: who opens the page is nobody's business."""


def _is_own_file(path, root):
    """Whether a path is a regular file of the folder `root`, reached through no symbolic link."""
    return path.is_file() and path.resolve() == path and path.is_relative_to(root)
