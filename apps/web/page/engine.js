// The page's side of worker.js: promises in place of messages.

export class EngineError extends Error {}

export class Engine {
  #worker;
  #waiting = new Map();
  #last = 0;
  #progress = () => {};

  /**
   * @param {string} folder of LiteRT.js
   * @param {"wasm" | "webgpu"} backend
   * @param {number} threads more than one needs a page that is cross-origin isolated
   */
  static async start(folder, backend, threads) {
    const engine = new Engine();
    try {
      await engine.#ask("start", { folder, backend, threads });
    } catch (error) {
      engine.stop();
      throw error;
    }
    return engine;
  }

  constructor() {
    this.#worker = new Worker("worker.js");
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault?.();
      this.#fail(`LiteRT.js stopped: ${event.message || "it could not be loaded"}. Reload the page.`);
    };
  }

  /** Loads a model; `entry` is of `Contract.entry`, `progress` is told the share that has arrived. */
  load(entry, progress = () => {}) {
    this.#progress = progress;
    return this.#ask("load", entry);
  }

  /** Scores a bitmap, which is used up. */
  classify(bitmap, force = false) {
    return this.#ask("classify", { bitmap, force }, [bitmap]);
  }

  /** Scores a model's input; the array stays as it is. */
  run(input) {
    return this.#ask("run", { input });
  }

  stop() {
    this.#worker.terminate();
    this.#fail("Stopped.");
  }

  #ask(command, options, transfer = []) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, command, ...options }, transfer);
    });
  }

  #receive({ id, result, error, progress }) {
    if (progress !== undefined) return this.#progress(progress);
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new EngineError(error));
    else resolve(result);
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new EngineError(message));
    this.#waiting.clear();
  }
}
