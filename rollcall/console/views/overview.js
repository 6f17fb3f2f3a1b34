import { get } from "../api.js";
import { h } from "../dom.js";

export const title = "Overview";

export async function show(main, { signal }) {
  const health = await get("api/health", { signal });
  main.append(h("p", {}, health.message));
}
