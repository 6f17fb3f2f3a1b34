/** A picture, from wherever it comes, as bytes. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

import { ImageTooLargeError, InvalidImageError, PictureUnreadableError, isRollcallError } from "./errors.js";
import { isStream, readAll } from "./streams.js";

/** The server takes no larger picture. */
export const MAX_PICTURE_BYTES = 10 * 1024 * 1024;

const DATA_URL = /^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+-]+=[\w.+-]+)*;base64,/i;

/**
 * Read a picture to its end.
 *
 * @param {import("./index.js").Picture} source
 * @param {AbortSignal} [signal] ends the reading
 * @returns {Promise<{bytes: Blob, name: string | null}>} `name` is the file's, where there is one
 */
export async function readPicture(source, signal) {
  const { content, name = null } = await read(source, signal);
  const bytes = content instanceof Blob ? content : new Blob([content]);
  if (bytes.size === 0) throw new InvalidImageError("The picture is empty.", suggest("Give a JPEG, PNG or WebP file."));
  if (bytes.size > MAX_PICTURE_BYTES) throw tooLarge();
  return { bytes, name };
}

/** The same as base64, for what is sent as JSON. */
export async function readBase64(source, signal) {
  const { bytes, name } = await readPicture(source, signal);
  return { base64: Buffer.from(await bytes.arrayBuffer()).toString("base64"), name };
}

function read(source, signal) {
  if (typeof source === "string") return DATA_URL.test(source) ? fromBase64(source) : fromFile(source, signal);
  if (source instanceof URL) return fromAddress(source, signal);
  if (source instanceof Blob) return { content: source, name: source.name || null };
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return { content: source };
  if (typeof source?.base64 === "string") return fromBase64(source.base64);
  if (isStream(source)) return fromStream(source, signal);
  throw new TypeError(
    "A picture is a path, a data URL, {base64}, a Buffer, a Uint8Array, an ArrayBuffer, a Blob or a stream.",
  );
}

function fromAddress(url, signal) {
  if (url.protocol === "file:") return fromFile(fileURLToPath(url), signal);
  if (url.protocol === "data:") return fromBase64(url.href);
  throw new TypeError("Only file: and data: addresses are read. Fetch others, and give the answer's body.");
}

function fromBase64(text) {
  const data = text.replace(DATA_URL, "");
  if ((data.length / 4) * 3 > MAX_PICTURE_BYTES * 1.1) throw tooLarge();
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(data)) {
    throw new InvalidImageError("The picture is not valid base64.", suggest("Give base64, or a data URL of it."));
  }
  return { content: Buffer.from(data, "base64") };
}

async function fromFile(path, signal) {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw unreadable("it is not a file");
    if (found.size > MAX_PICTURE_BYTES) throw tooLarge();
  } catch (error) {
    throw isRollcallError(error) ? error : unreadable(error.code, error);
  }
  return { ...(await fromStream(createReadStream(path), signal)), name: basename(path) };
}

async function fromStream(stream, signal) {
  try {
    return { content: await readAll(stream, { maxBytes: MAX_PICTURE_BYTES, tooLong: tooLarge, signal }) };
  } catch (error) {
    if (isRollcallError(error) || signal?.aborted) throw error;
    throw unreadable(error?.code ?? "the stream broke off", error);
  }
}

function unreadable(problem, cause) {
  return new PictureUnreadableError(`The picture cannot be read: ${problem}.`, {
    cause,
    ...suggest("Check the path, and that this program may read the file."),
  });
}

function tooLarge() {
  return new ImageTooLargeError("The picture is larger than 10 MB.", {
    details: { suggestion: "Give a picture of at most 10 MB.", max_bytes: MAX_PICTURE_BYTES },
  });
}

function suggest(suggestion) {
  return { details: { suggestion } };
}
