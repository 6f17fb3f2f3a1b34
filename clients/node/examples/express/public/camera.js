/** The camera, and pictures of it. */

const LONGEST_SIDE = 1280;
const QUALITY = 0.9;
const PROBLEMS = {
  NotAllowedError: "The camera is not allowed. Allow it in the browser's settings for this page.",
  NotFoundError: "No camera was found. Connect one, and try again.",
  NotReadableError: "The camera is in use by another program. Close that, and try again.",
};

/** Show the camera in this video. */
export async function openCamera(video) {
  // Browsers have no camera for pages that came over plain HTTP, but for localhost.
  if (!navigator.mediaDevices) throw new Error("This page has no camera: open it over HTTPS.");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: LONGEST_SIDE } } });
  } catch (error) {
    throw new Error(PROBLEMS[error.name] ?? `The camera does not work (${error.name}).`);
  }
  video.muted = true;
  video.playsInline = true;
  await video.play();
}

/** Switch the camera off. */
export function closeCamera(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
}

/** What the camera sees now, as a data URL. */
export function snapshot(video) {
  const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return { url: canvas.toDataURL("image/jpeg", QUALITY), width: canvas.width, height: canvas.height };
}
