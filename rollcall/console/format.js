// Numbers and times as people read them. Times by the database's clock have no zone and are shown as they are;
// those of jobs and switches have one, and are shown in this device's.

const NUMBER = new Intl.NumberFormat("en-GB");
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const NOTHING = "–";

export function number(value) {
  return value === null || value === undefined ? NOTHING : NUMBER.format(value);
}

/** plural(1, "face", "faces") is "1 face". */
export function plural(value, one, many) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function date(iso) {
  return iso ? DATE.format(new Date(iso)) : NOTHING;
}

export function time(iso) {
  return iso ? TIME.format(new Date(iso)) : NOTHING;
}

export function dateAndTime(iso) {
  return iso ? `${date(iso)}, ${time(iso)}` : NOTHING;
}

/** What is empty is a dash. */
export function text(value) {
  return value === null || value === undefined || value === "" ? NOTHING : value;
}

export const typeName = (type) => ({ student: "Student", teacher: "Teacher" })[type] ?? type;
