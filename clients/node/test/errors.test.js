/** Errors: one class for each code, and what they tell. */

import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import * as rollcall from "rollcall-client";

import { answer, badServer, nobodyAt, refuse } from "./bad_network.js";
import { adminKey, clientOf, file, serverErrors } from "./world.js";

const { ERRORS_BY_CODE, RollcallError, isRollcallError } = rollcall;

test("there is a class for each code of the server, and none besides", () => {
  assert.deepEqual(Object.keys(ERRORS_BY_CODE).sort(), Object.keys(serverErrors).sort());
});

test("each class is exported and named after its code", () => {
  for (const [code, Kind] of Object.entries(ERRORS_BY_CODE)) {
    const words = code.toLowerCase().replace(/(?:^|_)(\w)/g, (_, letter) => letter.toUpperCase());
    assert.equal(Kind.name, words.endsWith("Error") ? words : `${words}Error`);
    assert.equal(rollcall[Kind.name], Kind);
  }
});

for (const [code, status] of Object.entries(serverErrors)) {
  test(`${code} comes as its class`, async (t) => {
    const details = { suggestion: "Do this.", more: 1 };
    const { url } = await badServer(t, refuse(status, code, { details, headers: { "x-request-id": "r-1" } }));
    await assert.rejects(clientOf({ baseUrl: url, retries: 0 }).detect(Buffer.from("x")), (error) => {
      assert.ok(error instanceof ERRORS_BY_CODE[code]);
      assert.ok(error instanceof RollcallError);
      assert.ok(isRollcallError(error, code));
      assert.deepEqual(
        [error.name, error.code, error.status, error.message, error.suggestion, error.details, error.requestId],
        [ERRORS_BY_CODE[code].name, code, status, `It is ${code}.`, "Do this.", details, "r-1"],
      );
      return true;
    });
  });
}

test("a code of a newer server comes as RollcallError", async (t) => {
  const { url } = await badServer(t, refuse(418, "TEAPOT"));
  await assert.rejects(clientOf({ baseUrl: url }).models(), (error) => {
    assert.equal(error.constructor, RollcallError);
    assert.ok(isRollcallError(error, "TEAPOT"));
    assert.equal(error.suggestion, null);
    return true;
  });
});

const STRANGE = {
  "a proxy's page": answer(502, "<html>Bad Gateway</html>", { "content-type": "text/html" }),
  "a page with status 200": answer(200, "<html>Welcome</html>", { "content-type": "text/html" }),
  "another program's JSON": answer(404, { detail: "Not Found" }),
  "a redirect": answer(302, "", { location: "http://127.0.0.1:1/" }),
};

for (const [what, step] of Object.entries(STRANGE)) {
  test(`${what} is an unexpected answer`, async (t) => {
    const { url, requests } = await badServer(t, step);
    await assert.rejects(clientOf({ baseUrl: url, retries: 0 }).models(), { code: "UNEXPECTED_ANSWER" });
    assert.equal(requests.length, 1);
  });
}

test("an unhealthy server's health is an answer", async (t) => {
  const { url } = await badServer(t, answer(503, { status: "unhealthy", message: "No database." }));
  assert.equal((await clientOf({ baseUrl: url }).health()).status, "unhealthy");
});

test("errors of the live server", async () => {
  const client = clientOf();
  await assert.rejects(client.recognize(file("empty.jpg")), rollcall.NoFaceDetectedError);
  await assert.rejects(client.recognize(file("broken.jpg")), rollcall.InvalidImageError);
  await assert.rejects(client.deletePerson("student", "NOBODY"), rollcall.PersonNotFoundError);
  await assert.rejects(client.recognize(file("person-1.jpg"), { top_k: 0 }), (error) => {
    assert.ok(error instanceof rollcall.ValidationError);
    assert.deepEqual(error.details.fields.map(({ field }) => field), ["top_k"]);
    return true;
  });
  await assert.rejects(clientOf({ apiKey: undefined }).models(), rollcall.UnauthorizedError);
  await assert.rejects(clientOf({ apiKey: "wrong" }).models(), rollcall.ForbiddenError);
});

test("the request's id is the caller's own", async () => {
  await assert.rejects(clientOf().deletePerson("student", "NOBODY", { requestId: "lesson-7" }), { requestId: "lesson-7" });
  await assert.rejects(clientOf().models({ requestId: "line\nend" }), TypeError);
});

test("a large picture with a wrong key is answered, not cut off", async () => {
  await assert.rejects(clientOf({ apiKey: "wrong" }).detect(Buffer.alloc(9_000_000)), rollcall.ForbiddenError);
});

test("the key is seen nowhere", async () => {
  const client = clientOf();
  assert.doesNotMatch(inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client), new RegExp(adminKey));
  await assert.rejects(clientOf({ baseUrl: await nobodyAt(), retries: 0 }).models(), (error) => {
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), new RegExp(adminKey));
    return true;
  });
});

for (const options of [
  { baseUrl: "localhost:8000" }, { baseUrl: "not an address" }, { baseUrl: "http://user:sesame@localhost" },
  { baseUrl: undefined }, { timeoutMs: 0 }, { timeoutMs: "soon" }, { retries: -1 }, { retries: 1.5 },
  { apiKey: "two\nlines" }, { apiKey: 7 }, { fetch: "fetch" },
]) {
  test(`${JSON.stringify(options)} is refused at once`, () => {
    assert.throws(() => clientOf(options), (error) => error instanceof TypeError && !/sesame/.test(error.message));
  });
}

test("a value cannot change the path", async () => {
  await assert.rejects(clientOf().job(".."), rollcall.ValidationError);
  await assert.rejects(clientOf().job(""), TypeError);
  await assert.rejects(clientOf().listFaces("student/../../models"), rollcall.RollcallError);
});
