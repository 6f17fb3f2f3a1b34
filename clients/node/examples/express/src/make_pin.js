/** `npm run --silent pin` reads a PIN from the standard input, so that no history keeps it, and prints its hash. */

import { createInterface } from "node:readline";

import { hashOf } from "./pins.js";

const LEAST_LENGTH = 6;

if (process.stdin.isTTY) console.error("PIN, then Enter:");
for await (const line of createInterface({ input: process.stdin })) {
  const pin = line.trim();
  if (pin.length < LEAST_LENGTH) {
    console.error(`A PIN has at least ${LEAST_LENGTH} digits or letters.`);
    process.exitCode = 1;
  } else {
    console.log(await hashOf(pin));
  }
  break;
}
