/** Bad networks and busy servers: what is sent again, after how long, and what never is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkError, NotDoneError, RateLimitedError, TimeoutError } from "rollcall-client";

import { secondsUntil } from "../src/responses.js";
import { waitMs } from "../src/retries.js";
import { answer, badServer, cut, cutInside, hang, hangInside, nobodyAt, refuse, until } from "./bad_network.js";
import { clientOf, file } from "./world.js";

const OK = answer(200, { success: true });
const limited = (seconds) => refuse(429, "RATE_LIMITED", { headers: { "retry-after": String(seconds) } });
const busy = (details = {}) => refuse(503, "OVERLOADED", { details, headers: { "retry-after": "0" } });

const CALLS = {
  "a GET": (client) => client.models(),
  "a question with a picture": (client) => client.recognize(file("person-1.jpg")),
  "a change": (client) => client.deletePerson("student", "X001"),
  "a change with a picture": (client) =>
    client.enroll({ person_type: "student", person_code: "X001", person_name: "X", image: file("person-1.jpg") }),
};

/** How many requests the server gets when it fails like this once, and whether the call succeeds. */
async function tried(t, step, call) {
  const server = await badServer(t, step, OK);
  const client = clientOf({ baseUrl: server.url });
  const error = await call(client).then(() => null, (problem) => problem);
  return { requests: server.requests.length, error };
}

const ALWAYS = { "a GET": 2, "a question with a picture": 2, "a change": 2, "a change with a picture": 2 };
const ASKING = { ...ALWAYS, "a change": 1, "a change with a picture": 1 };
const FAULTS = [
  ["429 with Retry-After", limited(0), ALWAYS],
  ["503 OVERLOADED with Retry-After", busy(), ALWAYS],
  ["503 OVERLOADED that may be done", busy({ may_be_done: true }), ASKING],
  ["503 OVERLOADED without Retry-After", refuse(503, "OVERLOADED"), ASKING],
  ["503 DATABASE_ERROR", refuse(503, "DATABASE_ERROR"), ASKING],
  ["502 of a proxy", answer(502, "<html>"), ASKING],
  ["a cut connection", cut, ASKING],
  ["an answer that is cut off", cutInside, ASKING],
  ["422", refuse(422, "NO_FACE_DETECTED"), Object.fromEntries(Object.keys(ALWAYS).map((what) => [what, 1]))],
  ["500", refuse(500, "INTERNAL_ERROR"), Object.fromEntries(Object.keys(ALWAYS).map((what) => [what, 1]))],
];

for (const [fault, step, expected] of FAULTS) {
  for (const [what, call] of Object.entries(CALLS)) {
    test(`${what} is sent ${expected[what] === 2 ? "again" : "once"} after ${fault}`, async (t) => {
      const { requests, error } = await tried(t, step, call);
      assert.equal(requests, expected[what]);
      assert.equal(error === null, expected[what] === 2);
    });
  }
}

test("a change that was cut off may be done, and the error says so", async (t) => {
  const { error } = await tried(t, cut, CALLS["a change"]);
  assert.ok(error instanceof NetworkError);
  assert.equal(error.mayBeDone, true);
});

test("where nobody listens nothing can have been done, so a change is tried again", async (t) => {
  const { url } = await badServer(t, OK);
  const nowhere = await nobodyAt();
  let tries = 0;
  const counting = (address, init) => {
    tries += 1;
    return fetch(tries === 1 ? address.replace(url, nowhere) : address, init);
  };
  await clientOf({ baseUrl: url, fetch: counting }).deletePerson("student", "X001");
  assert.equal(tries, 2);
});

test("a server that is away is named, with what to do", async () => {
  const baseUrl = await nobodyAt();
  await assert.rejects(clientOf({ baseUrl, retries: 0 }).models(), (error) => {
    assert.ok(error instanceof NetworkError);
    assert.ok(error.message.includes(`${new URL(baseUrl).host} cannot be reached`), error.message);
    assert.match(error.message, /ECONNREFUSED/);
    assert.ok(error.suggestion);
    assert.equal(error.mayBeDone, false);
    return true;
  });
});

test("it gives up after its retries", async (t) => {
  const { url, requests } = await badServer(t, limited(0));
  await assert.rejects(clientOf({ baseUrl: url, retries: 3 }).models(), RateLimitedError);
  assert.equal(requests.length, 4);
  await assert.rejects(clientOf({ baseUrl: url }).models({ retries: 0 }), RateLimitedError);
  assert.equal(requests.length, 5);
});

test("it waits as long as the server asks", async (t) => {
  const { url, requests } = await badServer(t, limited(1), OK);
  await clientOf({ baseUrl: url }).models();
  assert.ok(requests[1].at - requests[0].at >= 950);
});

test("it does not wait for longer than its timeout, and says so at once", async (t) => {
  const { url, requests } = await badServer(t, limited(30));
  const began = performance.now();
  await assert.rejects(clientOf({ baseUrl: url, timeoutMs: 20_000 }).models(), (error) => {
    assert.ok(error instanceof RateLimitedError);
    assert.equal(error.retryAfterSeconds, 30);
    return true;
  });
  assert.equal(requests.length, 1);
  assert.ok(performance.now() - began < 10_000);
});

test("Retry-After may be a date, and is capped", () => {
  const now = Date.parse("2026-11-29T12:00:00Z");
  assert.equal(secondsUntil("Sun, 29 Nov 2026 12:00:07 GMT", now), 7);
  assert.equal(secondsUntil("Sun, 29 Nov 2026 11:00:00 GMT", now), 0);
  assert.equal(secondsUntil("soon", now), null);
  assert.equal(secondsUntil(null, now), null);
  assert.equal(waitMs({ retryAfterSeconds: 86_400 }, 0), 60_000);
});

test("without Retry-After the pauses grow, each a little by chance", () => {
  const pauses = (chance) => [0, 1, 2, 3, 9].map((attempt) => waitMs({ retryAfterSeconds: null }, attempt, () => chance));
  assert.deepEqual(pauses(1), [250, 500, 1000, 2000, 5000]);
  assert.deepEqual(pauses(0), [125, 250, 500, 1000, 2500]);
});

for (const [what, step] of [["never answers", hang], ["never ends its answer", hangInside]]) {
  test(`a server that ${what} is left when the time is up`, async (t) => {
    const server = await badServer(t, step);
    const client = clientOf({ baseUrl: server.url, timeoutMs: 200 });
    await assert.rejects(client.models(), (error) => {
      assert.ok(error instanceof TimeoutError);
      assert.equal(error.mayBeDone, false);
      return true;
    });
    await assert.rejects(client.deletePerson("student", "X001"), { code: "TIMEOUT", mayBeDone: true });
    await until(() => server.sockets.size === 0, "the end of the connections");
  });

  test(`a server that ${what} is left when the caller says so`, async (t) => {
    const server = await badServer(t, step);
    const controller = new AbortController();
    const call = clientOf({ baseUrl: server.url }).models({ signal: controller.signal });
    await until(() => server.requests.length === 1, "the request");
    controller.abort();
    await assert.rejects(call, { name: "AbortError" });
    await until(() => server.sockets.size === 0, "the end of the connection");
  });
}

test("a caller who broke off before is not served", async (t) => {
  const { url, requests } = await badServer(t, OK);
  await assert.rejects(clientOf({ baseUrl: url }).models({ signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(requests.length, 0);
});

test("a caller can break off a pause", async (t) => {
  const { url, requests } = await badServer(t, limited(20));
  const controller = new AbortController();
  const call = clientOf({ baseUrl: url }).models({ signal: controller.signal });
  await until(() => requests.length === 1, "the request");
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(call, { name: "AbortError" });
});

test("the time limit is for all tries together", async (t) => {
  const { url } = await badServer(t, cut);
  const began = performance.now();
  await assert.rejects(clientOf({ baseUrl: url, retries: 1000, timeoutMs: 1500 }).models());
  assert.ok(performance.now() - began < 10_000);
});

test("a redirect does not take the key along", async (t) => {
  const elsewhere = await badServer(t, OK);
  const { url } = await badServer(t, answer(307, "", { location: elsewhere.url }));
  await assert.rejects(clientOf({ baseUrl: url }).models(), { code: "UNEXPECTED_ANSWER" });
  assert.equal(elsewhere.requests.length, 0);
});

test("a server under a path is found there", async (t) => {
  const { url, requests } = await badServer(t, OK);
  await clientOf({ baseUrl: `${url}/rollcall/` }).listFaces("student", { limit: 5, person_code: "Ä 1&2" });
  assert.equal(requests[0].path, "/rollcall/api/face/list/student?limit=5&person_code=%C3%84+1%262");
});

test("the live server's limit is met, and its Retry-After told", async () => {
  // A caller by way of a proxy: the tests themselves are exempt.
  const fromOutside = (address, init) =>
    fetch(address, { ...init, headers: { ...init.headers, "x-forwarded-for": "203.0.113.7" } });
  const client = clientOf({ fetch: fromOutside, retries: 0 });
  const found = [];
  for (let i = 0; i < 8; i += 1) found.push(await client.models().then(() => null, (error) => error));
  const refused = found.filter((error) => error !== null);
  assert.equal(refused.length, 3);
  for (const error of refused) {
    assert.ok(error instanceof RateLimitedError);
    assert.ok(error.retryAfterSeconds >= 1 && error.retryAfterSeconds <= 60);
  }
});

test("a switch that failed is an error of waiting for it", async (t) => {
  const state = (switched) => answer(200, { success: true, switch: { state: switched, problem: "No room." } });
  const server = await badServer(t, state("running"), state("failed"));
  await assert.rejects(clientOf({ baseUrl: server.url }).waitForSwitch({ pollMs: 1 }), (error) => {
    assert.ok(error instanceof NotDoneError);
    assert.match(error.message, /No room/);
    assert.equal(error.details.switch.state, "failed");
    return true;
  });
});

test("a server that is away meanwhile has not ended what is waited for", async (t) => {
  const [running, done] = ["running", "done"].map((state) => answer(200, { success: true, job: { state } }));
  const steps = [running, cut, refuse(503, "DATABASE_ERROR"), answer(502, "<html>"), done];
  const server = await badServer(t, ...steps);
  const client = clientOf({ baseUrl: server.url, retries: 0 });
  assert.equal((await client.waitForJob("1", { pollMs: 1 })).job.state, "done");
  assert.equal(server.requests.length, steps.length);
  const baseUrl = await nobodyAt();
  await assert.rejects(clientOf({ baseUrl, retries: 0 }).waitForJob("1", { pollMs: 10, timeoutMs: 100 }), (error) => {
    assert.ok(error instanceof TimeoutError);
    assert.ok(error.cause instanceof NetworkError);
    return true;
  });
});

test("waiting has a limit and can be broken off", async (t) => {
  const { url } = await badServer(t, answer(200, { success: true, job: { state: "running" } }));
  const client = clientOf({ baseUrl: url });
  await assert.rejects(client.waitForJob("1", { pollMs: 10, timeoutMs: 100 }), TimeoutError);
  const controller = new AbortController();
  const waiting = client.waitForJob("1", { pollMs: 10, signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
});

test("many calls at once meet a busy server and all come through", async (t) => {
  const { url, requests } = await badServer(t, ...Array.from({ length: 20 }, () => busy()), OK);
  const client = clientOf({ baseUrl: url, retries: 30 });
  await Promise.all(Array.from({ length: 20 }, () => client.detect(file("person-1.jpg"))));
  assert.equal(requests.length, 40);
  await assert.rejects(clientOf({ baseUrl: url }).models({ retries: "many" }), TypeError);
});
