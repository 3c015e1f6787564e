"""The web page's build and its server, without a browser."""

import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from pipelines import demo
from pipelines.common import web_page
from pipelines.common.console import UsageError, run

pytestmark = pytest.mark.skipif(
    not (web_page.SOURCES / "node_modules").is_dir() and shutil.which("npm") is None,
    reason="npm, which fetches LiteRT.js, is missing",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "dist"
    assert web_page.build(path)
    return path


@pytest.fixture(scope="module")
def ask(folder):
    """(status, headers, body) of a request to a server of the page."""
    server = web_page.server(folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def call(path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    yield call
    server.shutdown()
    server.server_close()


@pytest.fixture
def models(tmp_path):
    return shutil.copytree(web_page.MODELS, tmp_path / "models")


def test_what_has_not_changed_is_not_built_again(folder, models):
    other = shutil.copytree(folder, folder.with_name("other"))
    assert not web_page.build(other, models)
    card = next(models.glob("*.card.md"))
    card.write_text(card.read_text() + "\nA line more.\n")
    assert web_page.build(other, models)
    assert (other / "models" / card.name).read_text() == card.read_text()


def test_the_build_holds_models_and_runtime_and_no_bare_import(folder):
    names = json.loads((folder / "models.json").read_text())["models"]
    assert names == sorted(path.stem for path in web_page.MODELS.glob("*.json"))
    runtime = json.loads((folder / "runtime.json").read_text())["folder"]
    assert len(list((folder / runtime / "wasm").glob("*.wasm"))) == 4
    for script in folder.rglob("*.js"):
        assert not re.search(r'^import [^"\']*["\'][^./]', script.read_text(), re.MULTILINE), script
    text = (folder / "files.js").read_text()
    build = json.loads(text[text.index("{") : text.rindex("}") + 1])
    missing = [name for name in build["files"] if name != "./" and not (folder / name).is_file()]
    assert missing == [] and "app.js" in build["files"] and "build.json" not in build["files"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda models: [path.unlink() for path in models.glob("*.json")], "There is no model in"),
        (lambda models: next(models.glob("*_int8.tflite")).unlink(), r"_int8\.tflite is missing"),
    ],
)
def test_a_folder_without_its_models_is_refused(tmp_path, models, spoil, words):
    spoil(models)
    with pytest.raises(ValueError, match=words):
        web_page.build(tmp_path / "dist", models)
    assert not (tmp_path / "dist").exists()


def test_a_file_that_is_not_shipped_is_not_asked_for(tmp_path, models):
    path = next(models.glob("*.json"))
    contract = json.loads(path.read_text())
    name = f"{contract['name']}_float32.tflite"
    contract["files"]["float32"] = {"file": name, "sha256": "0" * 64, "size_bytes": 1, "shipped": False}
    path.write_text(json.dumps(contract))
    assert web_page.build(tmp_path / "dist", models)
    assert not (tmp_path / "dist" / "models" / name).exists()


def change(models, how):
    path = next(models.glob("*.json"))
    contract = json.loads(path.read_text())
    how(contract)
    path.write_text(json.dumps(contract))
    return path.stem


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda c: c["files"]["int8"].update(file="../../secret.txt"), "int8.file must be a bare file name"),
        (lambda c: c["files"]["int8"].update(file="/etc/passwd"), "int8.file must be a bare file name"),
        (lambda c: c["files"]["int8"].update(file="secret.txt"), "int8.file must be a bare file name"),
        (lambda c: c.update(name="../secret"), "name must be a bare file name"),
        (lambda c: c.update(name="other"), "is called other inside"),
        (lambda c: c["files"]["int8"].update(size_bytes=5), "says 5: copy both again"),
        (lambda c: c.update(threshold=float("nan")), "is not a finite number"),
        (lambda c: c.update(classes=["<b>", "x\ny"]), "classes.1 must be a text of one line"),
    ],
)
def test_a_json_that_leads_out_of_the_folder_or_is_wrong_is_refused(tmp_path, models, how, words):
    (tmp_path / "secret.txt").write_text("a password")
    (models / "secret.txt").write_text("a password")
    change(models, how)
    with pytest.raises(ValueError, match=re.escape(words)):
        web_page.build(tmp_path / "dist", models)
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("ending", [".json", ".card.md", "_int8.tflite"])
def test_a_symbolic_link_among_the_models_is_refused(tmp_path, models, ending):
    path = next(models.glob(f"*{ending}"))
    path.rename(tmp_path / "secret")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="is a symbolic link: put the file itself there"):
        web_page.build(tmp_path / "dist", models)


def test_a_folder_or_a_pipe_in_place_of_a_file_is_refused(tmp_path, models):
    path = next(models.glob("*_int8.tflite"))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ValueError, match=r"_int8\.tflite is missing"):
        web_page.build(tmp_path / "dist", models)


def test_a_card_of_the_wrong_size_is_refused(tmp_path, models):
    next(models.glob("*.card.md")).write_bytes(b" " * 2_000_000)
    with pytest.raises(ValueError, match="too large for a card"):
        web_page.build(tmp_path / "dist", models)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds something that is no build of the page"):
        web_page.build(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("text", ["{", "[]", '{"digest": "x", "project": "thesis"}', '{"name": "thesis"}'])
def test_a_build_json_of_something_else_is_left_alone_too(tmp_path, text):
    (tmp_path / "build.json").write_text(text)
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds something that is no build of the page"):
        web_page.build(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_without_npm_the_sentence_says_what_to_run(tmp_path, monkeypatch):
    sources = tmp_path / "web"
    shutil.copytree(web_page.SOURCES, sources, ignore=shutil.ignore_patterns("node_modules", "dist"))
    monkeypatch.setattr(web_page, "SOURCES", sources)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"install Node\.js with npm, then run `npm ci --ignore-scripts` in"):
        web_page.build(tmp_path / "dist")


@pytest.mark.parametrize("path", ["/", "/app.js", "/models.json", "/nowhere"])
def test_every_answer_isolates_the_page_and_shuts_it_in(ask, path):
    _, headers, _ = ask(path)
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert not [
        name for name, sources in policy.items() if re.search(r"http|\*|data:|unsafe-inline", sources)
    ]


def test_the_page_itself_carries_the_same_policy(ask):
    """For servers that send no headers; frame-ancestors means nothing there."""
    _, headers, body = ask("/")
    inside = re.search(r'Content-Security-Policy" content="([^"]+)"', body.decode())[1]
    assert f"{inside}; frame-ancestors 'none'" == headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/worker.js?x=1", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/litert-2.5.3/wasm/litert_wasm_internal.wasm", "application/wasm"),
    ],
)
def test_files_come_with_their_type_and_compressed_where_that_is_understood(ask, folder, path, kind):
    status, headers, plain = ask(path)
    assert (status, headers["Content-Type"], headers["Content-Encoding"]) == (200, kind, None)
    assert plain == (folder / (path.split("?")[0].lstrip("/") or "index.html")).read_bytes()
    _, headers, body = ask(path, Accept_Encoding="gzip, br")
    if headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    assert body == plain
    assert ask(path, "HEAD")[2] == b""


def test_what_the_browser_has_already_is_not_sent_again(ask):
    tag = ask("/app.js")[1]["ETag"]
    assert ask("/app.js", If_None_Match=tag)[::2] == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/../build.json", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/models/", "/app.js.gz", "/nowhere"],
)
def test_nothing_else_is_served(ask, path):
    status, _, body = ask(path)
    assert status == 404 or body == ask("/build.json")[2]
    assert b"root:" not in body and b"Directory listing" not in body


REQUESTS = [
    *(
        "/../secret.txt",
        "/../../../../etc/passwd",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/.%2e/secret.txt",
    ),
    *(
        "/models/../../secret.txt",
        "/./../secret.txt",
        "//../secret.txt",
        "/..\\secret.txt",
        "/%2e%2e%5csecret.txt",
    ),
    *(
        "../secret.txt",
        "http://x/../secret.txt",
        "/..;/secret.txt",
        "/%252e%252e/secret.txt",
        "/secret.txt%00.js",
    ),
    *(
        "/link.txt",
        "/folder/secret.txt",
        "/folder/",
        "/linked.js",
        "/" + "x" * 5000,
        "/%ff%fe",
        "/index.html/../../secret.txt",
    ),
]


@pytest.fixture
def raw(folder, tmp_path):
    """The answer to a request as it stands on the wire, from a folder with links that lead out of it."""
    served = shutil.copytree(folder, tmp_path / "served")
    (tmp_path / "secret.txt").write_text("a password")
    (served / "link.txt").symlink_to(tmp_path / "secret.txt")
    (served / "folder").symlink_to(tmp_path)
    (served / "linked.js").write_text("harmless")
    (served / "linked.js.gz").symlink_to(tmp_path / "secret.txt")
    server = web_page.server(served)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(path):
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
            connection.sendall(request.encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))

    yield ask
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", REQUESTS, ids=lambda path: path[:30])
def test_no_request_leaves_the_folder_by_dots_or_by_a_link(raw, path):
    answer = raw(path)
    assert b"a password" not in answer and b"root:" not in answer
    if path != "/linked.js":
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 414"))


def test_the_command_serves_until_it_is_interrupted(folder):
    options = ["--no-browser", "--port", "0", "--out", str(folder)]
    command = [sys.executable, "-u", "-m", "pipelines.demo", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # What a shell starts in the background ignores Ctrl-C, and hands that on.
    heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen(command, **pipes, preexec_fn=heard) as process:
        said = [process.stdout.readline(), process.stdout.readline()]
        assert said[0].startswith("Up to date:")
        host, port = re.match(r"Serving http://([\d.]+):(\d+)/", said[1]).groups()
        assert host == "127.0.0.1"
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        connection.request("GET", "/")
        assert b"Not a medical device" in connection.getresponse().read()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "Stopped.\n"
    assert process.returncode == 0


def test_a_port_that_is_taken_is_refused_in_one_sentence(folder, monkeypatch, capsys):
    taken = web_page.server(folder)
    port = str(taken.server_port)
    monkeypatch.setattr(sys, "argv", ["demo", "--no-browser", "--out", str(folder), "--port", port])
    with pytest.raises(SystemExit) as stopped:
        run(demo.main, demo.Settings)
    taken.server_close()
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert error.startswith(f"Error: Cannot listen on 127.0.0.1, port {port} (") and error.count("\n") == 1


def test_another_host_than_loopback_is_warned_of(folder, monkeypatch, capsys):
    server = web_page.server(folder, "0.0.0.0")
    monkeypatch.setattr(server, "serve_forever", lambda: None)
    monkeypatch.setattr(web_page, "server", lambda *_: server)
    demo.main(demo.Settings(out=folder, host="0.0.0.0", port=0, browser=False))
    assert "Warning: everyone who reaches 0.0.0.0 can open the page" in capsys.readouterr().out


def test_the_browser_is_sent_to_an_address_that_it_trusts(folder, monkeypatch, capsys):
    server = web_page.server(folder, "0.0.0.0")
    monkeypatch.setattr(server, "serve_forever", lambda: None)
    monkeypatch.setattr(web_page, "server", lambda *_: server)
    opened = []
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    demo.main(demo.Settings(out=folder, host="0.0.0.0", port=0))
    assert opened == [f"http://127.0.0.1:{server.server_port}/"]
    assert f"Serving {opened[0]}" in capsys.readouterr().out


def test_an_unknown_host_is_refused(folder):
    with pytest.raises(UsageError, match=r"Cannot listen on no\.such\.host\.invalid"):
        demo.main(demo.Settings(out=folder, host="no.such.host.invalid", port=0, browser=False))


def test_building_alone_serves_nothing(folder, capsys):
    demo.main(demo.Settings(out=folder, build_only=True))
    assert capsys.readouterr().out == f"Up to date: {folder}\n"
