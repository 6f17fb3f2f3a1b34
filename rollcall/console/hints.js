// What to do for a better picture, in a few words, from the server's look at the face.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { speaker } from "./speaker.js";

/** {kind, text} of the `quality` of POST /api/face/quality-check; kind: good, warn or info. */
export function hintOf(quality) {
  if (!quality.face_detected) return { kind: "info", text: "No face yet: look into the camera." };
  const text = fault(quality);
  return text ? { kind: "warn", text } : { kind: "good", text: "Good: take the picture." };
}

/** The same for a picture that was taken already. */
export function verdictOf(quality) {
  if (!quality.face_detected) return { kind: "bad", text: "No face was found." };
  if (quality.face_count > 1) return { kind: "warn", text: "Several faces: the largest counts." };
  const good = quality.recommendation === "suitable_for_enrollment";
  return good ? { kind: "good", text: "Good picture" } : { kind: "warn", text: quality.recommendation };
}

function fault({ face_count, face_size, brightness, blur_level, recommendation }) {
  if (face_count > 1) return "One person only, please.";
  if (face_size === "small") return "Come closer.";
  if (face_size === "large") return "Step back a little.";
  if (brightness === "dark") return "Too dark: more light from the front.";
  if (brightness === "bright") return "Too bright: less light on the face.";
  if (blur_level === "high") return "Hold still.";
  return recommendation === "suitable_for_enrollment" ? "" : recommendation;
}

/** A line that shows the hint of the moment, and says it when it changes. */
export function hintLine(signal) {
  const say = speaker({ signal });
  const element = h("p", { class: "hint-line info", hidden: true });
  return {
    element,
    show({ kind, text }) {
      element.className = `hint-line ${kind}`;
      element.replaceChildren(icon(kind), h("span", {}, text));
      element.hidden = false;
      say(text);
    },
    hide: () => (element.hidden = true),
  };
}
