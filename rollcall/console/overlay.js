// Boxes with names over a video or a picture. They are placed in percent of what lies below, so they stay right
// at any size; mirrored, the places change sides and the words stay readable.

/**
 * An overlay for an element of the same shape, both in a common positioned parent.
 *
 * `draw(boxes, {width, height, mirrored})` takes [{box: {x, y, width, height}, label, detail?, tone?}], in pixels of
 * a picture of that size; tone is "known" (default), "unknown" or "warn".
 */
export function makeOverlay() {
  const element = document.createElement("div");
  element.className = "overlay";
  // What it shows stands in words elsewhere on the page.
  element.setAttribute("aria-hidden", "true");
  return {
    element,
    clear: () => element.replaceChildren(),
    draw: (boxes, size) => element.replaceChildren(...boxes.map((shown) => frame(shown, size))),
  };
}

function frame({ box, label, detail = "", tone = "known" }, { width, height, mirrored = false }) {
  const place = placed(box, { width, height, mirrored });
  const element = document.createElement("div");
  element.className = `face-box face-box-${tone}`;
  // By the CSSOM: the page's policy forbids style attributes.
  element.style.left = `${place.left}%`;
  element.style.top = `${place.top}%`;
  element.style.width = `${place.width}%`;
  element.style.height = `${place.height}%`;
  if (label) element.append(caption(label, detail, place));
  return element;
}

/** Where a box lies, in percent of the picture and from its left and top as they are shown. */
export function placed(box, { width, height, mirrored = false }) {
  const left = mirrored ? width - box.x - box.width : box.x;
  return {
    left: (100 * left) / width,
    top: (100 * box.y) / height,
    width: (100 * box.width) / width,
    height: (100 * box.height) / height,
  };
}

function caption(label, detail, place) {
  const element = document.createElement("span");
  // Kept inside the picture: near the upper border the words go below the box's edge, at the right they end with it.
  const sides = [place.top < 14 ? "inside" : "above", place.left + place.width / 2 > 55 ? "to-left" : "to-right"];
  element.className = `face-caption ${sides.map((side) => `face-caption-${side}`).join(" ")}`;
  const name = document.createElement("strong");
  name.textContent = label;
  element.append(name);
  if (detail) {
    const more = document.createElement("span");
    more.textContent = detail;
    element.append(more);
  }
  return element;
}
