/** Imports: files of any size, sent while they are read. */

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ImageTooLargeError, NetworkError, PictureUnreadableError } from "rollcall-client";

import { badServer, refuse, until } from "./bad_network.js";
import { program } from "./program.js";
import { clientOf, file } from "./world.js";

const path = file("photos.zip");
const bytes = await readFile(path);
const MB = 2 ** 20;

/** Takes a form apart, and answers with the job. */
const taking = (found) => async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const form = await new Response(body, { headers: { "content-type": request.headers["content-type"] } }).formData();
  found.push({ form, size: body.length });
  response.writeHead(202, { "content-type": "application/json" });
  response.end('{"success":true,"job":{"state":"waiting"}}');
};

/** Only counts what comes. */
const counting = (sizes) => (request, response) => {
  let size = 0;
  request.on("data", (chunk) => { size += chunk.length; });
  request.on("end", () => {
    sizes.push(size);
    response.writeHead(202, { "content-type": "application/json" });
    response.end('{"success":true}');
  });
};

const SOURCES = {
  "a path": () => path,
  "a file: address": () => pathToFileURL(path),
  "a Buffer": () => bytes,
  "an ArrayBuffer": () => new Uint8Array(bytes).buffer,
  "a Blob": () => new Blob([bytes]),
  "a stream": () => createReadStream(path),
};

for (const [what, source] of Object.entries(SOURCES)) {
  test(`photos may be ${what}`, async (t) => {
    const found = [];
    const { url, requests } = await badServer(t, taking(found));
    const client = clientOf({ baseUrl: url });
    const answer = await client.startImport({ photos: source(), csv: file("people.csv"), person_type: "student", dry_run: true });
    assert.equal(answer.job.state, "waiting");
    const [{ form, size }] = found;
    assert.deepEqual(Buffer.from(await form.get("photos").arrayBuffer()), bytes);
    assert.deepEqual(Buffer.from(await form.get("csv").arrayBuffer()), await readFile(file("people.csv")));
    assert.deepEqual([form.get("person_type"), form.get("dry_run")], ["student", "true"]);
    const declared = requests[0].headers["content-length"];
    assert.equal(declared, what === "a stream" ? undefined : String(size));
  });
}

test("a csv may be left out", async (t) => {
  const found = [];
  const { url } = await badServer(t, taking(found));
  await clientOf({ baseUrl: url }).startImport({ photos: path, person_type: "student" });
  assert.deepEqual([...found[0].form.keys()].sort(), ["person_type", "photos"]);
});

test("a file is sent again after 429, and a stream is not", async (t) => {
  const found = [];
  const limited = refuse(429, "RATE_LIMITED", { headers: { "retry-after": "0" } });
  const again = await badServer(t, limited, taking(found));
  await clientOf({ baseUrl: again.url }).startImport({ photos: path, person_type: "student" });
  assert.equal(found[0].form.get("photos").size, bytes.length);
  const once = await badServer(t, limited);
  const call = clientOf({ baseUrl: once.url }).startImport({ photos: createReadStream(path), person_type: "student" });
  await assert.rejects(call, { code: "RATE_LIMITED" });
  assert.equal(once.requests.length, 1);
});

test("a gigabyte is never in memory as a whole", { timeout: 240_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "rollcall-"));
  t.after(() => rm(folder, { recursive: true }));
  const large = join(folder, "large.zip");
  await writeFile(large, "");
  await truncate(large, 1024 * MB);
  const sizes = [];
  const { url } = await badServer(t, counting(sizes));
  const said = await program(
    `await client.startImport({ photos: ${JSON.stringify(large)}, person_type: "student" });
    console.log(process.resourceUsage().maxRSS);`,
    url,
  );
  assert.ok(sizes[0] > 1024 * MB);
  const mostMB = Number(/^(\d+)$/m.exec(said)[1]) / 1024;
  assert.ok(mostMB < 400, `${Math.round(mostMB)} MB`);
});

test("a file that cannot be read is told before anything is sent", async (t) => {
  const { url, requests } = await badServer(t, refuse(500, "INTERNAL_ERROR"));
  const client = clientOf({ baseUrl: url });
  for (const photos of [file("no-such.zip"), file(".")]) {
    await assert.rejects(client.startImport({ photos, person_type: "student" }), PictureUnreadableError);
  }
  await assert.rejects(client.startImport({ photos: 7, person_type: "student" }), TypeError);
  assert.equal(requests.length, 0);
});

test("a stream that breaks off breaks the request off", async (t) => {
  const { url } = await badServer(t, counting([]));
  const broken = (async function* () { yield bytes; throw new Error("gone"); })();
  await assert.rejects(clientOf({ baseUrl: url }).startImport({ photos: broken, person_type: "student" }), NetworkError);
});

test("a caller who breaks off ends the stream", async (t) => {
  const { url, requests } = await badServer(t, counting([]));
  const silent = new PassThrough();
  const controller = new AbortController();
  const fields = { photos: silent, person_type: "student" };
  const call = clientOf({ baseUrl: url }).startImport(fields, { signal: controller.signal });
  await until(() => requests.length === 1, "the request");
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  await until(() => silent.destroyed, "the stream's end");
});

test("a batch beyond the server's limit is not sent", async (t) => {
  const { url, requests } = await badServer(t, refuse(500, "INTERNAL_ERROR"));
  const item = { person_type: "student", person_code: "B1", person_name: "B", image: Buffer.alloc(10 * MB) };
  await assert.rejects(clientOf({ baseUrl: url }).batchEnroll(Array(9).fill(item)), ImageTooLargeError);
  assert.equal(requests.length, 0);
});
