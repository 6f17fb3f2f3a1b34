/** Sends calls: address, key, time limit, retries, errors. Knows nothing of faces. */

import { READERS, errorOf, objectIn } from "./responses.js";
import { Deadline } from "./deadline.js";
import { NetworkError, TimeoutError, isRollcallError } from "./errors.js";
import { maySendAgain, waitMs } from "./retries.js";
import { fill, queryOf } from "./routes.js";

const SLOW_FACTOR = 10;
// Of these nothing has left this machine.
const NEVER_CONNECTED = new Set([
  "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT",
]);

export class Transport {
  #base;
  #apiKey;
  #fetch;
  #timeoutMs;
  #retries;

  constructor({ baseUrl, apiKey, timeoutMs = 30_000, retries = 2, fetch = globalThis.fetch }) {
    this.#base = readBase(baseUrl);
    if (apiKey !== undefined && (typeof apiKey !== "string" || !/^[\x21-\x7e]+$/.test(apiKey))) {
      throw new TypeError("apiKey must be a text of letters, digits and signs, without blanks or line ends.");
    }
    if (typeof fetch !== "function") throw new TypeError("fetch must be a function.");
    new Deadline(timeoutMs).close();
    this.#apiKey = apiKey;
    this.#timeoutMs = timeoutMs;
    this.#retries = readRetries(retries);
    this.#fetch = fetch;
  }

  /**
   * Send a call, again where that does no harm, and give what was answered.
   *
   * @param {object} route one of ROUTES
   * @param {object} [call]
   * @param {Record<string, string | number>} [call.path] values of the path's template
   * @param {Record<string, unknown>} [call.query]
   * @param {(signal: AbortSignal) => Promise<() => RequestInit>} [call.body] prepares the body, once; what it gives
   *   makes the body anew for each try; its `once` forbids a second one, and its `end` is called at the end
   * @param {"json" | "text" | "blob"} [call.read]
   * @param {(body: any) => boolean} [call.isAnswer] whether this body is an answer, whatever its status
   * @param {import("./index.js").CallOptions} [options]
   */
  async send(route, call = {}, options = {}) {
    const url = this.#base + fill(route.path, call.path) + queryOf(call.query);
    const headers = this.#headers(options);
    const retries = readRetries(options.retries ?? this.#retries);
    const limitMs = options.timeoutMs ?? this.#timeoutMs * (route.slow ? SLOW_FACTOR : 1);
    const deadline = new Deadline(limitMs, options.signal);
    let sent = false;
    let makeBody;
    try {
      makeBody = call.body ? await deadline.run(call.body) : () => ({});
      for (let attempt = 0; ; attempt += 1) {
        sent = true;
        const answered = await this.#attempt(url, route, call, headers, makeBody, deadline);
        if (!("error" in answered)) return answered.value;
        const { error } = answered;
        const pause = waitMs(error, attempt);
        if (attempt >= retries || !maySendAgain(error, route) || makeBody.once || pause >= deadline.remainingMs) {
          throw error;
        }
        await deadline.sleep(pause);
      }
    } catch (error) {
      if (deadline.timedOut && !isRollcallError(error)) throw timedOut(deadline, sent && !route.asks);
      throw error;
    } finally {
      makeBody?.end?.();
      deadline.close();
    }
  }

  #headers({ requestId }) {
    const headers = { accept: "application/json, */*" };
    if (this.#apiKey !== undefined) headers["x-api-key"] = this.#apiKey;
    if (requestId !== undefined) {
      // What the server would not take it would replace, and nobody would find it in the log.
      if (!/^[\w.-]{1,64}$/.test(requestId)) throw new TypeError("requestId is 1 to 64 letters, digits, . - or _.");
      headers["x-request-id"] = requestId;
    }
    return headers;
  }

  /** One try: `{value}`, or `{error}` that may be worth another. */
  async #attempt(url, route, { read = "json", isAnswer }, headers, makeBody, deadline) {
    try {
      return await deadline.run(async (signal) => {
        const made = makeBody();
        const response = await this.#fetch(url, {
          method: route.method,
          redirect: "manual",
          signal,
          ...made,
          headers: { ...headers, ...made.headers },
        });
        if (response.ok) return { value: await READERS[read](response) };
        const text = await response.text();
        const body = objectIn(text);
        return body !== null && isAnswer?.(body) ? { value: body } : { error: errorOf(response, text) };
      });
    } catch (error) {
      if (deadline.signal.aborted) throw error;
      const own = [error, error?.cause].find((one) => isRollcallError(one));
      if (own) return { error: own };
      return { error: unreachable(url, error, !route.asks) };
    }
  }
}

function readBase(baseUrl) {
  let url;
  try {
    url = new URL(baseUrl);
  } catch {
    throw new TypeError("baseUrl must be an address such as http://localhost:8000.");
  }
  if (!["http:", "https:"].includes(url.protocol)) throw new TypeError("baseUrl must begin with http:// or https://.");
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError("baseUrl must have no user, password, query or fragment; give the key as apiKey.");
  }
  return url.href.replace(/\/+$/, "");
}

function readRetries(retries) {
  if (!Number.isInteger(retries) || retries < 0) throw new TypeError("retries must be a whole number, 0 or more.");
  return retries;
}

function unreachable(url, cause, changes) {
  const code = cause?.cause?.code ?? cause?.code ?? cause?.cause?.message;
  const host = new URL(url).host;
  return new NetworkError(`Rollcall at ${host} cannot be reached, or broke off (${code ?? "no answer"}).`, {
    cause,
    details: {
      suggestion: "Check that the server runs and that baseUrl is right.",
      ...(changes && !NEVER_CONNECTED.has(code) ? { may_be_done: true } : {}),
    },
  });
}

function timedOut(deadline, mayBeDone) {
  return new TimeoutError(`Rollcall did not answer within ${deadline.timeoutMs} ms.`, {
    details: mayBeDone
      ? { suggestion: "See whether it was done before you send it again.", may_be_done: true }
      : { suggestion: "Try again later, or give timeoutMs more." },
  });
}
