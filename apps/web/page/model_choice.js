// The lists to choose a model, one of its files, where its line is, and a processor from; the choice is remembered for
// the next visit.

import { defaultChoice } from "./contract.js";
import { byId, option, select } from "./dom.js";
import { operatingPoints } from "./wording.js";

const CHOICE = "skinkeras-choice"; // in localStorage
const MOST_THREADS = 4;
const OWN_LINE = ""; // in the list of operating points
const LISTS = ["model", "kind", "point", "backend"];

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
  fillPoints(models);
  select(byId("point"), stored.point);
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

/** Lists the operating points of the chosen file; the chosen one stays, if this file offers it too. */
export function fillPoints(models) {
  const list = byId("point"), before = list.value;
  const points = operatingPoints(chosenModel(models), byId("kind").value);
  list.replaceChildren(...points.map(({ point, title }) => option(point ?? OWN_LINE, title)));
  select(list, before);
  byId("point-label").hidden = points.length < 2;
}

/** { contract, kind, point, backend } as chosen; `point` null is the model's own line. */
export function choice(models) {
  const [kind, point, backend] = ["kind", "point", "backend"].map((id) => byId(id).value);
  return { contract: chosenModel(models), kind, point: point === OWN_LINE ? null : point, backend };
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

export function storeChoice({ contract, kind, point, backend }) {
  try {
    localStorage.setItem(CHOICE, JSON.stringify({ model: contract.name, kind, point, backend }));
  } catch {
    // The next visit begins with the default choice.
  }
}
