// Whether a back end's answers can be believed. Browsers and graphics drivers differ, and a wrong number looks as
// good as a right one.

const MOST_OFF = 0.05; // of the sum of probabilities: 8-bit integers miss 1 by a level or two, of 256, a class

// One of the golden images, as skinkeras/tflite/golden.py draws them. This one, because models are less sure of it
// than of the others: where a probability is 0 or 1, errors do not show.
const GOLDEN = "irregular";
const BACKGROUND = [230, 180, 170];
const ELLIPSES = [ // cx, cy, rx, ry, colour
  [40, 65, 20, 10, [40, 28, 30]],
  [60, 55, 20, 30, [40, 28, 30]],
  [40, 35, 15, 15, [40, 28, 30]],
  [55, 60, 10, 25, [60, 36, 40]],
];

/** Throws unless these are probabilities of classes of which one has to be it. */
export function refuseUnlessProbabilities(values) {
  const sum = values.reduce((total, value) => total + value, 0);
  // Written so that NaN, of which no comparison is true, fails.
  if (values.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) <= MOST_OFF) return;
  const given = values.map((value) => value.toPrecision(3)).join(", ");
  throw new Error(`The model's output is not a set of probabilities (${given}): choose another processor or file.`);
}

/** The probabilities of the golden image that a json promises, and their tolerance; null where it has none. */
export function goldenAnswer(golden) {
  const image = golden?.pictures?.find(({ name }) => name === GOLDEN);
  return image ? { expected: image.probabilities, tolerance: golden.tolerance } : null;
}

/** Throws unless the golden image's probabilities are the promised ones. */
export function refuseUnlessGolden({ expected, tolerance }, probabilities, name) {
  const off = Math.max(...expected.map((value, i) => Math.abs(value - probabilities[i])));
  if (off <= tolerance) return;
  throw new Error(
    `${name} gives wrong answers on this processor: for a test image they are off by ${off.toFixed(3)}, where ` +
      `${tolerance} is allowed. Choose another processor or file.`,
  );
}

/**
 * The golden image, byte for byte as Python draws it.
 * @param {number} size
 * @returns {Float32Array} size * size * 3, RGB, whole numbers 0..255
 */
export function goldenImage(size) {
  const pixels = new Float32Array(size * size * 3);
  let noise = 1;
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const ellipse = ELLIPSES.findLast(([cx, cy, rx, ry]) =>
        ((100 * x - cx * size) * ry) ** 2 + ((100 * y - cy * size) * rx) ** 2 <= (rx * ry * size) ** 2);
      for (const value of ellipse?.[4] ?? BACKGROUND) {
        noise = (Math.imul(1664525, noise) + 1013904223) >>> 0; // modulo 2^32
        pixels[at++] = value + (noise >>> 28) - 8;
      }
    }
  }
  return pixels;
}
