// Picture files as people choose them: looked at before they are sent, and refused in words.

import { drawn } from "./camera.js";

export const TAKEN_TYPES = "image/jpeg,image/png,image/webp";
const MAX_BYTES = 10 * 1024 ** 2;
// What a file that is too big is reduced to.
const REDUCED_SIDE = 3000;

export class PictureProblem extends Error {
  constructor(message, suggestion) {
    super(message);
    this.name = "PictureProblem";
    this.suggestion = suggestion;
  }
}

/** The file as it can be sent: itself, or a smaller JPEG of it. Rejects with a PictureProblem. */
export async function sendable(file) {
  const kind = kindOf(new Uint8Array(await readable(file.slice(0, 32))));
  if (!TAKEN.has(kind)) throw refusal(file.name, kind);
  return file.size > MAX_BYTES ? reduced(file) : file;
}

const TAKEN = new Set(["JPEG", "PNG", "WebP"]);

async function readable(blob) {
  try {
    return await blob.arrayBuffer();
  } catch {
    throw new PictureProblem("The file cannot be read; it was moved or changed.", "Choose it again.");
  }
}

/** What a file is by its first bytes; "" where they say nothing. */
function kindOf(bytes) {
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\xff\xd8")) return "JPEG";
  if (text.startsWith("\x89PNG")) return "PNG";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "WebP";
  if (/^.{4}ftyp(hei|hev|mif1|msf1)/s.test(text)) return "HEIC";
  if (/^.{4}ftypavi/s.test(text)) return "AVIF";
  if (text.startsWith("GIF8")) return "GIF";
  if (text.startsWith("BM")) return "BMP";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "TIFF";
  if (text.startsWith("%PDF")) return "PDF";
  if (text.startsWith("PK\x03\x04")) return "zip";
  return "";
}

function refusal(name, kind) {
  if (kind === "HEIC") {
    return new PictureProblem(
      `${name} is a HEIC picture, as iPhones take them. This server takes JPEG, PNG and WebP.`,
      "Save it as JPEG. For new pictures choose Settings, Camera, Formats, Most Compatible on the iPhone.",
    );
  }
  const what = kind ? `${/^[AEIOU]/.test(kind) ? "an" : "a"} ${kind} file` : "no picture that is known here";
  return new PictureProblem(`${name} is ${what}. This server takes JPEG, PNG and WebP.`, "Save it as JPEG.");
}

async function reduced(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new PictureProblem(
      `${file.name} has more than 10 MB and cannot be reduced here.`,
      "Save it smaller: 3,000 pixels are plenty.",
    );
  }
  const { blob } = await drawn(bitmap, bitmap, REDUCED_SIDE);
  bitmap.close();
  return new File([blob], file.name, { type: "image/jpeg" });
}

/** The files of a drop or a choice, those in dropped folders too: [{name, file}], name with the folders' path. */
export async function filesOf(transfer) {
  const entries = [...(transfer.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.some((entry) => entry.isDirectory)) return (await Promise.all(entries.map(filesUnder))).flat();
  return [...transfer.files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

async function filesUnder(entry) {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ name: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = entry.createReader();
  const children = [];
  // A reader gives at most a hundred at a time.
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) break;
    children.push(...some);
  }
  return (await Promise.all(children.map(filesUnder))).flat();
}
