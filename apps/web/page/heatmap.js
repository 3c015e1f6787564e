// Occlusion: cover one part of the image after another and see how far the score falls (Zeiler & Fergus
// 2014, "Visualizing and Understanding Convolutional Networks", section 4.2).

import { wholeInput } from "./preprocess.js";

const PLACES = 11; // along each side
const PATCH = 1 / 5; // of each side
const CELLS = 44; // of the map, along each side: of the image, not of what it is padded with
const FAINT = 0.02; // a map whose every value is below this shows noise
const FULL = 0.1; // the least change of the score that gets full colour: less must not look like much

/**
 * @param {Engine} engine
 * @param {Float32Array} input the model's, size * size * 3
 * @param {number} size
 * @param {number} target index of the class
 * @param {number} score its probability, nothing covered
 * @param {(share: number) => boolean} progress told the share that is done; false stops
 * @param {{left: number, top: number, right: number, bottom: number}} part of the input that shows the image
 * @returns {Promise<{values: Float32Array, most: number} | null>} CELLS * CELLS, how far the score falls when
 *   a cell is covered, and the largest magnitude of them; null when stopped
 */
export async function occlusionMap(engine, input, size, target, score, progress, part = wholeInput(size)) {
  const sums = new Float32Array(CELLS * CELLS);
  const weights = new Float32Array(CELLS * CELLS);
  const [width, height] = [part.right - part.left, part.bottom - part.top];
  const cover = meanColour(input, size, part);
  for (let place = 0; place < PLACES * PLACES; place++) {
    const across = span(place % PLACES, width);
    const down = span(Math.floor(place / PLACES), height);
    const { probabilities } = await engine.run(covered(input, size, part, across, down, cover));
    for (let y = down.first; y < down.last; y++) {
      for (let x = across.first; x < across.last; x++) {
        // A tent in place of a box: else the map shows the edges of the patches.
        const weight = tent(x, across, width) * tent(y, down, height);
        sums[y * CELLS + x] += weight * (score - probabilities[target]);
        weights[y * CELLS + x] += weight;
      }
    }
    if (!progress((place + 1) / (PLACES * PLACES))) return null;
  }
  const values = sums.map((sum, i) => sum / weights[i]);
  return { values, most: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

/** Where the patch of a place lies along a side: its start and length in pixels, and the cells that it touches. */
function span(place, side) {
  const length = Math.max(1, Math.round(side * PATCH));
  const start = Math.round((place * (side - length)) / (PLACES - 1));
  const [first, last] = [Math.floor((start * CELLS) / side), Math.ceil(((start + length) * CELLS) / side)];
  return { start, length, first, last };
}

/** 1 for a cell in the patch's middle, near 0 at its edge. */
function tent(cell, { start, length }, side) {
  const offset = Math.abs(((cell + 0.5) * side) / CELLS - start - length / 2) / (length / 2);
  return Math.max(0.02, 1 - offset);
}

function meanColour(input, size, { left, top, right, bottom }) {
  const sums = [0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      for (let i = 0; i < 3; i++) sums[i] += input[(y * size + x) * 3 + i];
    }
  }
  return sums.map((sum) => Math.round(sum / ((right - left) * (bottom - top))));
}

function covered(input, size, { left, top }, across, down, cover) {
  const result = input.slice();
  for (let y = top + down.start; y < top + down.start + down.length; y++) {
    const row = y * size + left + across.start;
    for (let x = row; x < row + across.length; x++) result.set(cover, x * 3);
  }
  return result;
}

/**
 * Draws the map over an image: warm where covering lowers the score, blue where it raises it.
 * @param {HTMLCanvasElement} canvas
 * @param {{values: Float32Array, most: number}} map
 * @param {{left: number, top: number, width: number, height: number}} place of the image, as shares of the canvas
 */
export function drawMap(canvas, { values, most }, place) {
  const small = new OffscreenCanvas(CELLS, CELLS);
  const image = new ImageData(CELLS, CELLS);
  const scale = Math.max(most, FULL);
  values.forEach((value, i) => {
    const strength = Math.min(1, Math.abs(value) / scale);
    image.data.set(value > 0 ? [255, 106, 0] : [40, 110, 255], i * 4);
    image.data[i * 4 + 3] = Math.round(190 * strength);
  });
  small.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(
    small,
    place.left * canvas.width,
    place.top * canvas.height,
    place.width * canvas.width,
    place.height * canvas.height,
  );
}

export function isFaint({ most }) {
  return most < FAINT;
}
