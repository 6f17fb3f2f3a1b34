/** Settings, from the environment alone. */

import { readFileSync } from "node:fs";

/** Read them, or throw an error that says which is missing. */
export function readSettings(environment = process.env) {
  return {
    host: environment.HOST ?? "127.0.0.1",
    port: Number(environment.PORT ?? 3000),
    rollcallUrl: environment.ROLLCALL_URL ?? "http://localhost:8000",
    rollcallKey: environment.ROLLCALL_API_KEY || undefined,
    teachers: readTeachers(environment.TEACHERS_FILE),
  };
}

/** The people who may log in, by code: `{"T001": {"name": "...", "admin": true, "pin": "scrypt:..."}}`. */
function readTeachers(path) {
  if (!path) throw new Error("Set TEACHERS_FILE to the file that says who may log in; the README shows one.");
  const found = JSON.parse(readFileSync(path, "utf8"));
  return new Map(Object.entries(found).map(([code, teacher]) => [codeOf(code), { ...teacher, code: codeOf(code) }]));
}

/** Codes compare without regard to case or trailing blanks, as Rollcall's do. */
export function codeOf(text) {
  return String(text).trimEnd().toUpperCase();
}
