/** What of a request's body is handed on: named fields alone. */

import { Refusal } from "./errors.js";

/** The picture of `image_base64`. Given as base64, for a text from outside must never be taken for a path. */
export function pictureOf(body) {
  if (typeof body?.image_base64 !== "string") {
    throw new Refusal(422, "VALIDATION_ERROR", "image_base64 is missing.", "Send the picture as base64 or a data URL.");
  }
  return { base64: body.image_base64 };
}

/** Those of these fields that the body has. */
export function pick(body, ...names) {
  return Object.fromEntries(names.filter((name) => body?.[name] != null).map((name) => [name, body[name]]));
}
