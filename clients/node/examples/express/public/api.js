/** Calls of this site's server, which has the API key. */

/** An error answer, with what it says to people. */
export class Refused extends Error {
  constructor({ error_code: code, message, details }, retryAfterSeconds) {
    super([message, details?.suggestion].filter(Boolean).join(" "));
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Ask, and give the answer's JSON; throws Refused where the server refuses. */
export async function call(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error("The server cannot be reached. Check the network, and try again.");
  }
  const answer = await response.json().catch(() => ({ message: `The server answered with status ${response.status}.` }));
  if (!response.ok) throw new Refused(answer, Number(response.headers.get("Retry-After")) || 0);
  return answer;
}

const problem = document.querySelector("#problem");

/** Run it, and show people what went wrong, if anything did; gives whether it went well. */
export async function showing(work) {
  problem.textContent = "";
  try {
    await work();
    return true;
  } catch (error) {
    problem.textContent = error.message;
    return false;
  }
}
