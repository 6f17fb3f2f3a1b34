// A TypeScript user's program. types.test.js compiles it strictly and runs it.
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { NoFaceDetectedError, Rollcall, isRollcallError } from "rollcall-client";
import type { Match, Picture, RecognizeAnswer } from "rollcall-client";

const folder: string = process.env.ROLLCALL_PICTURES ?? ".";
const client = new Rollcall({
  baseUrl: process.env.ROLLCALL_URL ?? "http://localhost:8000",
  apiKey: process.env.ROLLCALL_ADMIN_KEY,
  timeoutMs: 60_000,
});

const pictures: Picture[] = [
  `${folder}/person-1.jpg`,
  await readFile(`${folder}/person-1.jpg`),
  createReadStream(`${folder}/person-1.jpg`),
  new Blob([Uint8Array.from(await readFile(`${folder}/person-1.jpg`))]),
];
for (const picture of pictures) {
  const found: RecognizeAnswer = await client.recognize(picture, { person_type: "student", top_k: 2 });
  const match: Match | null = found.match;
  if (match !== null && match.confidence > 2) throw new Error(match.person_name.toUpperCase());
}

const { status } = await client.health();
const { faces } = await client.detect(`${folder}/group.jpg`, { signal: AbortSignal.timeout(60_000) });
for await (const face of client.eachFace("student")) {
  if (face.has_image) break;
}

let problem = "none";
try {
  await client.recognize(`${folder}/empty.jpg`);
} catch (error) {
  if (error instanceof NoFaceDetectedError && isRollcallError(error, "NO_FACE_DETECTED")) problem = error.code;
}
console.log(`${status}, and ${faces.length} faces, and no face: ${problem}`);
