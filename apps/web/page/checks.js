// Whether a back end's answers can be believed. Browsers and graphics drivers differ, and a wrong number looks as
// good as a right one.

const MOST_OFF = 0.05; // of the sum of probabilities: 8-bit integers miss 1 by a level or two, of 256, a class

// Golden images, as skinkeras/tflite/golden.py draws them: a background, and ellipses (cx, cy, rx, ry, colour).
const DRAWN = {
  round: [[208, 150, 140], [[50, 50, 20, 17, [96, 60, 48]], [52, 47, 9, 8, [60, 36, 40]]]],
  irregular: [
    [230, 180, 170],
    [
      [40, 65, 20, 10, [40, 28, 30]],
      [60, 55, 20, 30, [40, 28, 30]],
      [40, 35, 15, 15, [40, 28, 30]],
      [55, 60, 10, 25, [60, 36, 40]],
    ],
  ],
  crossed: [
    [194, 169, 166],
    [
      [53, 51, 23, 10, [170, 110, 90]],
      [54, 36, 9, 35, [40, 28, 30]],
      [50, 41, 35, 7, [30, 20, 20]],
      [61, 50, 35, 7, [170, 110, 90]],
      [54, 64, 3, 35, [110, 110, 130]],
    ],
  ],
};

/** Throws unless these are probabilities of classes of which one has to be it. */
export function refuseUnlessProbabilities(values) {
  const sum = values.reduce((total, value) => total + value, 0);
  // Written so that NaN, of which no comparison is true, fails.
  if (values.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) <= MOST_OFF) return;
  const given = values.map((value) => value.toPrecision(3)).join(", ");
  throw new Error(`The model's output is not a set of probabilities (${given}): choose another processor or file.`);
}

/**
 * The golden image of a json to try a file on: its name, the probabilities promised for it, and their tolerance. Of
 * those that this page can draw, the one of which the model is least sure, because where a probability is 0 or 1,
 * errors do not show. Null where the json has none.
 */
export function goldenAnswer(golden) {
  const known = (golden?.pictures ?? []).filter(({ name }) => Object.hasOwn(DRAWN, name));
  if (!known.length) return null;
  const image = known.reduce((best, one) =>
    Math.max(...one.probabilities) < Math.max(...best.probabilities) ? one : best);
  return { image: image.name, expected: image.probabilities, tolerance: golden.tolerance };
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
 * A golden image, byte for byte as Python draws it.
 * @param {string} name one of `DRAWN`
 * @param {number} size
 * @returns {Float32Array} size * size * 3, RGB, whole numbers 0..255
 */
export function goldenImage(name, size) {
  const [background, ellipses] = DRAWN[name];
  const pixels = new Float32Array(size * size * 3);
  let noise = 1;
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const ellipse = ellipses.findLast(([cx, cy, rx, ry]) =>
        ((100 * x - cx * size) * ry) ** 2 + ((100 * y - cy * size) * rx) ** 2 <= (rx * ry * size) ** 2);
      for (const value of ellipse?.[4] ?? background) {
        noise = (Math.imul(1664525, noise) + 1013904223) >>> 0; // modulo 2^32
        pixels[at++] = value + (noise >>> 28) - 8;
      }
    }
  }
  return pixels;
}
