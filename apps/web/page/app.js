// The page: what is shown when, and what each button does.

import { PROBLEMS, element, showBars, wording } from "./answer_view.js";
import { closeCamera, deviceOf, listCameras, openCamera } from "./camera.js";
import { defaultChoice, percent, readContracts } from "./contract.js";
import { Engine } from "./engine.js";
import { drawMap, isFaint, occlusionMap } from "./heatmap.js";
import { areKept, keepForOffline } from "./offline.js";
import { openPicture } from "./picture_file.js";
import { keep } from "./sheet.js";
import { sheetView } from "./sheet_view.js";

const SMOOTHING = 0.35; // weight of the newest frame
const ANNOUNCE_MS = 3000; // a screen reader needs time to speak
const CHOICE = "skinkeras-choice"; // in localStorage
const MOST_THREADS = 4;

const byId = (id) => document.getElementById(id);
const video = byId("video");

let folder; // of LiteRT.js
let models = [];
let contract = null; // of the chosen model
let kind = null; // of its files
let engine = null;
let engineKey = "";
let ready = false; // a model is loaded
let still = null; // { bitmap, source, file, answer } of a picture that stands still
let looked = 0; // counts what is looked at: a camera or picture that arrives for an earlier one is dropped
let session = 0; // counts what is worked out about it: an answer that arrives for an earlier one is void
let mapping = false;

const showSheet = sheetView(byId, fail);

// Messages

function fail(error) {
  byId("error-text").textContent = error.message ?? String(error);
  byId("error").hidden = false;
}

const guarded = (action) => (event) => action(event).catch(fail);

/** Hands the focus on where a button hid itself: else a keyboard begins anew at the top of the page. */
function moveFocus(from, ...candidates) {
  if (![byId(from), document.body].includes(document.activeElement) || !byId(from).hidden) return;
  candidates.map(byId).find((each) => !each.hidden && !each.disabled)?.focus();
}

let announced = { text: "", at: 0 };
function announce(text, patient = false) {
  const now = performance.now();
  if (patient && (text === announced.text || now - announced.at < ANNOUNCE_MS)) return;
  announced = { text, at: now };
  byId("announcer").textContent = text;
}

// The model

async function fillPickers() {
  byId("model").replaceChildren(...models.map((model) => option(model.name, model.label)));
  const backends = [];
  const threads = Math.min(MOST_THREADS, navigator.hardwareConcurrency ?? 1);
  const { supportsFeature } = await import(`./${folder}/core.js`);
  // Shared memory takes a page that is cross-origin isolated; LiteRT.js has threads with relaxed SIMD only.
  if (threads > 1 && (await supportsFeature("threads")) && (await supportsFeature("relaxedSimd"))) {
    backends.push(option(`wasm ${threads}`, `Processor, ${threads} threads`));
  }
  backends.push(option("wasm 1", "Processor, 1 thread"));
  if (navigator.gpu) backends.push(option("webgpu 1", "Graphics processor (WebGPU)"));
  byId("backend").replaceChildren(...backends);
}

function fillKinds() {
  const model = models.find((each) => each.name === byId("model").value);
  byId("kind").replaceChildren(...model.kinds.map((each) => option(each, model.describe(each))));
}

function option(value, text) {
  const result = element("option", "", text);
  result.value = value;
  return result;
}

function restoreChoice() {
  const first = defaultChoice(models);
  const stored = storedChoice();
  byId("model").value = first.model.name;
  select(byId("model"), stored.model);
  fillKinds();
  select(byId("kind"), byId("model").value === stored.model ? stored.kind : first.kind);
  select(byId("backend"), stored.backend);
}

/** What was chosen at the last visit; nothing where the browser keeps nothing, or what it kept is spoilt. */
function storedChoice() {
  try {
    return JSON.parse(localStorage.getItem(CHOICE)) ?? {};
  } catch {
    return {};
  }
}

function storeChoice(choice) {
  try {
    localStorage.setItem(CHOICE, JSON.stringify(choice));
  } catch {
    // The next visit begins with the default choice.
  }
}

function select(list, value) {
  if ([...list.options].some((each) => each.value === value)) list.value = value;
}

/** Resolves with the addresses that use without a network takes; none where nothing could be loaded. */
async function loadModel() {
  const [backend, threads] = byId("backend").value.split(" ");
  contract = models.find((model) => model.name === byId("model").value);
  kind = byId("kind").value;
  ready = false;
  session++;
  byId("error").hidden = true;
  setPickers(false);
  showContract();
  let needed = [];
  try {
    status("Loading");
    if (engineKey !== byId("backend").value) {
      engine?.stop();
      engineKey = "";
      engine = await Engine.start(folder, backend, Number(threads));
      engineKey = byId("backend").value;
    }
    const loaded = await engine.load(contract.entry(kind), (share) => (byId("loading").value = share));
    ready = true;
    needed = loaded.needed;
    status(backend === "webgpu" && !loaded.accelerated ? "Ready, in part on the processor" : "Ready");
    storeChoice({ model: contract.name, kind, backend: engineKey });
  } catch (error) {
    status("No model is loaded");
    fail(error);
  } finally {
    setPickers(true);
  }
  if (still) scoreStill().catch(fail);
  else if (byId("viewer").dataset.state === "live") watch().catch(fail);
  return needed;
}

function setPickers(enabled) {
  for (const id of ["model", "kind", "backend"]) byId(id).disabled = !enabled;
  byId("loading").hidden = enabled;
  byId("loading").value = 0;
}

function status(text) {
  byId("status").textContent = text;
}

function showContract() {
  byId("synthetic").hidden = !contract.synthetic;
  byId("limits").textContent = `${sentence(contract.task)} ${contract.limits(kind)}`;
  byId("card").href = `models/${contract.name}.card.md`;
  byId("latency").textContent = "";
  clearAnswer();
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}

// Answers

/** Takes everything away that an earlier answer has left, in the picture and beside it. */
function clearAnswer(verdict = "Nothing scored yet", explanation = null) {
  byId("verdict").textContent = verdict;
  byId("explanation").textContent = explanation ??
    "The bars show the probabilities that the model gives. They are not calibrated: do not read them as the chance of a disease.";
  showBars(byId("bars"), contract, null);
  byId("force").hidden = byId("save").hidden = byId("heatmap").hidden = true;
  hideMap();
  showProblem(null);
}

function showAnswer(probabilities) {
  const { verdict, explanation } = wording(contract, kind, probabilities);
  byId("verdict").textContent = verdict;
  byId("explanation").textContent = explanation;
  showBars(byId("bars"), contract, probabilities);
  return `${verdict}. ${explanation}`;
}

/** Says in the picture what is wrong with it, or else `text`. */
function showProblem(problem, text = "") {
  byId("gate").textContent = problem ? PROBLEMS[problem] : text;
  byId("gate").hidden = !byId("gate").textContent;
  byId("viewer").classList.toggle("unfit", Boolean(problem));
}

function showLatency({ prepareMs, runMs }, framesPerSecond) {
  const rate = framesPerSecond ? `, ${framesPerSecond.toFixed(0)} pictures a second` : "";
  byId("latency").textContent = `Picture ${prepareMs.toFixed(0)} ms, model ${runMs.toFixed(0)} ms${rate}`;
}

function show(state) {
  byId("viewer").dataset.state = state;
  const live = state === "live";
  byId("camera").hidden = live;
  byId("freeze").hidden = byId("stop").hidden = !live;
  byId("cameras-label").hidden = true;
  byId("mode").textContent = { empty: "", live: "Live", still: "Still" }[state];
}

// The live camera

async function startCamera(deviceId) {
  byId("error").hidden = true;
  stopLooking();
  const mine = looked;
  byId("camera").disabled = true;
  try {
    await openCamera(video, deviceId, () => {
      stopLooking();
      fail(new Error("The camera stopped: start it again, or choose a picture."));
    });
  } finally {
    byId("camera").disabled = false;
  }
  if (mine !== looked) return closeCamera(video); // a picture was chosen meanwhile
  show("live");
  byId("freeze").focus();
  const cameras = await listCameras();
  byId("cameras").replaceChildren(...cameras.map(({ id, label }) => option(id, label)));
  byId("cameras").value = deviceOf(video) ?? "";
  byId("cameras-label").hidden = cameras.length < 2;
  await watch();
}

/** Scores frame after frame until something else is looked at. */
async function watch() {
  const mine = ++session;
  let smoothed = null;
  let last = performance.now();
  let rate = 0;
  while (mine === session && ready) {
    let answer;
    try {
      answer = await engine.classify(await createImageBitmap(video));
    } catch (error) {
      if (mine !== session) return; // the camera or the back end was stopped
      throw error;
    }
    if (mine !== session) return;
    const { problem } = answer.quality;
    if (problem) {
      smoothed = null;
      clearAnswer(PROBLEMS[problem], "A guess from such a picture would mean nothing.");
      showProblem(problem);
      announce(PROBLEMS[problem], true);
    } else {
      smoothed = answer.probabilities.map((p, i) => (smoothed ? smoothed[i] + SMOOTHING * (p - smoothed[i]) : p));
      showAnswer(smoothed);
      // In the picture, too: on a phone the bars may be out of sight.
      showProblem(null, byId("verdict").textContent);
      announce(byId("verdict").textContent, true);
    }
    const now = performance.now();
    rate += (rate ? 0.1 : 1) * (1000 / (now - last) - rate);
    last = now;
    showLatency(answer, problem ? 0 : rate);
    await new Promise(requestAnimationFrame); // none while the page is hidden
  }
}

/** Stops the camera and forgets the picture. */
function stopLooking() {
  looked++;
  session++;
  closeCamera(video);
  still?.bitmap.close();
  still = null;
  show("empty");
  clearAnswer();
}

// A picture that stands still

async function freeze() {
  try {
    await showStill(await createImageBitmap(video), "camera", null);
  } finally {
    moveFocus("freeze", "save", "force", "camera");
  }
}

async function openFile(file) {
  if (!file) return;
  if (!contract) throw new Error("The page is not ready for pictures yet: try again in a moment.");
  byId("error").hidden = true;
  const mine = looked;
  const bitmap = await openPicture(file);
  if (mine !== looked) return bitmap.close(); // something else was chosen meanwhile
  await showStill(bitmap, file.name, file);
}

async function showStill(bitmap, source, file) {
  stopLooking();
  still = { bitmap, source, file, answer: null };
  show("still");
  const canvas = byId("still");
  const [left, top, side] = square(bitmap);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, left, top, side, side, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", source === "camera" ? "The frozen picture" : `The picture ${source}`);
  await scoreStill();
}

async function scoreStill(force = false) {
  if (!ready) return;
  const mine = ++session;
  clearAnswer("Scoring", "");
  let answer;
  try {
    answer = await engine.classify(await createImageBitmap(still.bitmap), force);
  } catch (error) {
    if (mine !== session) return;
    clearAnswer();
    throw error;
  }
  if (mine !== session) return;
  still.answer = answer;
  showLatency(answer);
  if (!answer.probabilities) {
    const problem = PROBLEMS[answer.quality.problem];
    clearAnswer(problem, "A guess from such a picture would mean little.");
    showProblem(answer.quality.problem);
    byId("force").hidden = false;
    announce(problem);
    return;
  }
  byId("save").hidden = byId("heatmap").hidden = false;
  byId("save").disabled = false;
  byId("save").textContent = "Keep on my sheet";
  announce(showAnswer(answer.probabilities));
}

function square(bitmap) {
  const side = Math.min(bitmap.width, bitmap.height);
  return [Math.floor((bitmap.width - side) / 2), Math.floor((bitmap.height - side) / 2), side];
}

async function save() {
  const button = byId("save");
  button.disabled = true;
  const mine = session;
  // All that is kept is of this moment: another picture or model may be chosen while the pictures are written.
  const { file, source, bitmap, answer } = still;
  const { size, classes, positive } = contract;
  const entry = {
    time: new Date(),
    source,
    file: contract.entry(kind).name,
    classes,
    titles: classes.map((name) => contract.title(name)),
    positive,
    probabilities: answer.probabilities,
  };
  try {
    const [picture, seen] = await Promise.all([file ?? squarePng(bitmap), inputPng(answer.input, size)]);
    await keep({ ...entry, picture, seen });
  } catch (error) {
    if (mine === session) button.disabled = false; // there may be room after something is deleted
    throw error;
  }
  if (mine === session) button.textContent = "Kept";
  await showSheet();
  announce("Kept on the sheet.");
}

/** Without loss, so that the file gets the same score anywhere else. */
function squarePng(bitmap) {
  const [left, top, side] = square(bitmap);
  const canvas = new OffscreenCanvas(side, side);
  canvas.getContext("2d").drawImage(bitmap, -left, -top);
  return canvas.convertToBlob({ type: "image/png" });
}

function inputPng(input, size) {
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i++) {
    image.data.set([input[3 * i], input[3 * i + 1], input[3 * i + 2], 255], 4 * i);
  }
  const canvas = new OffscreenCanvas(size, size);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

// The heat map

async function toggleMap() {
  if (mapping) return void (mapping = false);
  if (!byId("heat").hidden) return hideMap();
  const mine = session;
  const { input, probabilities } = still.answer;
  const target = contract.positive === null
    ? probabilities.indexOf(Math.max(...probabilities))
    : contract.classes.indexOf(contract.positive);
  const progress = (share) => {
    if (!mapping || mine !== session) return false;
    byId("legend").textContent = `Covering one part after the other: ${percent(share, 0)}`;
    return true;
  };
  mapping = true;
  progress(0);
  byId("legend").hidden = false;
  byId("heatmap").textContent = "Stop the heat map";
  try {
    const map = await occlusionMap(engine, input, contract.size, target, probabilities[target], progress);
    if (mine !== session) return;
    if (map === null) return hideMap();
    drawMap(byId("heat"), map);
    byId("heat").hidden = false;
    byId("heatmap").textContent = "Hide the heat map";
    byId("heatmap").setAttribute("aria-pressed", "true");
    byId("legend").textContent = mapWords(map, contract.title(contract.classes[target]));
    announce(byId("legend").textContent);
  } catch (error) {
    if (mine !== session) return; // another model or back end was chosen
    hideMap();
    throw error;
  } finally {
    if (mine === session) mapping = false;
  }
}

function mapWords(map, title) {
  if (isFaint(map)) return `No part matters alone: covering any changes ${title} by less than 2 points.`;
  const points = (100 * map.most).toFixed(0);
  return `What ${title} depends on: covering an orange part lowers it, a blue part raises it, by up to ` +
    `${points} points. It shows what the model uses, not where a disease is.`;
}

/** Hides the heat map; one that is not finished stops. */
function hideMap() {
  mapping = false;
  byId("heat").hidden = byId("legend").hidden = true;
  byId("heatmap").textContent = "Heat map";
  byId("heatmap").setAttribute("aria-pressed", "false");
}

// What the buttons do

byId("camera").onclick = guarded(() => startCamera());
byId("cameras").onchange = guarded(() => startCamera(byId("cameras").value));
byId("freeze").onclick = guarded(freeze);
byId("stop").onclick = () => {
  stopLooking();
  byId("camera").focus();
};
byId("choose").onclick = () => byId("file").click();
byId("file").onchange = guarded(async () => {
  const [file] = byId("file").files;
  byId("file").value = ""; // the same file again is a change, too
  await openFile(file);
});
byId("force").onclick = guarded(async () => {
  try {
    await scoreStill(true);
  } finally {
    moveFocus("force", "save", "camera");
  }
});
byId("heatmap").onclick = guarded(toggleMap);
byId("save").onclick = guarded(save);
byId("model").onchange = guarded(() => {
  fillKinds();
  return loadModel();
});
byId("kind").onchange = byId("backend").onchange = guarded(loadModel);
byId("error-close").onclick = () => (byId("error").hidden = true);

document.ondragover = (event) => {
  event.preventDefault();
  byId("viewer").classList.add("dropping");
};
document.ondragleave = (event) => {
  if (!event.relatedTarget) byId("viewer").classList.remove("dropping");
};
document.ondrop = guarded(async (event) => {
  event.preventDefault();
  byId("viewer").classList.remove("dropping");
  await openFile(event.dataTransfer.files[0]);
});
document.onpaste = guarded((event) => openFile(event.clipboardData.files[0]));

window.onbeforeinstallprompt = (prompt) => {
  prompt.preventDefault();
  byId("install").hidden = false;
  byId("install").onclick = guarded(async () => {
    await prompt.prompt();
    byId("install").hidden = true;
  });
};

async function begin() {
  const offline = await keepForOffline(() => {
    byId("offline").textContent = "A new version of this page is here: reload it.";
  });
  const found = await readContracts();
  ({ folder, models } = found);
  if (models.length === 0) throw new Error("The page was built without a model that it can run.");
  await fillPickers();
  restoreChoice();
  const loading = loadModel();
  byId("camera").disabled = byId("choose").disabled = false; // the contract is there; scores follow the model
  const needed = await loading;
  if (found.problems.length > 0) fail(found.problems.join(" "));
  if (offline && needed.length > 0 && (await areKept(needed))) {
    byId("offline").textContent += " It works offline now.";
  }
}

showSheet().catch(fail);
begin().catch((error) => {
  status("Not started");
  byId("loading").hidden = true;
  fail(error);
});
