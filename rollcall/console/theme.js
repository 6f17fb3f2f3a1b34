// Light or dark: as the user chose, else as the system says. A plain script, so that it runs before the first paint.
(() => {
  "use strict";
  const STORED = "rollcall.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(STORED);
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  function apply() {
    document.documentElement.dataset.theme = chosen() ?? (system.matches ? "dark" : "light");
  }

  function choose(theme) {
    try {
      localStorage.setItem(STORED, theme);
    } catch {
      // It then holds for this page alone.
    }
    document.documentElement.dataset.theme = theme;
  }

  system.addEventListener("change", apply);
  apply();
  window.rollcallTheme = { choose, current: () => document.documentElement.dataset.theme };
})();
