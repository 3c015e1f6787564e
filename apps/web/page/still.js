// An image that stands still: a frozen frame of the camera, or a file.

import { clearAnswer, showAnswer, showLatency, showProblem } from "./answer_view.js";
import { byId, moveFocus } from "./dom.js";
import { openImage } from "./image_file.js";
import { announce, hideError } from "./messages.js";
import { framing, shownPlace } from "./preprocess.js";
import { offerSaving } from "./saving.js";
import { answers, model, viewer, views } from "./state.js";
import { emptyViewer, showViewer } from "./viewer.js";
import { words } from "./wording.js";

/** Shows and scores the camera's current frame. */
export async function freeze() {
  try {
    await showStill(await createImageBitmap(byId("video")), "camera", null);
  } finally {
    moveFocus("freeze", "save", "force", "camera");
  }
}

/** Shows and scores a file. */
export async function openFile(file) {
  if (!file) return;
  if (!model.contract) throw new Error("The page is not ready for images yet: try again in a moment.");
  hideError();
  const inView = views.current();
  const bitmap = await openImage(file);
  if (!inView()) return bitmap.close(); // something else was chosen meanwhile
  await showStill(bitmap, file.name, file);
}

async function showStill(bitmap, source, file) {
  emptyViewer();
  viewer.still = { bitmap, source, file, answer: null };
  showViewer("still");
  drawStill();
  byId("still").setAttribute("aria-label", source === "camera" ? "The frozen image" : `The image ${source}`);
  await scoreStill();
}

/** Draws what the model takes of the image, in the image's own shape. */
export function drawStill() {
  const canvas = byId("still");
  const { bitmap } = viewer.still;
  const { geometry } = model.contract;
  const place = shownPlace(bitmap, geometry);
  const frame = framing(bitmap, geometry);
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  const [x, y] = [place.left * canvas.width, place.top * canvas.height];
  const [width, height] = [place.width * canvas.width, place.height * canvas.height];
  context.fillStyle = "white"; // under what is transparent
  context.fillRect(x, y, width, height);
  context.drawImage(
    bitmap,
    Math.max(0, -frame.left),
    Math.max(0, -frame.top),
    Math.min(bitmap.width, frame.width),
    Math.min(bitmap.height, frame.height),
    x,
    y,
    width,
    height,
  );
}

/** Scores the image again even though it is unfit. */
export async function scoreAnyway() {
  try {
    await scoreStill(true);
  } finally {
    moveFocus("force", "save", "camera");
  }
}

export async function scoreStill(force = false) {
  if (!model.ready) return;
  const current = answers.next();
  clearAnswer("Scoring", "");
  let answer;
  try {
    answer = await model.engine.classify(await createImageBitmap(viewer.still.bitmap), force);
  } catch (error) {
    if (!current()) return;
    clearAnswer();
    throw error;
  }
  if (!current()) return;
  viewer.still.answer = answer;
  showLatency(answer);
  if (!answer.probabilities) {
    const { problem } = answer.quality;
    clearAnswer(words(problem), words("unfit"));
    showProblem(problem);
    byId("force").hidden = false;
    announce(words(problem));
    return;
  }
  byId("save").hidden = byId("heatmap").hidden = false;
  offerSaving();
  const { verdict, explanation } = showAnswer(answer.probabilities);
  announce(`${verdict}. ${explanation}`);
}
