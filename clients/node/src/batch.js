/** A batch, in which one bad item never fails the others, even if it is one that cannot be sent. */

import { json } from "./bodies.js";
import { ImageTooLargeError, isRollcallError } from "./errors.js";
import { readBase64 } from "./pictures.js";

// The server takes no more in one request; 1 MB is for all that is no picture.
const MAX_BATCH_BYTES = 99 * 1024 * 1024;

/** Read the items' pictures, send those that can be, and put the answers in the order of the items. */
export async function enrollAll(items, send) {
  const failures = new Map();
  const sent = [];
  const body = async (signal) => {
    let size = 0;
    for (const [place, item] of items.entries()) {
      try {
        sent.push(await bodyOf(item, signal));
      } catch (error) {
        if (!isRollcallError(error)) throw error;
        failures.set(place, failureOf(item, error));
        continue;
      }
      size += sent.at(-1).image_base64.length;
      if (size > MAX_BATCH_BYTES) throw tooLarge();
    }
    return json({ enrollments: sent })(signal);
  };
  const answer = await send(body);
  return failures.size === 0 ? answer : together(answer, failures, items.length);
}

async function bodyOf({ image, ...fields }, signal) {
  const { base64, name } = await readBase64(image, signal);
  return { ...fields, image_base64: base64, original_name: fields.original_name ?? name?.slice(0, 255) };
}

function failureOf(item, error) {
  return {
    person_code: item.person_code ?? null,
    success: false,
    message: error.message,
    error_code: error.code,
    embedding_id: null,
  };
}

function together(answer, failures, total) {
  const answered = answer.results[Symbol.iterator]();
  const results = Array.from({ length: total }, (_, place) => failures.get(place) ?? answered.next().value);
  const { successful } = answer.summary;
  return { ...answer, results, summary: { total, successful, failed: total - successful } };
}

function tooLarge() {
  return new ImageTooLargeError("The batch is larger than 100 MB.", {
    details: { suggestion: "Send it in several parts." },
  });
}
