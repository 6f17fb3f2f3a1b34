/** Files of any size, sent while they are read: none is ever in memory as a whole. */

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { given } from "./bodies.js";
import { PictureUnreadableError } from "./errors.js";
import { chunksOf, isStream } from "./streams.js";

/**
 * A form with files, for Transport.
 *
 * @param {Record<string, unknown>} fields
 * @param {Record<string, {source: import("./index.js").Upload | undefined, type: string}>} files
 */
export function uploadForm(fields, files) {
  return async () => {
    const boundary = `rollcall-${randomUUID()}`;
    const parts = given(fields).map(([name, value]) => text(`${headOf(boundary, name)}\r\n${value}\r\n`));
    for (const [name, { source, type }] of Object.entries(files)) {
      if (source === undefined || source === null) continue;
      const about = `; filename="${name}"\r\nContent-Type: ${type}`;
      parts.push(text(`${headOf(boundary, name, about)}\r\n`), await open(source), text("\r\n"));
    }
    parts.push(text(`--${boundary}--\r\n`));
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
    if (Number.isFinite(size)) headers["content-length"] = String(size);
    let stop = new AbortController();
    const make = () => {
      stop = new AbortController();
      // fetch keeps a copy of all that it sends, for redirects, unless these two say that there will be none.
      return { body: streamOf(inTurn(parts, stop.signal), stop), headers, duplex: "half", redirect: "error", window: null };
    };
    // What was read from a stream is gone.
    make.once = parts.some((part) => part.once);
    make.end = () => stop.abort();
    return make;
  };
}

function headOf(boundary, name, about = "") {
  return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${about}\r\n`;
}

function text(value) {
  return whole(Buffer.from(value));
}

function whole(bytes) {
  return { size: bytes.byteLength, chunks: () => [bytes] };
}

/** `{size, chunks(signal), once}` of a source; `size` is NaN where it is not known before. */
async function open(source) {
  if (typeof source === "string") return file(source);
  if (source instanceof URL && source.protocol === "file:") return file(fileURLToPath(source));
  if (source instanceof Blob) return { size: source.size, chunks: (signal) => chunksOf(source.stream(), signal) };
  if (source instanceof ArrayBuffer) return whole(new Uint8Array(source));
  if (ArrayBuffer.isView(source)) return whole(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  if (isStream(source)) return { size: NaN, once: true, chunks: (signal) => chunksOf(source, signal) };
  throw new TypeError("A file is a path, a file: address, a Buffer, a Uint8Array, an ArrayBuffer, a Blob or a stream.");
}

async function file(path) {
  let found;
  try {
    found = await stat(path);
  } catch (error) {
    throw unreadable(error.code, error);
  }
  if (!found.isFile()) throw unreadable("it is not a file");
  return { size: found.size, chunks: (signal) => chunksOf(createReadStream(path), signal) };
}

async function* inTurn(parts, signal) {
  for (const part of parts) yield* part.chunks(signal);
}

function streamOf(chunks, stop) {
  // Nothing is read before it is asked for, so a file is not opened for a server that is away.
  return new ReadableStream(
    {
      async pull(controller) {
        const { value, done } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      // chunks.return() would wait for a chunk that may never come.
      cancel() {
        stop.abort();
      },
    },
    { highWaterMark: 0 },
  );
}

function unreadable(problem, cause) {
  return new PictureUnreadableError(`The file cannot be read: ${problem}.`, {
    cause,
    details: { suggestion: "Check the path, and that this program may read the file." },
  });
}
