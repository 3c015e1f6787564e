// An image that someone chose, dropped or pasted: opened, or refused in one sentence.

const MOST_BYTES = 100e6;
const MOST_PIXELS = 100e6;

/**
 * @param {File} file
 * @returns {Promise<ImageBitmap>} upright; a canvas shows it in sRGB, as its colour profile says; transparency is kept
 */
export async function openImage(file) {
  if (file.size === 0) throw new Error(`${file.name} is empty: choose another file.`);
  if (file.size > MOST_BYTES) throw new Error(`${file.name} is larger than 100 MB: choose a smaller image.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (isCutOff(bytes)) throw new Error(`${file.name} is cut off: part of the image is missing.`);
  const [width, height] = await dimensions(file);
  if (width * height > MOST_PIXELS) {
    throw new Error(
      `${file.name} has ${width} x ${height} pixels, more than 100 million: choose a smaller image.`,
    );
  }
  try {
    // Of a file without a profile the pixels count as they are, whatever gamma a PNG gives, as in Python.
    const colorSpaceConversion = hasColourProfile(bytes) ? "default" : "none";
    return await createImageBitmap(file, { colorSpaceConversion, premultiplyAlpha: "none" });
  } catch {
    throw new Error(unreadable(file));
  }
}

function unreadable(file) {
  return `${file.name} is not an image that this browser can read: choose a JPEG, PNG or WebP file.`;
}

/** Width and height, which an <img> knows before it decodes a pixel. */
async function dimensions(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
    });
    return [image.naturalWidth, image.naturalHeight];
  } catch {
    throw new Error(unreadable(file));
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** Browsers draw what there is of a file that breaks off, and report success. */
function isCutOff(bytes) {
  const view = new DataView(bytes.buffer);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return !jpegEnds(view);
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47])) return !pngEnds(view);
  const webp = startsWith(bytes, [0x52, 0x49, 0x46, 0x46]) && bytes.length >= 8;
  return webp && view.getUint32(4, true) + 8 > bytes.length;
}

const PROFILE_MARKS = [
  "ICC_PROFILE\0", // JPEG
  "iCCP", // PNG
  "cICP",
  "ICCP", // WebP
  "colrprof", // AVIF, HEIC
  "colrnclx",
];
const PROFILE_WITHIN = 1e6; // bytes; it lies in front of the pixels

function hasColourProfile(bytes) {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, PROFILE_WITHIN));
  return PROFILE_MARKS.some((mark) => start.includes(mark));
}

function startsWith(bytes, signature) {
  return signature.every((byte, i) => bytes[i] === byte);
}

/** Walks a JPEG's segments to the end mark of the image; a thumbnail inside has one of its own. */
function jpegEnds(view) {
  let at = 2;
  let inScan = false;
  while (at + 1 < view.byteLength) {
    if (view.getUint8(at) !== 0xff) {
      if (!inScan) return false;
      at++;
      continue;
    }
    const mark = view.getUint8(at + 1);
    if (mark === 0xd9) return true;
    const bare = mark === 0xff || mark === 0x00 || mark === 0x01 || (mark >= 0xd0 && mark <= 0xd8);
    if (bare) {
      at += mark === 0xff ? 1 : 2; // 0xff before a mark is padding
    } else {
      inScan = mark === 0xda;
      if (at + 3 >= view.byteLength) return false;
      at += 2 + view.getUint16(at + 2);
    }
  }
  return false;
}

/** Walks a PNG's chunks to the last. */
function pngEnds(view) {
  const end = 0x49454e44; // "IEND"
  let at = 8;
  while (at + 12 <= view.byteLength) {
    if (view.getUint32(at + 4) === end) return true;
    at += 12 + view.getUint32(at);
  }
  return false;
}
