// Which camera: names to choose by, and the one that was chosen last on each page.

const STORED = "rollcall.camera.";

/** Choices of cameras, with phones' long names made short: [deviceId, label]. */
export function named(found) {
  const labels = found.map(({ label }, index) => {
    if (/facing front|front camera/i.test(label)) return "Front camera";
    if (/facing back|back camera|rear/i.test(label)) return "Back camera";
    return label || `Camera ${index + 1}`;
  });
  return found.map(({ deviceId }, index) => {
    const same = labels.filter((label) => label === labels[index]).length;
    const before = labels.slice(0, index + 1).filter((label) => label === labels[index]).length;
    return [deviceId, same > 1 ? `${labels[index]} ${before}` : labels[index]];
  });
}

/** The device that was chosen on this page; null if none was. */
export function chosenCamera(name) {
  try {
    return localStorage.getItem(STORED + name);
  } catch {
    return null; // a browser that keeps nothing
  }
}

export function keepCamera(name, deviceId) {
  try {
    localStorage.setItem(STORED + name, deviceId);
  } catch {
    // Then the choice holds until the page is left.
  }
}
