// Saves the still image with its score.

import { byId } from "./dom.js";
import { announce } from "./messages.js";
import { drawOn, framing } from "./preprocess.js";
import { save } from "./saved_images.js";
import { showSaved } from "./saved_view.js";
import { answers, model, viewer } from "./state.js";
import { briefWording, operatingPoints } from "./wording.js";

/** The answer that is shown is not saved yet. */
export function offerSaving() {
  byId("save").disabled = false;
  byId("save").textContent = "Save";
}

export async function saveStill() {
  const button = byId("save");
  button.disabled = true;
  const current = answers.current();
  // All of this moment: another image or model may be chosen while the images are written.
  const { file, source, bitmap, answer } = viewer.still;
  const { contract, kind, point } = model;
  const { size, geometry, classes, positive } = contract;
  const entry = {
    time: new Date(),
    source,
    file: contract.entry(kind).name,
    classes,
    titles: classes.map((name) => contract.title(name)),
    positive,
    probabilities: answer.probabilities,
    said: briefWording(contract, kind, answer.probabilities, point),
    line: point === null ? null : operatingPoints(contract, kind).find((each) => each.point === point).title,
  };
  try {
    const [picture, seen] = await Promise.all([file ?? framePng(bitmap, geometry), inputPng(answer.input, size)]);
    await save({ ...entry, picture, seen });
  } catch (error) {
    if (current()) button.disabled = false; // there may be room after something is deleted
    throw error;
  }
  if (current() && point === model.point) button.textContent = "Saved";
  await showSaved();
  announce("The image is saved.");
}

/** What the model takes of a frame, without loss, so that the file gets the same score anywhere else. */
function framePng(bitmap, geometry) {
  const frame = framing(bitmap, geometry);
  const canvas = new OffscreenCanvas(frame.width, frame.height);
  drawOn(canvas.getContext("2d"), bitmap, frame);
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
