// Whether an image is fit to be scored: the measure and the limits of the Android app. Measured on the model's
// input, because blur that is gone at its size does no harm.
//
// Blur is how much of the difference between neighbours is left when the image is blurred once more, by averaging
// three pixels: the idea of Crété et al. 2007 ("The blur effect: perception and estimation with a new no-reference
// perceptual blur metric"), with squares for their magnitudes, so that the rounding of the pixels counts little.
// Noise looks sharp: a noisy image out of focus can pass.

export const LIMITS = { darkest: 45, brightest: 220, mostClipped: 0.1, mostBlur: 0.75 };
const CLIPPED = 250;

/**
 * @param {Float32Array} input size * size * 3, RGB, 0..255
 * @param {number} size
 * @returns {{brightness: number, clipped: number, blur: number, problem: string | null}} mean luma of the
 *   central half, 0..255; the share of its pixels that are white; 0 (sharp) to 1; and "dark", "bright",
 *   "blurred" or null
 */
export function measureQuality(input, size) {
  const luma = new Float32Array(size * size); // Rec. 601
  for (let i = 0; i < luma.length; i++) {
    luma[i] = 0.299 * input[3 * i] + 0.587 * input[3 * i + 1] + 0.114 * input[3 * i + 2];
  }
  const { brightness, clipped } = exposure(input, luma, size);
  const blur = Math.max(blurAlong(luma, size, 1, size), blurAlong(luma, size, size, 1));
  return { brightness, clipped, blur, problem: problemOf(brightness, clipped, blur) };
}

// Light first: a dark image has no contrast, and would be called blurred.
function problemOf(brightness, clipped, blur) {
  if (brightness < LIMITS.darkest) return "dark";
  if (brightness > LIMITS.brightest || clipped > LIMITS.mostClipped) return "bright";
  return blur > LIMITS.mostBlur ? "blurred" : null;
}

function exposure(input, luma, size) {
  const first = Math.floor(size / 4);
  const last = size - first;
  let sum = 0, clipped = 0;
  for (let y = first; y < last; y++) {
    for (let x = first; x < last; x++) {
      const i = y * size + x;
      sum += luma[i];
      if (Math.min(input[3 * i], input[3 * i + 1], input[3 * i + 2]) >= CLIPPED) clipped++;
    }
  }
  const count = (last - first) ** 2;
  return { brightness: sum / count, clipped: clipped / count };
}

/** Blur along lines whose pixels are `step` apart and whose starts are `nextLine` apart. */
function blurAlong(luma, size, step, nextLine) {
  let differences = 0, kept = 0;
  for (let line = 0; line < size; line++) {
    for (let index = 2; index < size - 1; index++) {
      const place = line * nextLine + index * step;
      const difference = luma[place] - luma[place - step];
      // The same difference after averaging three neighbours: all but the outer two cancel.
      const averaged = (luma[place + step] - luma[place - 2 * step]) / 3;
      differences += difference ** 2;
      kept += averaged ** 2;
    }
  }
  return differences === 0 ? 1 : kept / differences;
}
