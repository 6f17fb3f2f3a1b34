/** PINs, stored as salted hashes that are slow to guess. */

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(scrypt);
const BYTES = 32;
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
// For codes that do not exist: they take as long as others.
const NOBODYS = `scrypt:${"0".repeat(32)}:${"0".repeat(64)}`;

export async function hashOf(pin) {
  const salt = randomBytes(16);
  return `scrypt:${salt.toString("hex")}:${(await derive(pin, salt, BYTES, COST)).toString("hex")}`;
}

/** Whether it is the PIN of this hash. Without a hash it never is, and takes as long. */
export async function isPin(pin, hash) {
  const [, salt, expected] = (hash ?? NOBODYS).split(":");
  const found = await derive(pin, Buffer.from(salt, "hex"), BYTES, COST);
  return timingSafeEqual(found, Buffer.from(expected, "hex")) && hash !== undefined;
}
