/** Programs of their own, in processes of their own. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { file, url } from "./world.js";

const LIMIT_MS = 180_000;

/** Run a program that has `client`, and give what it printed; it is ended, and the test fails, if it goes on. */
export async function program(code, baseUrl = url) {
  const text = `
    import { createReadStream } from "node:fs";
    import { Rollcall } from "rollcall-client";
    const client = new Rollcall({ baseUrl: ${JSON.stringify(baseUrl)}, apiKey: process.env.ROLLCALL_ADMIN_KEY, retries: 0 });
    const picture = ${JSON.stringify(file("person-1.jpg"))};
    ${code}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stdout.on("data", (data) => { said += data; });
  child.stderr.on("data", (data) => { said += data; });
  const [status, signal] = await once(child, "close");
  assert.deepEqual([status, signal], [0, null], said);
  return said;
}
