/** A program that uses the client ends by itself, and leaves nothing open. */

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { answer, badServer, hang, refuse } from "./bad_network.js";
import { program } from "./program.js";
import { clientOf } from "./world.js";

test("a program ends after its calls", async () => {
  const said = await program(`
    await Promise.all(Array.from({ length: 20 }, () => client.detect(picture)));
    for await (const face of client.eachFace()) break;
    console.log(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length);`);
  assert.match(said, /^0$/m);
});

test("a program ends after calls that failed, timed out and were broken off", async (t) => {
  const server = await badServer(t, hang);
  const said = await program(
    `const failures = [];
    const failed = (call) => call.catch((error) => failures.push(error.code ?? error.name));
    await failed(client.models({ timeoutMs: 100 }));
    await failed(client.models({ signal: AbortSignal.timeout(100) }));
    await failed(client.detect(createReadStream("/dev/zero")));
    await failed(client.detect("/no/such/file"));
    await failed(client.waitForJob("1", { timeoutMs: 100 }));
    console.log(JSON.stringify(failures));`,
    server.url,
  );
  assert.deepEqual(JSON.parse(said.split("\n").find((line) => line.startsWith("["))), [
    "TIMEOUT", 23, "IMAGE_TOO_LARGE", "PICTURE_UNREADABLE", "TIMEOUT",
  ]);
});

test("a program that retries in vain ends, with no answer left unread", async (t) => {
  const server = await badServer(t, refuse(503, "DATABASE_ERROR"));
  await program("await client.models({ retries: 3 }).catch(() => {});", server.url);
  assert.equal(server.requests.length, 4);
});

test("a long-lived signal keeps nothing of calls that are over", async (t) => {
  const { url: baseUrl } = await badServer(t, answer(200, { success: true }));
  const client = clientOf({ baseUrl });
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 50 }, () => client.models({ signal })));
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("calls in turn share a connection", async (t) => {
  const server = await badServer(t, answer(200, { success: true }));
  const client = clientOf({ baseUrl: server.url });
  for (let i = 0; i < 20; i += 1) await client.models();
  // The next may begin before the one before has given its connection back.
  assert.ok(server.sockets.size <= 2);
});
