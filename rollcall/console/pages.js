// The pages, in the order of the navigation. `file` is the module in views/.

export const PAGES = [
  { name: "overview", title: "Overview", file: "overview" },
  { name: "people", title: "People", file: "people" },
  { name: "enrol", title: "Enrol", file: "enroll" },
  { name: "recognise", title: "Recognise", file: "recognize" },
  { name: "attendance", title: "Attendance", file: "attendance" },
  { name: "import", title: "Import", file: "import" },
  { name: "models", title: "Models", file: "models" },
];

/** The page and the parameters that an address's hash names; the first page when it names none. */
export function placeOf(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const page = PAGES.find(({ name }) => name === path) ?? PAGES[0];
  return { page, params: new URLSearchParams(query) };
}

/** The hash of a page: addressOf("enrol", {type: "student", code: "S001"}). */
export function addressOf(name, params = {}) {
  const given = Object.entries(params).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  const query = new URLSearchParams(given).toString();
  return `#/${name}${query && `?${query}`}`;
}

/** Note a page's state in its address without opening the page anew. */
export function noteInAddress(name, params) {
  history.replaceState(null, "", addressOf(name, params));
}

/** Open the same page anew, such as with another key. */
export function openAgain() {
  dispatchEvent(new HashChangeEvent("hashchange"));
}
