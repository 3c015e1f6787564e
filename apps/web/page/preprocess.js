// From an image to the model's input, as skinkeras/decoding.py does it: the largest centred square,
// averaging areas when shrinking and bicubic when enlarging. A canvas scales in a way of its own, different
// in every browser, so it only hands over pixels here.

const STRIP_PIXELS = 4e6; // what is held of a large image at a time

/**
 * The largest centred square of a bitmap, resized.
 * @param {ImageBitmap} bitmap
 * @param {number} size height and width of the result
 * @returns {Float32Array} size * size * 3, RGB, whole numbers 0..255, row by row
 */
export function squareInput(bitmap, size) {
  const [left, top, side] = centredSquare(bitmap);
  const rows = Math.max(1, Math.min(side, Math.floor(STRIP_PIXELS / side)));
  const canvas = new OffscreenCanvas(side, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.globalCompositeOperation = "copy";
  return resizeSquare((first, count) => {
    context.drawImage(bitmap, left, top + first, side, count, 0, 0, side, count);
    return context.getImageData(0, 0, side, count).data;
  }, side, size, rows);
}

/** [left, top, side] of the largest centred square. */
export function centredSquare({ width, height }) {
  const side = Math.min(width, height);
  return [Math.floor((width - side) / 2), Math.floor((height - side) / 2), side];
}

/**
 * A square image, resized.
 * @param {(first: number, count: number) => ArrayLike<number>} readRows RGBA, 0..255, of some rows
 * @param {number} side height and width of the image
 * @param {number} size height and width of the result
 * @param {number} rows how many rows to read at a time
 * @returns {Float32Array} see squareInput
 */
export function resizeSquare(readRows, side, size, rows = side) {
  const { taps, pixels, weights } = side > size ? areaTaps(side, size) : cubicTaps(side, size);
  const targets = targetsByRow(pixels, weights, taps, side);
  const sums = new Float64Array(size * size * 3);
  const row = new Float64Array(size * 3);
  for (let first = 0; first < side; first += rows) {
    const count = Math.min(rows, side - first);
    const rgba = readRows(first, count);
    for (let y = 0; y < count; y++) {
      weighRow(rgba, y * side * 4, pixels, weights, taps, row);
      for (const { target, weight } of targets[first + y]) {
        const offset = target * size * 3;
        for (let i = 0; i < row.length; i++) sums[offset + i] += weight * row[i];
      }
    }
  }
  // Whole numbers, because Python's images are bytes.
  return Float32Array.from(sums, (value) => Math.min(255, Math.max(0, Math.round(value))));
}

function weighRow(rgba, offset, pixels, weights, taps, row) {
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
function targetsByRow(pixels, weights, taps, side) {
  const targets = Array.from({ length: side }, () => []);
  weights.forEach((weight, tap) => {
    if (weight !== 0) targets[pixels[tap]].push({ target: Math.floor(tap / taps), weight });
  });
  return targets;
}

// Along one side: which `taps` pixels each pixel of the result is made of, and their weights.

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
