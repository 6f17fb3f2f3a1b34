// One picture of the camera after the other to the server: the next one leaves when the last is answered.

import { ApiError, post, withHeaders } from "./api.js";
import { pauseAfterErrorMs, pauseMs, rest } from "./pace.js";

/**
 * Send pictures until `signal` is aborted.
 *
 * `fields()` gives the form's other fields for each picture; `onAnswer(answer, {width, height})` gets the answer and
 * the size of the picture that it is about; `onTrouble(error, waitMs)` hears of what passes by itself.
 * Rejects with an ApiError that does not, such as a wrong key.
 */
export async function ask({
  camera,
  path,
  maxSide,
  signal,
  fields = () => ({}),
  onAnswer,
  onTrouble = () => {},
}) {
  let errors = 0;
  while (!signal.aborted) {
    const began = performance.now();
    let pause;
    try {
      const picture = await camera.snap({ maxSide });
      const { answer, headers } = await post(path, formOf(picture.blob, fields()), {
        signal,
        read: withHeaders,
      });
      errors = 0;
      if (!signal.aborted) onAnswer(answer, picture);
      pause = pauseMs(headers) - (performance.now() - began);
    } catch (error) {
      if (signal.aborted) return;
      if (!passes(error)) throw error;
      pause = pauseAfterErrorMs(error, errors++);
      onTrouble(error, pause);
    }
    await rest(pause, signal);
  }
}

export function formOf(blob, fields, name = "camera.jpg") {
  const form = new FormData();
  form.append("image", blob, name);
  for (const [field, value] of Object.entries(fields)) {
    if (value !== null && value !== undefined && value !== "") form.append(field, String(value));
  }
  return form;
}

function passes(error) {
  return error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);
}
