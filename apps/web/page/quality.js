// Whether a picture is fit to be scored. Measured on the square of 192 pixels, whatever camera and model:
// blur that is gone at this size does not reach a model either.
//
// The limits come from 500 pictures of HAM10000, whose lowest sharpness was 8.7 (0.2 %) and whose mean
// brightness ran from 73 to 214. Blurred by a Gaussian of 2 pixels at this size, 99 % of them are below 5;
// by one of 1 pixel, more than half.

export const QUALITY_SIZE = 192;
const SHARPNESS_LEAST = 5;
const BRIGHTNESS_LEAST = 40;
const BRIGHTNESS_MOST = 230;
const GLARE_MOST = 0.2;
const GLARE = 250;

/**
 * @param {Float32Array} rgb 192 * 192 * 3, 0..255
 * @returns {{sharpness: number, brightness: number, glare: number, problem: string | null}} the variance of
 *   the Laplacian of luma; mean luma, 0..255; the share of pixels at the white end; and "dark", "bright",
 *   "blurred" or null
 */
export function measureQuality(rgb) {
  const size = QUALITY_SIZE;
  const luma = new Float32Array(size * size);
  let sum = 0, glaring = 0;
  for (let i = 0; i < luma.length; i++) {
    luma[i] = 0.299 * rgb[3 * i] + 0.587 * rgb[3 * i + 1] + 0.114 * rgb[3 * i + 2];
    sum += luma[i];
    if (luma[i] >= GLARE) glaring++;
  }
  const brightness = sum / luma.length;
  const glare = glaring / luma.length;
  const sharpness = laplacianVariance(luma, size);
  return { sharpness, brightness, glare, problem: problemOf(sharpness, brightness, glare) };
}

function laplacianVariance(luma, size) {
  let sum = 0, squares = 0;
  for (let y = 1; y < size - 1; y++) {
    for (let x = 1; x < size - 1; x++) {
      const i = y * size + x;
      const value = luma[i - size] + luma[i + size] + luma[i - 1] + luma[i + 1] - 4 * luma[i];
      sum += value;
      squares += value * value;
    }
  }
  const count = (size - 2) ** 2;
  return squares / count - (sum / count) ** 2;
}

// Light first: a dark picture has no contrast, and would be called blurred.
function problemOf(sharpness, brightness, glare) {
  if (brightness < BRIGHTNESS_LEAST) return "dark";
  if (brightness > BRIGHTNESS_MOST || glare > GLARE_MOST) return "bright";
  return sharpness < SHARPNESS_LEAST ? "blurred" : null;
}
