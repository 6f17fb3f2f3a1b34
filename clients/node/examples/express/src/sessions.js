/** Who is logged in. Sessions live in this process; several processes need a store that they share. */

import { randomBytes } from "node:crypto";

import { Refusal } from "./errors.js";

const HOURS_8_MS = 8 * 3_600_000;
const COOKIE = "session";

export class Sessions {
  #teachers = new Map();

  /** Log this teacher in: a new id each time, known to nobody before. */
  begin(response, teacher) {
    const now = Date.now();
    for (const [id, { endsAt }] of this.#teachers) if (endsAt < now) this.#teachers.delete(id);
    const id = randomBytes(32).toString("base64url");
    this.#teachers.set(id, { teacher, endsAt: now + HOURS_8_MS });
    response.cookie(COOKIE, id, cookieOptions());
  }

  end(request, response) {
    this.#teachers.delete(idOf(request));
    response.clearCookie(COOKIE, cookieOptions());
  }

  /** The teacher who is logged in, or null. */
  teacherOf(request) {
    const found = this.#teachers.get(idOf(request));
    return found !== undefined && found.endsAt > Date.now() ? found.teacher : null;
  }

  /** Express middleware: nobody passes who is not logged in, or, with `admin`, no administrator. */
  require({ admin = false } = {}) {
    return (request, _response, next) => {
      const teacher = this.teacherOf(request);
      if (teacher === null) throw new Refusal(401, "UNAUTHORIZED", "Log in first.", "Open /login.html.");
      if (admin && teacher.admin !== true) {
        throw new Refusal(403, "FORBIDDEN", "Only administrators may do this.", "Ask an administrator.");
      }
      next();
    };
  }
}

// Secure: browsers send it over HTTPS alone, and to localhost.
function cookieOptions() {
  return { httpOnly: true, secure: true, sameSite: "strict", path: "/", maxAge: HOURS_8_MS };
}

function idOf(request) {
  const found = /(?:^|;\s*)session=([\w-]+)/.exec(request.headers.cookie ?? "");
  return found === null ? "" : found[1];
}
