// Loads the chosen model into an engine, and says what kind of model it is.

import { clearAnswer } from "./answer_view.js";
import { byId } from "./dom.js";
import { Engine } from "./engine.js";
import { hideError, showError, showStatus } from "./messages.js";
import { choice, enableChoice, fillPoints, storeChoice } from "./model_choice.js";
import { answers, model } from "./state.js";
import { limits } from "./wording.js";

let runningOn = ""; // the back end of model.engine; none where it could not be started

/**
 * Loads the chosen one of `models`; `folder` is that of LiteRT.js. Resolves with the addresses that use without a
 * network takes; none where nothing could be loaded.
 */
export async function loadModel(models, folder) {
  fillPoints(models);
  const chosen = choice(models);
  const { contract, kind, point, backend } = chosen;
  Object.assign(model, { contract, kind, point, ready: false });
  answers.next();
  hideError();
  setLoading(true);
  showModel();
  try {
    showStatus("Loading");
    await startEngine(folder, backend);
    const loaded = await model.engine.load(contract.entry(kind), (share) => (byId("loading").value = share));
    model.ready = true;
    showStatus(isWebGpu(backend) && !loaded.accelerated ? "Ready, partly on the processor" : "Ready");
    storeChoice(chosen);
    return loaded.needed;
  } catch (error) {
    showStatus("No model is loaded");
    showError(error);
    return [];
  } finally {
    setLoading(false);
  }
}

/** Moves the line of the model to the chosen operating point; the model need not run again. */
export function moveLine(models) {
  const chosen = choice(models);
  model.point = chosen.point;
  showLimits();
  if (model.ready) storeChoice(chosen);
}

/** Starts an engine on another back end than the last one's. */
async function startEngine(folder, backend) {
  if (runningOn === backend) return;
  model.engine?.stop();
  runningOn = "";
  const [name, threads] = backend.split(" ");
  model.engine = await Engine.start(folder, name, Number(threads));
  runningOn = backend;
}

function isWebGpu(backend) {
  return backend.startsWith("webgpu");
}

function setLoading(loading) {
  enableChoice(!loading);
  byId("loading").hidden = !loading;
  byId("loading").value = 0;
}

function showModel() {
  const { contract } = model;
  byId("synthetic").hidden = !contract.synthetic;
  showLimits();
  byId("card").href = `models/${contract.name}.card.md`;
  byId("latency").textContent = "";
  clearAnswer();
}

function showLimits() {
  const { contract, kind, point } = model;
  byId("limits").textContent = `${sentence(contract.task)} ${limits(contract, kind, point)}`;
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
