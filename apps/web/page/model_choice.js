// The lists to choose a model, one of its files and a processor from; the choice is remembered for the next visit.

import { defaultChoice } from "./contract.js";
import { byId, option, select } from "./dom.js";

const CHOICE = "skinkeras-choice"; // in localStorage
const MOST_THREADS = 4;
const LISTS = ["model", "kind", "backend"];

/** Fills the lists and chooses what was chosen at the last visit; `folder` is that of LiteRT.js. */
export async function fillChoice(models, folder) {
  byId("model").replaceChildren(...models.map((model) => option(model.name, model.label)));
  byId("backend").replaceChildren(...(await backends(folder)));
  const first = defaultChoice(models);
  const stored = storedChoice();
  byId("model").value = first.model.name;
  select(byId("model"), stored.model);
  fillKinds(models);
  select(byId("kind"), byId("model").value === stored.model ? stored.kind : first.kind);
  select(byId("backend"), stored.backend);
}

async function backends(folder) {
  const threads = Math.min(MOST_THREADS, navigator.hardwareConcurrency ?? 1);
  const { supportsFeature } = await import(`./${folder}/core.js`);
  const result = [];
  // Shared memory takes a page that is cross-origin isolated; LiteRT.js has threads with relaxed SIMD only.
  if (threads > 1 && (await supportsFeature("threads")) && (await supportsFeature("relaxedSimd"))) {
    result.push(option(`wasm ${threads}`, `Processor, ${threads} threads`));
  }
  result.push(option("wasm 1", "Processor, 1 thread"));
  if (navigator.gpu) result.push(option("webgpu 1", "Graphics processor (WebGPU)"));
  return result;
}

/** Lists the files of the chosen model. */
export function fillKinds(models) {
  const model = chosenModel(models);
  byId("kind").replaceChildren(...model.kinds.map((kind) => option(kind, model.describe(kind))));
}

/** { contract, kind, backend } as chosen. */
export function choice(models) {
  return { contract: chosenModel(models), kind: byId("kind").value, backend: byId("backend").value };
}

function chosenModel(models) {
  return models.find((model) => model.name === byId("model").value);
}

export function enableChoice(enabled) {
  for (const id of LISTS) byId(id).disabled = !enabled;
}

/** What was chosen at the last visit; nothing where the browser keeps nothing, or what it kept is spoilt. */
function storedChoice() {
  try {
    return JSON.parse(localStorage.getItem(CHOICE)) ?? {};
  } catch {
    return {};
  }
}

export function storeChoice({ contract, kind, backend }) {
  try {
    localStorage.setItem(CHOICE, JSON.stringify({ model: contract.name, kind, backend }));
  } catch {
    // The next visit begins with the default choice.
  }
}
