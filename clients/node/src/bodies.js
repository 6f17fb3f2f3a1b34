/** Request bodies: forms with pictures, JSON, and uploads that are sent while they are read. */

import { readPicture } from "./pictures.js";

/** A body of JSON, for Transport. */
export function json(value) {
  const text = JSON.stringify(value);
  return async () => () => ({ body: text, headers: { "content-type": "application/json" } });
}

/**
 * A form with pictures, for Transport. Pictures are read to their end once, so that the form can be sent again.
 *
 * @param {Record<string, unknown>} fields left out where undefined or null
 * @param {Record<string, import("./index.js").Picture>} pictures
 * @param {object} [how]
 * @param {string} [how.nameAs] a field that gets the name of the only picture's file, unless it is given
 */
export function form(fields, pictures, { nameAs } = {}) {
  return async (signal) => {
    const all = { ...fields };
    const files = [];
    for (const [field, source] of Object.entries(pictures)) {
      const { bytes, name } = await readPicture(source, signal);
      files.push([field, bytes]);
      if (nameAs && name !== null) all[nameAs] ??= name.slice(0, 255);
    }
    return () => ({ body: formOf(all, files) });
  };
}

function formOf(fields, files) {
  const made = new FormData();
  for (const [name, value] of given(fields)) made.append(name, String(value));
  for (const [name, bytes] of files) made.append(name, bytes, name);
  return made;
}

/** The fields that are neither undefined nor null. */
export function given(fields) {
  return Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
}
