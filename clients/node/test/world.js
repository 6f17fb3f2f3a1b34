/** The live server of tests/e2e/test_node_client.py, and pictures of people it can tell apart. */

import { join } from "node:path";
import { Rollcall } from "rollcall-client";

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are run by tests/e2e/test_node_client.py.`);
  return value;
}

export const url = needed("ROLLCALL_URL");
export const adminKey = needed("ROLLCALL_ADMIN_KEY");
export const kioskKey = needed("ROLLCALL_KIOSK_KEY");
/** The codes of rollcall/core/errors.py, and their statuses. */
export const serverErrors = JSON.parse(needed("ROLLCALL_ERRORS"));

const folder = needed("ROLLCALL_PICTURES");

/** The path of `person-N.jpg`, `group.jpg`, `empty.jpg`, `broken.jpg`, `photos.zip` or `people.csv`. */
export const file = (name) => join(folder, name);

export const clientOf = (options) => new Rollcall({ baseUrl: url, apiKey: adminKey, ...options });
