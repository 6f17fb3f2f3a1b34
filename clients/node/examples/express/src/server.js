/** Starts the example, and ends it in turn. */

import { Rollcall } from "rollcall-client";

import { createApp } from "./app.js";
import { readSettings } from "./settings.js";

const settings = readSettings();
const client = new Rollcall({ baseUrl: settings.rollcallUrl, apiKey: settings.rollcallKey });
const app = createApp({ client, teachers: settings.teachers });
const server = app.listen(settings.port, settings.host, (error) => {
  if (error) throw error;
  console.log(`Open http://${settings.host}:${server.address().port}/`);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
}
