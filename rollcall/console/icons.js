// Small drawings beside words; never instead of them.

import { svg } from "./dom.js";

const PATHS = {
  overview: ["M4 13h6V4H4z", "M14 20h6v-9h-6z", "M14 7h6V4h-6z", "M4 20h6v-3H4z"],
  people: [
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
    "M2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6",
    "M16 4.3a3.5 3.5 0 0 1 0 6.4",
    "M18 14.5c2 .8 3.2 2.6 3.5 5.5",
  ],
  enrol: [
    "M10 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
    "M3.5 20c.4-4 3-6 6.5-6 1.3 0 2.5.3 3.5.8",
    "M18 14v6",
    "M15 17h6",
  ],
  recognise: [
    "M4 8V5a1 1 0 0 1 1-1h3",
    "M16 4h3a1 1 0 0 1 1 1v3",
    "M20 16v3a1 1 0 0 1-1 1h-3",
    "M8 20H5a1 1 0 0 1-1-1v-3",
    "M12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
    "M7.5 17c.5-2 2.2-3 4.5-3s4 1 4.5 3",
  ],
  attendance: ["M7 5H5v15h14V5h-2", "M9 3h6v4H9z", "M8.5 14l2.5 2.5 4.5-5"],
  import: ["M12 4v11", "M7.5 11l4.5 4.5 4.5-4.5", "M4 20h16"],
  models: ["M12 3l8 4.5v9L12 21l-8-4.5v-9z", "M4 7.5l8 4.5 8-4.5", "M12 12v9"],
  key: ["M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M11 12.5L20 4", "M16 8l3 3"],
  sun: [
    "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
    "M12 2.5v2",
    "M12 19.5v2",
    "M2.5 12h2",
    "M19.5 12h2",
    "M5.3 5.3l1.4 1.4",
    "M17.3 17.3l1.4 1.4",
    "M18.7 5.3l-1.4 1.4",
    "M6.7 17.3l-1.4 1.4",
  ],
  moon: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z"],
  good: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M8 12.5l3 3 5-6"],
  warn: ["M12 4l9 16H3z", "M12 10v4.5", "M12 17.2v.1"],
  bad: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M9 9l6 6", "M15 9l-6 6"],
  info: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 11v5.5", "M12 7.8v.1"],
  search: ["M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13z", "M15.5 15.5L21 21"],
  trash: ["M5 7h14", "M10 7V4h4v3", "M7 7l1 13h8l1-13", "M10.5 11v5", "M13.5 11v5"],
  camera: ["M4 8h4l1.5-2.5h5L16 8h4v11H4z", "M12 16.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6z"],
  file: ["M6 3h8l4 4v14H6z", "M14 3v4h4", "M12 18v-6", "M9.5 14l2.5-2.5 2.5 2.5"],
  download: ["M12 4v11", "M7.5 11l4.5 4.5 4.5-4.5", "M4 20h16"],
  back: ["M19 12H5", "M11 6l-6 6 6 6"],
  refresh: ["M20 11a8 8 0 0 0-14.5-3.5L4 9", "M4 4v5h5", "M4 13a8 8 0 0 0 14.5 3.5L20 15", "M20 20v-5h-5"],
};

/** One of the drawings, 20 pixels wide, hidden from screen readers. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", width: 20, height: 20, "aria-hidden": "true", focusable: "false" },
    PATHS[name].map((path) => svg("path", { d: path })),
  );
}
