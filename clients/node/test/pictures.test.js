/** Where a picture may come from. */

import assert from "node:assert/strict";
import { Blob, File } from "node:buffer";
import { createReadStream } from "node:fs";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ImageTooLargeError, InvalidImageError, MAX_PICTURE_BYTES, PictureUnreadableError } from "rollcall-client";

import { readPicture } from "../src/pictures.js";
import { until } from "./bad_network.js";
import { clientOf, file } from "./world.js";

const client = clientOf();
const path = file("person-20.jpg");
const bytes = await readFile(path);

const SOURCES = {
  "a path": () => path,
  "a file: address": () => pathToFileURL(path),
  "a Buffer": () => bytes,
  "a Uint8Array that is a part of a larger one": () => {
    const larger = new Uint8Array(bytes.length + 20);
    larger.set(bytes, 10);
    return larger.subarray(10, 10 + bytes.length);
  },
  "an ArrayBuffer": () => new Uint8Array(bytes).buffer,
  "a Blob": () => new Blob([bytes]),
  "a File": () => new File([bytes], "ada.jpg"),
  "a data URL": () => `data:image/jpeg;base64,${bytes.toString("base64")}`,
  "a data: address": () => new URL(`data:image/jpeg;base64,${bytes.toString("base64")}`),
  "plain base64": () => ({ base64: bytes.toString("base64") }),
  "base64 in lines": () => ({ base64: bytes.toString("base64").replace(/.{76}/g, "$&\r\n") }),
  "a stream of Node": () => createReadStream(path, { highWaterMark: 1000 }),
  "a stream of the web": () => Readable.toWeb(createReadStream(path)),
  "a generator": () => (async function* () { yield bytes.subarray(0, 100); yield bytes.subarray(100); })(),
};

for (const [what, source] of Object.entries(SOURCES)) {
  test(`${what} is a picture`, async () => {
    const { faces } = await client.detect(source());
    assert.equal(faces.length, 1);
  });
}

test("each source gives the same bytes", async () => {
  for (const [what, source] of Object.entries(SOURCES)) {
    const picture = await readPicture(source());
    assert.deepEqual(Buffer.from(await picture.bytes.arrayBuffer()), bytes, what);
  }
});

test("a file has a name, and other bytes have none", async () => {
  assert.equal((await readPicture(path)).name, "person-20.jpg");
  assert.equal((await readPicture(new File([bytes], "ada.jpg"))).name, "ada.jpg");
  assert.equal((await readPicture(bytes)).name, null);
});

test("10 MB are let through to the server, which says what is wrong with them", async () => {
  await assert.rejects(client.detect(Buffer.alloc(MAX_PICTURE_BYTES)), InvalidImageError);
});

const TOO_LARGE = {
  bytes: () => Buffer.alloc(MAX_PICTURE_BYTES + 1),
  "a Blob": () => new Blob([Buffer.alloc(MAX_PICTURE_BYTES + 1)]),
  "a data URL": () => `data:image/png;base64,${"A".repeat(16_000_000)}`,
  "base64": () => ({ base64: Buffer.alloc(MAX_PICTURE_BYTES + 1).toString("base64") }),
};

for (const [what, source] of Object.entries(TOO_LARGE)) {
  test(`more than 10 MB as ${what} are not sent`, async () => {
    await assert.rejects(client.detect(source()), (error) => {
      assert.ok(error instanceof ImageTooLargeError);
      assert.equal(error.status, null);
      assert.match(error.suggestion, /10 MB/);
      return true;
    });
  });
}

test("a file of more than 10 MB is not even read", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "rollcall-"));
  t.after(() => rm(folder, { recursive: true }));
  const large = join(folder, "large.jpg");
  await writeFile(large, "");
  await truncate(large, 50 * 2 ** 30);
  await assert.rejects(client.detect(large), ImageTooLargeError);
});

test("an endless stream is ended at 10 MB", async () => {
  let given = 0;
  const endless = new Readable({
    read() {
      given += 1;
      this.push(Buffer.alloc(1024 * 1024));
    },
  });
  await assert.rejects(client.detect(endless), ImageTooLargeError);
  assert.ok(endless.destroyed);
  assert.ok(given < 20, `${given} MB were read`);
});

test("an endless generator is ended too", async () => {
  let ended = false;
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(1024 * 1024);
    } finally {
      ended = true;
    }
  }
  await assert.rejects(client.detect(endless()), ImageTooLargeError);
  await until(() => ended, "the generator's end");
});

test("a stream that gives nothing is ended when the time is up", async () => {
  const silent = new PassThrough();
  await assert.rejects(client.detect(silent, { timeoutMs: 50 }), { code: "TIMEOUT", mayBeDone: false });
  await until(() => silent.destroyed, "the stream's end");
});

test("what the caller breaks off is ended with the caller's own reason", async () => {
  const silent = new PassThrough();
  const controller = new AbortController();
  const call = client.detect(silent, { signal: controller.signal });
  const reason = new Error("the page was closed");
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await until(() => silent.destroyed, "the stream's end");
});

const UNREADABLE = {
  "a file that is not there": () => file("no-such-file.jpg"),
  "a folder": () => file("."),
  "a stream that breaks off": () => Readable.from((async function* () { yield bytes; throw new Error("gone"); })()),
  "a stream of text": () => createReadStream(path, "latin1"),
};

for (const [what, source] of Object.entries(UNREADABLE)) {
  test(`${what} cannot be read, and the error says what to do`, async () => {
    await assert.rejects(client.detect(source()), (error) => {
      assert.ok(error instanceof PictureUnreadableError, String(error));
      assert.ok(error.suggestion);
      return true;
    });
  });
}

test("the error does not tell the path, which may be somebody's name", async () => {
  await assert.rejects(client.detect("/home/Ada Lovelace.jpg"), (error) => !/Ada/.test(JSON.stringify(error) + error.message));
});

test("nothing is not a picture", async () => {
  await assert.rejects(client.detect(Buffer.alloc(0)), InvalidImageError);
  await assert.rejects(client.detect({ base64: "not base64!" }), InvalidImageError);
});

for (const value of [undefined, null, 7, {}, [bytes], new URL("http://127.0.0.1/a.jpg")]) {
  test(`${value?.href ?? JSON.stringify(value)?.slice(0, 20)} is a mistake in the program`, async () => {
    await assert.rejects(client.detect(value), TypeError);
  });
}
