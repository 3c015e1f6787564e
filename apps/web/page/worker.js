// Runs LiteRT.js away from the page, so that the page never freezes. A classic worker, and no module:
// LiteRT.js loads its WebAssembly with importScripts.
"use strict";

let litert = null; // LiteRT.js
let modules = null; // preprocess.js, quality.js and checks.js
let model = null; // the compiled model
let size = 0; // its height and width
let geometry = "crop"; // what of an image it takes
let accelerator = "wasm";
let threads = 1;

const commands = {
  /** Loads LiteRT.js: { folder, backend: "wasm" | "webgpu", threads }. */
  async start(options) {
    const root = new URL(`${options.folder}/`, self.location.href).href;
    modules = {
      ...(await import("./preprocess.js")),
      ...(await import("./quality.js")),
      ...(await import("./checks.js")),
    };
    litert = await import(`${root}core.js`);
    accelerator = options.backend;
    threads = options.threads;
    const jspi = accelerator === "webgpu" && (await litert.supportsFeature("jspi"));
    const script = `${root}wasm/litert_wasm_threaded_internal.js`;
    // A worker has no "current script" from which LiteRT.js could tell where its files are.
    self.Module = {
      locateFile: (name) => `${root}wasm/${name}`,
      mainScriptUrlOrBlob: threads > 1 ? script : undefined,
      // LiteRT.js reports its steps as errors.
      printErr: (text) => /^(INFO|WARNING|I\d+ )/.test(text) || console.error(text),
    };
    await litert.loadLiteRt(`${root}wasm/`, { threads: threads > 1, jspi });
    if (accelerator === "webgpu" && !litert.getWebGpuDevice()) {
      throw new Error("This browser does not offer WebGPU: choose the processor.");
    }
    return {};
  },

  /**
   * Loads a model and tries it: { url, sha256, bytes, name, size, geometry, classes, golden }. Tells whether the graphics
   * processor runs all of it, and which addresses have to be kept for use without a network.
   */
  async load(wanted) {
    const content = await download(wanted);
    unload();
    ({ size, geometry } = wanted);
    try {
      model = await litert.loadAndCompile(content, { accelerator, cpuOptions: { numThreads: threads } });
    } catch (error) {
      throw new Error(`LiteRT.js cannot run ${wanted.name}: ${error.message ?? error}`);
    }
    try {
      await tryOut(wanted);
    } catch (error) {
      unload();
      throw error;
    }
    // Of LiteRT.js, what this browser took of its variants.
    const fetched = self.performance.getEntriesByType("resource").map((entry) => entry.name);
    const needed = [wanted.url, ...fetched.filter((address) => address.includes("/litert-"))];
    return { accelerated: accelerator === "webgpu" && model.isFullyAccelerated, needed };
  },

  /** Scores an image: { bitmap, force }. Not one that is too dark or too blurred, unless forced. */
  async classify({ bitmap, force }) {
    const begin = performance.now();
    const input = modules.modelInput(bitmap, size, geometry);
    const part = modules.filledPart(bitmap, size, geometry);
    bitmap.close();
    const quality = modules.measureQuality(input, size, part);
    const prepareMs = performance.now() - begin;
    if (quality.problem && !force) return { quality, input, part, probabilities: null, prepareMs, runMs: 0 };
    return { quality, input, part, prepareMs, ...(await run(input)) };
  },

  /** Scores a model's input: { input }, a Float32Array. */
  run: ({ input }) => run(input),
};

function unload() {
  model?.delete();
  model = null;
}

/** The first run, which is slow: of an image whose answer is known, where the json has it. */
async function tryOut({ name, classes, golden }) {
  const shape = Array.from(model.getInputDetails()[0].shape).join();
  if (shape !== [1, size, size, 3].join()) {
    throw new Error(`${name} takes input of shape ${shape}, which is not what its json says.`);
  }
  const answer = modules.goldenAnswer(golden);
  const { probabilities } = await run(answer ? modules.goldenImage(answer.image, size) : new Float32Array(size * size * 3));
  if (probabilities.length !== classes) {
    throw new Error(`${name} has ${probabilities.length} outputs, but its json names ${classes} classes.`);
  }
  if (answer) modules.refuseUnlessGolden(answer, probabilities, name);
}

async function run(input) {
  if (!model) throw new Error("No model is loaded.");
  const begin = performance.now();
  const tensor = new litert.Tensor(input, [1, size, size, 3]);
  let outputs = [];
  try {
    outputs = await model.run([tensor]);
    if (accelerator === "webgpu") outputs[0] = await outputs[0].moveTo("wasm");
    // The array is a window on memory that goes with the tensor.
    const probabilities = Array.from(outputs[0].toTypedArray());
    modules.refuseUnlessProbabilities(probabilities);
    return { probabilities, runMs: performance.now() - begin };
  } finally {
    // WebAssembly's memory knows no garbage collector.
    tensor.delete();
    for (const output of outputs) output.delete();
  }
}

async function download({ url, sha256, bytes, name }) {
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Error(`${name} cannot be reached: check that the server is running, or go online once to keep it.`);
  }
  if (!response.ok) throw new Error(`${name} is not on the server (status ${response.status}).`);
  const content = new Uint8Array(bytes);
  const reader = response.body.getReader();
  let received = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (received + part.value.length > bytes) {
      received = Infinity;
      break;
    }
    content.set(part.value, received);
    received += part.value.length;
    self.postMessage({ progress: received / bytes });
  }
  if (received !== bytes || !(await hasDigest(content, sha256))) {
    throw new Error(`${name} is not the file that its json describes: build the page again.`);
  }
  await keepForOffline(url, content);
  return content;
}

/** Here and not in the service worker, so that only what has the right digest is kept. */
async function keepForOffline(url, content) {
  try {
    const cache = await self.caches?.open("large");
    if (cache && !(await cache.match(url))) await cache.put(url, new Response(content));
  } catch {
    // A private window or a full disk: the model runs all the same, and the page does not claim that it is kept.
  }
}

async function hasDigest(content, sha256) {
  if (!self.crypto.subtle) return true; // plain http from another machine; the length was right
  const digest = new Uint8Array(await self.crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

// One after the other: WebAssembly's memory holds one run at a time.
let queue = Promise.resolve();
self.onmessage = ({ data: { id, command, ...options } }) => {
  queue = queue.then(async () => {
    try {
      self.postMessage({ id, result: await commands[command](options) });
    } catch (error) {
      self.postMessage({ id, error: String(error?.message ?? error) });
    }
  });
};
