export { Rollcall } from "./client.js";
export * from "./errors.js";
export { MAX_PICTURE_BYTES } from "./pictures.js";
