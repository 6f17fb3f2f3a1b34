/** Bytes from streams of every kind. */

import { orAbort } from "./abort.js";
import { PictureUnreadableError } from "./errors.js";

/** Whether it is a stream of Node or of the web, or anything else that gives bytes in turn. */
export function isStream(source) {
  return typeof source?.getReader === "function" || typeof source?.[Symbol.asyncIterator] === "function";
}

/** The chunks of a stream. Whoever breaks off ends the stream, even while a chunk is awaited. */
export async function* chunksOf(stream, signal) {
  const { next, end } = opened(stream);
  let done = false;
  try {
    while (!done) {
      const step = signal ? await orAbort(next, signal) : await next();
      done = step.done === true;
      if (!done) yield bytesOf(step.value);
    }
  } finally {
    if (!done) end();
  }
}

/** All bytes of a stream; `tooLong` makes the error that it is given up with beyond `maxBytes`. */
export async function readAll(stream, { maxBytes, tooLong, signal }) {
  const chunks = [];
  let size = 0;
  for await (const chunk of chunksOf(stream, signal)) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function opened(stream) {
  if (typeof stream.getReader === "function") {
    const reader = stream.getReader();
    return { next: () => reader.read(), end: () => void reader.cancel().catch(() => {}) };
  }
  const iterator = stream[Symbol.asyncIterator]();
  // A generator's return() waits for its next(), which may never come: nobody waits for it.
  const end = () => {
    if (typeof stream.destroy === "function") stream.destroy();
    else void Promise.resolve(iterator.return?.()).catch(() => {});
  };
  return { next: () => iterator.next(), end };
}

function bytesOf(chunk) {
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new PictureUnreadableError("The stream gives something else than bytes.", {
    details: { suggestion: "Open it without an encoding, such as createReadStream(path)." },
  });
}
