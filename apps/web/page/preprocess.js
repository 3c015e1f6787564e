// From an image to the model's input, as skinkeras/images/decoding.py does it: what the model's geometry takes of the image,
// averaging areas along a side that shrinks, bicubic along one that grows. A canvas scales in a way of its own,
// different in every browser, so it only hands over pixels here.

const STRIP_PIXELS = 4e6; // what is held of a large image at a time

/** What of an image is resized to the input: the largest centred square, or the whole image, squashed or padded. */
export const GEOMETRIES = ["crop", "squash", "pad"];

/**
 * What a geometry takes of an image, and where the image lies in it.
 * @param {{width: number, height: number}} image
 * @param {"crop" | "squash" | "pad"} geometry
 * @returns {{width: number, height: number, left: number, top: number}} the size of what is resized, and the place
 *   of the image's corner in it: negative where the image is cropped
 */
export function framing({ width, height }, geometry) {
  if (geometry === "squash") return { width, height, left: 0, top: 0 };
  const side = geometry === "pad" ? Math.max(width, height) : Math.min(width, height);
  // Rounded towards zero, as Python's margins are.
  return { width: side, height: side, left: Math.trunc((side - width) / 2), top: Math.trunc((side - height) / 2) };
}

/**
 * Where the viewer, which is square, shows an image: what is cropped fills it, the whole image keeps its shape.
 * @returns {{left: number, top: number, width: number, height: number}} as shares of the viewer's side
 */
export function shownPlace({ width, height }, geometry) {
  if (geometry === "crop") return { left: 0, top: 0, width: 1, height: 1 };
  const side = Math.max(width, height);
  return {
    left: (side - width) / 2 / side,
    top: (side - height) / 2 / side,
    width: width / side,
    height: height / side,
  };
}

/** { left, top, right, bottom } of all pixels of a model's input. */
export function wholeInput(size) {
  return { left: 0, top: 0, right: size, bottom: size };
}

/** { left, top, right, bottom } of the pixels of the model's input that show the image: all, unless it is padded. */
export function filledPart(image, size, geometry) {
  const { width, height, left, top } = framing(image, geometry);
  return {
    left: Math.max(0, Math.round((left * size) / width)),
    top: Math.max(0, Math.round((top * size) / height)),
    right: Math.min(size, Math.round(((left + image.width) * size) / width)),
    bottom: Math.min(size, Math.round(((top + image.height) * size) / height)),
  };
}

/**
 * A bitmap as a model's input.
 * @param {ImageBitmap} bitmap
 * @param {number} size height and width of the result
 * @param {"crop" | "squash" | "pad"} geometry
 * @returns {Float32Array} size * size * 3, RGB, whole numbers 0..255, row by row
 */
export function modelInput(bitmap, size, geometry) {
  const frame = framing(bitmap, geometry);
  const { width, height } = frame;
  const rows = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)));
  const context = new OffscreenCanvas(width, rows).getContext("2d", { willReadFrequently: true });
  const read = (first, count) => {
    drawOn(context, bitmap, frame, first);
    return context.getImageData(0, 0, width, count).data;
  };
  return resize(read, width, height, size, rows);
}

/** Draws what a geometry takes of a bitmap, from row `first` on: black around it, white under what is transparent. */
export function drawOn(context, bitmap, { width, height, left, top }, first = 0) {
  context.fillStyle = "black";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "white";
  context.fillRect(left, top - first, bitmap.width, bitmap.height);
  context.drawImage(bitmap, left, top - first);
}

/**
 * An image, resized to a square.
 * @param {(first: number, count: number) => ArrayLike<number>} readRows RGBA, 0..255, of some rows
 * @param {number} width of the image
 * @param {number} height of the image
 * @param {number} size height and width of the result
 * @param {number} rows how many rows to read at a time
 * @returns {Float32Array} see modelInput
 */
export function resize(readRows, width, height, size, rows = height) {
  const across = tapsOf(width, size), down = tapsOf(height, size);
  const targets = targetsByRow(down, height);
  const sums = new Float64Array(size * size * 3);
  const row = new Float64Array(size * 3);
  for (let first = 0; first < height; first += rows) {
    const count = Math.min(rows, height - first);
    const rgba = readRows(first, count);
    for (let y = 0; y < count; y++) {
      weighRow(rgba, y * width * 4, across, row);
      for (const { target, weight } of targets[first + y]) {
        const offset = target * size * 3;
        for (let i = 0; i < row.length; i++) sums[offset + i] += weight * row[i];
      }
    }
  }
  // Whole numbers, because Python's images are bytes.
  return Float32Array.from(sums, (value) => Math.min(255, Math.max(0, Math.round(value))));
}

function weighRow(rgba, offset, { taps, pixels, weights }, row) {
  for (let i = 0, tap = 0; i < row.length; i += 3) {
    let red = 0, green = 0, blue = 0;
    for (const end = tap + taps; tap < end; tap++) {
      const at = offset + 4 * pixels[tap];
      red += weights[tap] * rgba[at];
      green += weights[tap] * rgba[at + 1];
      blue += weights[tap] * rgba[at + 2];
    }
    row[i] = red;
    row[i + 1] = green;
    row[i + 2] = blue;
  }
}

/** For each row of the image: the rows of the result that it counts for, and by how much. */
function targetsByRow({ taps, pixels, weights }, height) {
  const targets = Array.from({ length: height }, () => []);
  weights.forEach((weight, tap) => {
    if (weight !== 0) targets[pixels[tap]].push({ target: Math.floor(tap / taps), weight });
  });
  return targets;
}

/** Along one side: which `taps` pixels each pixel of the result is made of, and their weights. */
function tapsOf(side, size) {
  return side > size ? areaTaps(side, size) : cubicTaps(side, size);
}

/** The mean of the area that a pixel covers: OpenCV's INTER_AREA. */
function areaTaps(side, size) {
  const scale = side / size;
  const taps = Math.ceil(scale) + 1;
  const pixels = new Int32Array(size * taps);
  const weights = new Float64Array(size * taps);
  for (let i = 0; i < size; i++) {
    const low = i * scale;
    const high = Math.min(side, low + scale);
    for (let tap = 0; tap < taps; tap++) {
      const pixel = Math.floor(low) + tap;
      const covered = Math.min(high, pixel + 1) - Math.max(low, pixel);
      pixels[i * taps + tap] = Math.min(side - 1, pixel);
      // A sliver is a rounding error of `scale`.
      weights[i * taps + tap] = covered > 1e-6 ? covered / (high - low) : 0;
    }
  }
  return { taps, pixels, weights };
}

/** Keys' cubic with a = -0.75: OpenCV's INTER_CUBIC. Beyond the edge, the edge counts. */
function cubicTaps(side, size) {
  const a = -0.75;
  const outer = (d) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  const inner = (d) => ((a + 2) * d - (a + 3)) * d * d + 1;
  const pixels = new Int32Array(size * 4);
  const weights = new Float64Array(size * 4);
  for (let i = 0; i < size; i++) {
    const centre = ((i + 0.5) * side) / size - 0.5;
    const near = Math.floor(centre);
    const x = centre - near;
    for (let tap = 0; tap < 4; tap++) {
      pixels[i * 4 + tap] = Math.min(side - 1, Math.max(0, near - 1 + tap));
    }
    weights.set([outer(x + 1), inner(x), inner(1 - x), outer(2 - x)], i * 4);
  }
  return { taps: 4, pixels, weights };
}
