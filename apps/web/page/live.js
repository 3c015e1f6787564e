// The live camera: frame after frame is scored.

import { clearAnswer, showAnswer, showLatency, showProblem } from "./answer_view.js";
import { closeCamera, deviceOf, listCameras, openCamera } from "./camera.js";
import { byId, option } from "./dom.js";
import { announce, hideError, showError } from "./messages.js";
import { answers, model, views } from "./state.js";
import { emptyViewer, showViewer } from "./viewer.js";
import { words } from "./wording.js";

const SMOOTHING = 0.35; // weight of the newest frame
const RATE_SMOOTHING = 0.1;

/** Shows the camera, the back camera unless `deviceId` names one, and scores it. */
export async function startCamera(deviceId) {
  hideError();
  emptyViewer();
  const inView = views.current();
  const video = byId("video");
  byId("camera").disabled = true;
  try {
    await openCamera(video, deviceId, () => {
      emptyViewer();
      showError(new Error("The camera stopped: start it again, or choose an image."));
    });
  } finally {
    byId("camera").disabled = false;
  }
  if (!inView()) return closeCamera(video); // an image was chosen meanwhile
  showViewer("live");
  byId("freeze").focus();
  const cameras = await listCameras();
  byId("cameras").replaceChildren(...cameras.map(({ id, label }) => option(id, label)));
  byId("cameras").value = deviceOf(video) ?? "";
  byId("cameras-label").hidden = cameras.length < 2;
  await watch();
}

/** Scores frame after frame until something else is in view. */
export async function watch() {
  const current = answers.next();
  let smoothed = null;
  let last = performance.now();
  let rate = 0;
  while (current() && model.ready) {
    let answer;
    try {
      answer = await model.engine.classify(await createImageBitmap(byId("video")));
    } catch (error) {
      if (!current()) return; // the camera or the back end was stopped
      throw error;
    }
    if (!current()) return;
    smoothed = showFrame(answer, smoothed);
    const now = performance.now();
    rate += (rate ? RATE_SMOOTHING : 1) * (1000 / (now - last) - rate);
    last = now;
    showLatency(answer, smoothed ? rate : 0);
    await new Promise(requestAnimationFrame); // none while the page is hidden
  }
}

/** Shows the answer to a frame; returns the moving average, which begins anew after a frame that is unfit. */
function showFrame({ quality, probabilities }, average) {
  const { problem } = quality;
  if (problem) {
    clearAnswer(words(problem), words("unfit"));
    showProblem(problem);
    announce(words(problem), true);
    return null;
  }
  const smoothed = probabilities.map((p, i) => (average ? average[i] + SMOOTHING * (p - average[i]) : p));
  const { verdict } = showAnswer(smoothed);
  // In the image, too: on a phone the bars may be out of sight.
  showProblem(null, verdict);
  announce(verdict, true);
  return smoothed;
}
