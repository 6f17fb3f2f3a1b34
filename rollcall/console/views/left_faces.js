// Faces that the wanted model does not know: whose they are, and why.

import { get } from "../api.js";
import { h } from "../dom.js";
import { plural, typeName } from "../format.js";
import { addressOf } from "../pages.js";
import { card } from "../parts.js";
import { table } from "../tables.js";

const LISTED = 50;
const REASONS = { NO_IMAGE: "No picture is kept: enrol the person anew.", WAITING: "Its turn comes." };

export async function leftFaces(count, signal) {
  const { faces, total_count: total } = await get("api/models/left", { query: { limit: LISTED }, signal });
  const more =
    total > faces.length
      ? h("p", { class: "hint" }, `The first ${faces.length} of ${plural(total, "face", "faces")}.`)
      : "";
  return card(
    `${plural(count, "face", "faces")} without an embedding by this model`,
    h("p", {}, "They are recognised by the model that they have, which takes longer."),
    tableOf(faces),
    more,
  );
}

function tableOf(faces) {
  const who = ({ person_type: type, person_code: code }) =>
    h("a", { class: "person-name", href: addressOf("people", { type, code }) }, `${typeName(type)} ${code}`);
  return table({
    caption: "Faces without an embedding by the model that answers",
    rows: faces,
    columns: [
      { label: "Person", cell: who },
      { label: "Why", cell: ({ reason }) => REASONS[reason] ?? `Its picture cannot be read: ${reason}.` },
    ],
  });
}
