// A zip archive of files that are compressed already, so stored as they are. Format: PKWARE's APPNOTE 6.3.

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/**
 * @param {{name: string, time: Date, bytes: Uint8Array}[]} files names in ASCII
 * @returns {Blob}
 */
export function zip(files) {
  const parts = [], directory = [];
  let offset = 0;
  for (const { name, time, bytes } of files) {
    const label = new TextEncoder().encode(name);
    const fields = description(time, bytes, label.length);
    const local = [uint32(0x04034b50), fields, label];
    directory.push(uint32(0x02014b50), uint16(20), fields, new Uint8Array(10), uint32(offset), label);
    parts.push(...local, bytes);
    offset += length(local) + bytes.length;
  }
  const counts = [uint16(files.length), uint16(files.length), uint32(length(directory)), uint32(offset)];
  const end = [uint32(0x06054b50), new Uint8Array(4), ...counts, uint16(0)];
  return new Blob([...parts, ...directory, ...end], { type: "application/zip" });
}

/** The fields that a file's own header and its entry in the directory share. */
function description(time, bytes, labelLength) {
  const clock = (time.getHours() << 11) | (time.getMinutes() << 5) | (time.getSeconds() >> 1);
  const day = ((time.getFullYear() - 1980) << 9) | ((time.getMonth() + 1) << 5) | time.getDate();
  const size = uint32(bytes.length);
  // Version 2.0, no flags, no compression.
  return concatenated([
    uint16(20), uint16(0), uint16(0), uint16(clock), uint16(day), uint32(crc32(bytes)), size, size,
    uint16(labelLength), uint16(0),
  ]);
}

function uint16(value) {
  return Uint8Array.of(value & 0xff, (value >> 8) & 0xff);
}

function uint32(value) {
  return concatenated([uint16(value & 0xffff), uint16(value >>> 16)]);
}

function length(parts) {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function concatenated(parts) {
  const result = new Uint8Array(length(parts));
  parts.reduce((at, part) => (result.set(part, at), at + part.length), 0);
  return result;
}
