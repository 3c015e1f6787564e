// Whether an image is fit to be scored: the measure and the limits of the Android app. Measured on the model's
// input, because blur that is gone at its size does no harm.
//
// Blur is how much of the difference between neighbours is left when the image is blurred once more, by averaging
// three pixels: the idea of Crété et al. 2007 ("The blur effect: perception and estimation with a new no-reference
// perceptual blur metric"), with squares for their magnitudes, so that the rounding of the pixels counts little.
// Noise looks sharp: a noisy image out of focus can pass.

import { wholeInput } from "./preprocess.js";

export const LIMITS = { darkest: 45, brightest: 220, mostClipped: 0.1, mostBlur: 0.75 };
const CLIPPED = 250;

/**
 * @param {Float32Array} input size * size * 3, RGB, 0..255
 * @param {number} size
 * @param {{left: number, top: number, right: number, bottom: number}} part of the input that shows the image
 * @returns {{brightness: number, clipped: number, blur: number, problem: string | null}} mean luma of the
 *   central half, 0..255; the share of its pixels that are white; 0 (sharp) to 1; and "dark", "bright",
 *   "blurred" or null
 */
export function measureQuality(input, size, part = wholeInput(size)) {
  const luma = new Float32Array(size * size); // Rec. 601
  for (let i = 0; i < luma.length; i++) {
    luma[i] = 0.299 * input[3 * i] + 0.587 * input[3 * i + 1] + 0.114 * input[3 * i + 2];
  }
  const { brightness, clipped } = exposure(input, luma, size, part);
  const { left, top, right, bottom } = part;
  const start = top * size + left;
  const blur = Math.max(
    blurAlong(luma, start, right - left, 1, bottom - top, size),
    blurAlong(luma, start, bottom - top, size, right - left, 1),
  );
  return { brightness, clipped, blur, problem: problemOf(brightness, clipped, blur) };
}

// Light first: a dark image has no contrast, and would be called blurred.
function problemOf(brightness, clipped, blur) {
  if (brightness < LIMITS.darkest) return "dark";
  if (brightness > LIMITS.brightest || clipped > LIMITS.mostClipped) return "bright";
  return blur > LIMITS.mostBlur ? "blurred" : null;
}

function exposure(input, luma, size, { left, top, right, bottom }) {
  const [across, down] = [Math.floor((right - left) / 4), Math.floor((bottom - top) / 4)];
  let sum = 0, clipped = 0, count = 0;
  for (let y = top + down; y < bottom - down; y++) {
    for (let x = left + across; x < right - across; x++, count++) {
      const i = y * size + x;
      sum += luma[i];
      if (Math.min(input[3 * i], input[3 * i + 1], input[3 * i + 2]) >= CLIPPED) clipped++;
    }
  }
  return { brightness: sum / count, clipped: clipped / count };
}

/** Blur along `lines` lines of `length` pixels: these are `step` apart, and the lines' starts `nextLine`. */
function blurAlong(luma, start, length, step, lines, nextLine) {
  let differences = 0, kept = 0;
  for (let line = 0; line < lines; line++) {
    for (let index = 2; index < length - 1; index++) {
      const place = start + line * nextLine + index * step;
      const difference = luma[place] - luma[place - step];
      // The same difference after averaging three neighbours: all but the outer two cancel.
      const averaged = (luma[place + step] - luma[place - 2 * step]) / 3;
      differences += difference ** 2;
      kept += averaged ** 2;
    }
  }
  return differences === 0 ? 1 : kept / differences;
}
