// Boxes with names over a video or a picture. They are placed in percent of what lies below, so they stay right
// at any size; mirrored, the places change sides and the words stay readable.

const SIDES = ["above to-right", "above to-left", "below to-right", "below to-left"];

/**
 * An overlay for an element of the same shape, both in a common positioned parent.
 *
 * `draw(boxes, {width, height, mirrored})` takes [{box: {x, y, width, height}, label, detail?, tone?}], in pixels of
 * a picture of that size; tone is "known" (default) or "unknown".
 */
export function makeOverlay() {
  const element = document.createElement("div");
  element.className = "overlay";
  // What it shows stands in words elsewhere on the page.
  element.setAttribute("aria-hidden", "true");
  new ResizeObserver(() => settle(element)).observe(element);
  return {
    element,
    clear: () => element.replaceChildren(),
    draw: (boxes, size) => {
      element.replaceChildren(...boxes.map((shown) => frame(shown, size)));
      settle(element);
    },
  };
}

function frame({ box, label, detail = "", tone = "known" }, { width, height, mirrored = false }) {
  const place = placed(box, { width, height, mirrored });
  const element = document.createElement("div");
  element.className = `face-box face-box-${tone}`;
  // By the CSSOM: the page's policy forbids style attributes.
  for (const side of ["left", "top", "width", "height"]) element.style[side] = `${place[side]}%`;
  if (label) element.append(caption(label, detail));
  return element;
}

/** Where a box lies, in percent of the picture and from its left and top as they are shown; what is beyond is cut off. */
export function placed(box, { width, height, mirrored = false }) {
  const [left, columns] = part(mirrored ? width - box.x - box.width : box.x, box.width, width);
  const [top, rows] = part(box.y, box.height, height);
  return { left, top, width: columns, height: rows };
}

function part(start, length, whole) {
  const first = Math.max(0, start);
  const last = Math.min(whole, start + length);
  return [(100 * first) / whole, (100 * (last - first)) / whole];
}

function caption(label, detail) {
  const element = document.createElement("span");
  const name = document.createElement("strong");
  name.textContent = label;
  element.append(name);
  if (detail) {
    const more = document.createElement("span");
    more.className = "face-detail";
    more.textContent = detail;
    element.append(more);
  }
  return element;
}

/** Give each caption a side of its box where it covers no face and no other caption; names come before strangers. */
function settle(overlay) {
  const whole = overlay.getBoundingClientRect();
  const boxes = [...overlay.children];
  const taken = boxes.map((box) => box.getBoundingClientRect());
  const isInside = (place) => within(place, whole);
  const isFree = (place) => isInside(place) && !taken.some((other) => overlaps(place, other));
  for (const tone of ["known", "unknown"]) {
    for (const box of boxes.filter((one) => one.classList.contains(`face-box-${tone}`) && one.firstChild)) {
      const words = box.firstChild;
      words.hidden = false;
      // In a crowd a name covers something, and a stranger needs no words.
      if (!fit(words, ["", "short"], isFree) && !fit(words, ["short"], isInside))
        words.className = "face-caption inside";
      words.hidden =
        tone === "unknown" && !words.classList.contains("inside") && !isFree(words.getBoundingClientRect());
      if (!words.hidden) taken.push(words.getBoundingClientRect());
    }
  }
}

/** Try all sides, with and without the details; false where none will do. */
function fit(words, sizes, willDo) {
  for (const size of sizes) {
    for (const side of SIDES) {
      words.className = `face-caption ${side} ${size}`;
      if (willDo(words.getBoundingClientRect())) return true;
    }
  }
  return false;
}

function within(place, whole) {
  return (
    place.left >= whole.left - 3 &&
    place.right <= whole.right + 3 &&
    place.top >= whole.top &&
    place.bottom <= whole.bottom
  );
}

function overlaps(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
