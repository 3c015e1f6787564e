// Occlusion: cover one part of the image after another and see how far the score falls (Zeiler & Fergus
// 2014, "Visualizing and Understanding Convolutional Networks", section 4.2).

const PLACES = 11; // along each side
const PATCH = 1 / 5; // of the side
const CELLS = 44; // of the map, along each side
const FAINT = 0.02; // a map whose every value is below this shows noise
const FULL = 0.1; // the least change of the score that gets full colour: less must not look like much

/**
 * @param {Engine} engine
 * @param {Float32Array} input the model's, size * size * 3
 * @param {number} size
 * @param {number} target index of the class
 * @param {number} score its probability, nothing covered
 * @param {(share: number) => boolean} progress told the share that is done; false stops
 * @returns {Promise<{values: Float32Array, most: number} | null>} CELLS * CELLS, how far the score falls when
 *   a cell is covered, and the largest magnitude of them; null when stopped
 */
export async function occlusionMap(engine, input, size, target, score, progress) {
  const sums = new Float32Array(CELLS * CELLS);
  const weights = new Float32Array(CELLS * CELLS);
  const patch = Math.round(size * PATCH);
  const cover = meanColour(input);
  for (let place = 0; place < PLACES * PLACES; place++) {
    const top = Math.round((Math.floor(place / PLACES) * (size - patch)) / (PLACES - 1));
    const left = Math.round(((place % PLACES) * (size - patch)) / (PLACES - 1));
    const { probabilities } = await engine.run(covered(input, size, top, left, patch, cover));
    const [first, last] = [(v) => Math.floor((v * CELLS) / size), (v) => Math.ceil((v * CELLS) / size)];
    for (let y = first(top); y < last(top + patch); y++) {
      for (let x = first(left); x < last(left + patch); x++) {
        // A tent in place of a box: else the map shows the edges of the patches.
        const weight = tent(x, left, patch, size) * tent(y, top, patch, size);
        sums[y * CELLS + x] += weight * (score - probabilities[target]);
        weights[y * CELLS + x] += weight;
      }
    }
    if (!progress((place + 1) / (PLACES * PLACES))) return null;
  }
  const values = sums.map((sum, i) => sum / weights[i]);
  return { values, most: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
}

/** 1 for a cell in the patch's middle, near 0 at its edge. */
function tent(cell, start, patch, size) {
  const offset = Math.abs(((cell + 0.5) * size) / CELLS - start - patch / 2) / (patch / 2);
  return Math.max(0.02, 1 - offset);
}

function meanColour(input) {
  const sums = [0, 0, 0];
  for (let i = 0; i < input.length; i++) sums[i % 3] += input[i];
  return sums.map((sum) => Math.round((3 * sum) / input.length));
}

function covered(input, size, top, left, patch, cover) {
  const result = input.slice();
  for (let y = top; y < top + patch; y++) {
    for (let x = left; x < left + patch; x++) result.set(cover, (y * size + x) * 3);
  }
  return result;
}

/** Draws the map over an image: warm where covering lowers the score, blue where it raises it. */
export function drawMap(canvas, { values, most }) {
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
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

export function isFaint({ most }) {
  return most < FAINT;
}
