// The camera of this device. It is open only while somebody looks, and its pictures go to this server alone.

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 } };
const JPEG_QUALITY = 0.9;
const NOT_MIRRORED = /back|rear|environment|rück|arrière|trasera/i;

/** Why there is no picture: a code for programs, a message and a suggestion for people. */
export class CameraProblem extends Error {
  constructor(code, message, suggestion) {
    super(message);
    this.name = "CameraProblem";
    this.code = code;
    this.suggestion = suggestion;
  }
}

const PROBLEMS = {
  INSECURE: [
    "This browser gives the camera only to pages opened by HTTPS or on localhost.",
    "Open the console by its https:// address. If it has none, ask whoever runs the server to give it a certificate " +
      "(TLS_CERT_FILE and TLS_KEY_FILE). Until then, use a picture file.",
  ],
  NO_CAMERA: [
    "No camera was found.",
    "Connect a camera and switch it on, then try again; or use a picture file.",
  ],
  DENIED: [
    "This page may not use the camera.",
    "Allow the camera for this page: by the camera or lock symbol beside the address, and in the settings of the " +
      "device. Then try again; or use a picture file.",
  ],
  DISMISSED: [
    "The browser asked for the camera and got no answer.",
    "Start the camera again and choose Allow.",
  ],
  IN_USE: [
    "The camera does not start: another program may be using it.",
    "Close other programs and tabs that show the camera, such as a video call, then try again.",
  ],
  UNPLUGGED: [
    "The camera stopped: it was unplugged, or taken by another program.",
    "Plug it in again or choose another camera, then start it again.",
  ],
  HIDDEN: ["The camera was switched off while nobody saw this page.", "Start it again."],
};

function problem(code) {
  return new CameraProblem(code, ...PROBLEMS[code]);
}

function problemOf(error) {
  switch (error?.name) {
    case "NotAllowedError":
      return problem(/dismiss/i.test(error.message) ? "DISMISSED" : "DENIED");
    case "SecurityError":
      return problem("DENIED");
    case "NotFoundError":
    case "OverconstrainedError":
      return problem("NO_CAMERA");
    case "NotReadableError":
    case "AbortError":
      return problem("IN_USE");
    default:
      return error;
  }
}

/** The cameras of this device. Their names are empty until one of them has been opened. */
export async function cameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices
    .filter((device) => device.kind === "videoinput")
    .map((device) => ({ deviceId: device.deviceId, label: device.label }));
}

/**
 * Show the camera in a <video> element.
 *
 * `onEnd(problem)` is called when the camera stops by itself, as it does when the page is hidden; after `stop()` it
 * is not. With an aborted `signal` the camera stops, also one that is only then allowed by the user.
 *
 * Rejects with a CameraProblem.
 */
export async function openCamera(
  video,
  { deviceId = null, facing = "user", signal = null, onEnd = () => {} } = {},
) {
  if (!navigator.mediaDevices?.getUserMedia) throw problem("INSECURE");
  const stream = await streamOf(deviceId, facing);
  const [track] = stream.getVideoTracks();
  const camera = new Camera(video, stream, track);
  const end = (code) => {
    if (!camera.isOpen) return;
    camera.stop();
    onEnd(problem(code));
  };
  track.addEventListener("ended", () => end("UNPLUGGED"), { signal: camera.gone });
  document.addEventListener("visibilitychange", () => document.hidden && end("HIDDEN"), {
    signal: camera.gone,
  });
  if (signal?.aborted) camera.stop();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", () => camera.stop(), { once: true });
  try {
    await camera.show();
  } catch (error) {
    camera.stop();
    signal?.throwIfAborted();
    throw problemOf(error);
  }
  return camera;
}

async function streamOf(deviceId, facing) {
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: facing } };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...WANTED, ...which } });
  } catch (error) {
    // A camera that was chosen once may be gone; another is better than none.
    if (deviceId && error?.name === "OverconstrainedError") return streamOf(null, facing);
    throw problemOf(error);
  }
}

class Camera {
  #video;
  #stream;
  #track;
  #end = new AbortController();

  constructor(video, stream, track) {
    this.#video = video;
    this.#stream = stream;
    this.#track = track;
  }

  /** Whether people expect to see themselves as in a mirror: of every camera but one on the back. */
  get isMirrored() {
    return this.#track.getSettings().facingMode !== "environment" && !NOT_MIRRORED.test(this.#track.label);
  }

  get deviceId() {
    return this.#track.getSettings().deviceId ?? null;
  }

  get isOpen() {
    return !this.#end.signal.aborted;
  }

  /** A signal that is aborted when the camera is let go. */
  get gone() {
    return this.#end.signal;
  }

  /** Width and height of the video in pixels. */
  get size() {
    return { width: this.#video.videoWidth, height: this.#video.videoHeight };
  }

  async show() {
    this.#video.srcObject = this.#stream;
    await this.#video.play();
  }

  /** Let the camera go: its light goes off. */
  stop() {
    this.#end.abort();
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#video.srcObject === this.#stream) this.#video.srcObject = null;
  }

  /** The picture of this moment as a JPEG, unmirrored, its longer side at most `maxSide` pixels. */
  async capture({ maxSide = 1920 } = {}) {
    return (await this.snap({ maxSide })).blob;
  }

  /** As capture(), with the size: {blob, width, height}. */
  async snap({ maxSide = 1920 } = {}) {
    return drawn(this.#video, this.size, maxSide);
  }
}

/** A picture of any source that a canvas can draw, as {blob, width, height}; blob is a JPEG. */
export async function drawn(source, { width, height }, maxSide) {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", JPEG_QUALITY));
  if (!blob) throw problem("UNPLUGGED"); // a video without a picture cannot be encoded
  return { blob, width: canvas.width, height: canvas.height };
}
