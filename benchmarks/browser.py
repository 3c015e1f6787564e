"""How fast the web page's models answer in headless Chromium, against LiteRT in Python, timed in alternation.

    python benchmarks/browser.py [--rounds 5] [--repeats 20] [--models DIR] [--webgpu]

Timed is everything from a frame of 640 x 480 pixels to its probabilities: cropping, resizing, checking its
quality (browser) and running the model. A round times each file in both, with one thread and with one thread
per core. The figures are medians over the rounds; the ratio is the median of the rounds' ratios. Needs
Chromium and what `python -m pipelines.demo --build-only` needs. `--webgpu` also runs the WebGPU back end on a
software renderer: this shows that the probabilities agree, and nothing about speed.
"""

import argparse
import base64
import json
import os
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

from pipelines.common import web_page
from skinkeras import tflite
from skinkeras.datasets.synthetic_images import draw
from skinkeras.images.decoding import resize_to_square

SIZE = (640, 480)
WARM_UP = 5
SOFTWARE_GPU = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-webgpu-adapter=swiftshader")

# Returns medians in ms, and the probabilities.
SCRIPT = """async ({ name, kind, backend, threads, width, height, pixels, repeats, warmUp }) => {
  const { Engine } = await import("/engine.js");
  const { readContracts } = await import("/contract.js");
  const { folder, models } = await readContracts();
  const engine = await Engine.start(folder, backend, threads);
  await engine.load(models.find((model) => model.name === name).entry(kind));
  const rgba = Uint8ClampedArray.from(atob(pixels), (character) => character.charCodeAt(0));
  const frame = new ImageData(rgba, width, height);
  const times = { total: [], prepare: [], run: [] };
  let answer;
  for (let i = 0; i < warmUp + repeats; i++) {
    const bitmap = await createImageBitmap(frame);
    const begin = performance.now();
    answer = await engine.classify(bitmap, true);
    if (i < warmUp) continue;
    times.total.push(performance.now() - begin);
    times.prepare.push(answer.prepareMs);
    times.run.push(answer.runMs);
  }
  engine.stop();
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const medians = Object.fromEntries(Object.entries(times).map(([key, values]) => [key, median(values)]));
  return { ...medians, probabilities: answer.probabilities };
}"""


def in_python(path, threads, frame, repeats):
    classifier = tflite.Classifier(path, threads)
    times = []
    for _ in range(WARM_UP + repeats):
        begin = time.perf_counter()
        probabilities = classifier.predict(resize_to_square(frame, classifier.input_size[0])[None])[0]
        times.append(1e3 * (time.perf_counter() - begin))
    return {"total": statistics.median(times[WARM_UP:]), "probabilities": probabilities}


def first_visit(browser, server):
    """Bytes that a browser loads, compressed, until the page is ready with its default model."""
    folder, paths = server.RequestHandlerClass.root, []
    server.RequestHandlerClass.log_request = lambda request, *_: paths.append(request.path)
    page = browser.new_context().new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    page.get_by_text("It works offline now").wait_for(timeout=60_000)
    page.context.close()
    files = [folder / (path.split("?")[0].lstrip("/") or "index.html") for path in paths]
    sent = [Path(f"{file}.gz") if Path(f"{file}.gz").is_file() else file for file in files]
    return sum(file.stat().st_size for file in sent if file.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--models", type=Path, default=web_page.MODELS)
    parser.add_argument("--webgpu", action="store_true")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        parser.error("Chromium is not installed (Debian: apt-get install chromium)")
    frame = cv2.resize(draw(5, 6), SIZE, interpolation=cv2.INTER_CUBIC)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        web_page.build(Path(folder) / "dist", options.models)
        server = web_page.server(Path(folder) / "dist")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        arguments = SOFTWARE_GPU if options.webgpu else ()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(arguments))
        print(f"{browser.browser_type.name} {browser.version}, {os.cpu_count()} cores")
        print(f"first visit: {first_visit(browser, server) / 1e6:.2f} MB compressed")
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        compare(page, options, frame)
        browser.close()
        server.shutdown()


def compare(page, options, frame):
    backends = [("wasm", 1), ("wasm", os.cpu_count()), *([("webgpu", 1)] if options.webgpu else [])]
    rgba = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    pixels = base64.b64encode(rgba.tobytes()).decode()
    frame_task = {"width": SIZE[0], "height": SIZE[1], "pixels": pixels}
    shared = frame_task | {"repeats": options.repeats, "warmUp": WARM_UP}
    for contract in sorted(options.models.glob("*.json")):
        about = json.loads(contract.read_text())
        shipped = {kind: file for kind, file in about["files"].items() if file.get("shipped", True)}
        for kind, file in shipped.items():
            for backend, threads in backends:
                task = shared | {"name": about["name"], "kind": kind, "backend": backend, "threads": threads}
                rounds = [
                    (
                        page.evaluate(SCRIPT, task),
                        in_python(options.models / file["file"], threads, frame, options.repeats),
                    )
                    for _ in range(options.rounds)
                ]
                report(f"{file['file']}, {backend}, {threads} thread(s)", rounds)


def report(title, rounds):
    def median(pick):
        return statistics.median(map(pick, rounds))

    gap = max(np.abs(np.subtract(web["probabilities"], own["probabilities"])).max() for web, own in rounds)
    print(
        f"{title}: {median(lambda r: r[0]['total']):.1f} ms in the browser (image "
        f"{median(lambda r: r[0]['prepare']):.1f}, model {median(lambda r: r[0]['run']):.1f}), "
        f"{median(lambda r: r[1]['total']):.1f} ms in Python, "
        f"{median(lambda r: r[0]['total'] / r[1]['total']):.2f} times; probabilities differ by {gap:.4f}"
    )


if __name__ == "__main__":
    main()
