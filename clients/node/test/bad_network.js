/** A server that misbehaves as it is told: each request meets the next step, and the last step for ever. */

import { createServer } from "node:http";
import { once } from "node:events";

const LIMIT_MS = 20_000;

/** Answer with this. */
export const answer = (status, body, headers = {}) => (request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
};

/** Refuse in Rollcall's shape. */
export const refuse = (status, code, { details = {}, headers = {} } = {}) =>
  answer(status, { success: false, error_code: code, message: `It is ${code}.`, details }, headers);

/** Close the connection without a word. */
export const cut = (request) => request.socket.destroy();

/** Close it in the middle of the answer. */
export const cutInside = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"success":', () => response.socket.destroy());
};

/** Never answer. */
export const hang = (request) => void request.resume();

/** Begin to answer, and never end. */
export const hangInside = (_request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"success":');
};

/** Start it for this test: `{url, requests, sockets}`. */
export async function badServer(t, ...steps) {
  const requests = [];
  const sockets = new Set();
  const server = createServer((request, response) => {
    const step = steps[Math.min(requests.length, steps.length - 1)];
    requests.push({ method: request.method, path: request.url, headers: request.headers, at: performance.now() });
    step(request, response);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, requests, sockets };
}

/** An address at which nobody listens. */
export async function nobodyAt() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

/** Wait until it holds. */
export async function until(condition, what) {
  const end = performance.now() + LIMIT_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
