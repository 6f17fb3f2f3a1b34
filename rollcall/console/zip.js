// Zips files as they are (photos do not compress), without holding their bytes: the archive is a Blob whose parts
// are the files themselves and the small records between them.

const MAX_FILES = 65_535;
const MAX_BYTES = 4 * 1024 ** 3 - 1;
const UTF8_NAMES = 0x0800;
const VERSION = 20;
// 1 January 1980: the time of a photo means nothing here.
const DATE = 0x0021;
const CHUNK_BYTES = 4 * 1024 ** 2;

export class ZipProblem extends Error {}

/**
 * An archive of [{name, file}] as a Blob; names are paths with "/".
 *
 * `onProgress(done, total)` counts bytes. Rejects with a ZipProblem where the format's limits, or a file that cannot be
 * read, forbid it, and with the signal's reason when aborted.
 */
export async function zip(entries, { onProgress = () => {}, signal = null } = {}) {
  check(entries);
  const total = entries.reduce((sum, { file }) => sum + file.size, 0);
  const parts = [];
  const directory = [];
  let offset = 0;
  let done = 0;
  for (const { name, file } of entries) {
    const crc = await crcOf(file, signal, (bytes) => onProgress((done += bytes), total));
    const record = { name: new TextEncoder().encode(name), crc, size: file.size, offset };
    const header = localHeader(record);
    parts.push(header, file);
    directory.push(centralHeader(record));
    offset += header.byteLength + file.size;
  }
  const directorySize = directory.reduce((sum, header) => sum + header.byteLength, 0);
  if (offset + directorySize > MAX_BYTES) throw tooBig();
  return new Blob([...parts, ...directory, end(entries.length, directorySize, offset)], {
    type: "application/zip",
  });
}

function check(entries) {
  if (entries.length > MAX_FILES || entries.reduce((sum, { file }) => sum + file.size, 0) > MAX_BYTES)
    throw tooBig();
}

function tooBig() {
  return new ZipProblem(
    "These photos are too many for one upload: at most 65,535 photos and 4 GB. Choose fewer at a time, or use " +
      "`rollcall import` on the server.",
  );
}

function localHeader({ name, crc, size }) {
  const view = record(30 + name.length, 0x04034b50);
  common(view, 4, { name, crc, size });
  new Uint8Array(view.buffer).set(name, 30);
  return view.buffer;
}

function centralHeader({ name, crc, size, offset }) {
  const view = record(46 + name.length, 0x02014b50);
  view.setUint16(4, VERSION, true);
  common(view, 6, { name, crc, size });
  view.setUint32(42, offset, true);
  new Uint8Array(view.buffer).set(name, 46);
  return view.buffer;
}

/** The fields that both headers have in the same order, from the version needed to the name's length. */
function common(view, at, { name, crc, size }) {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 2, UTF8_NAMES, true);
  view.setUint16(at + 8, DATE, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, name.length, true);
}

function end(files, directorySize, directoryOffset) {
  const view = record(22, 0x06054b50);
  view.setUint16(8, files, true);
  view.setUint16(10, files, true);
  view.setUint32(12, directorySize, true);
  view.setUint32(16, directoryOffset, true);
  return view.buffer;
}

function record(bytes, signature) {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(0, signature, true);
  return view;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

async function crcOf(file, signal, onBytes) {
  let crc = 0xffffffff;
  for (let start = 0; start < file.size; start += CHUNK_BYTES) {
    signal?.throwIfAborted();
    const bytes = await bytesOf(file, start);
    for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]) & 0xff];
    onBytes(bytes.length);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

async function bytesOf(file, start) {
  try {
    return new Uint8Array(await file.slice(start, start + CHUNK_BYTES).arrayBuffer());
  } catch {
    throw new ZipProblem(
      `${file.name} cannot be read any more; it was moved or changed. Choose the photos again.`,
    );
  }
}
