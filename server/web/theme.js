// Runs before the page is drawn, so that a chosen theme never flashes the other one.
(() => {
  const root = document.documentElement;
  try {
    const chosen = localStorage.getItem("docsearch-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Storage is switched off: the system's theme holds.
  }

  function change() {
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    try {
      localStorage.setItem("docsearch-theme", root.dataset.theme);
    } catch {
      // The choice lasts as long as the page.
    }
  }

  addEventListener("DOMContentLoaded", () => document.getElementById("theme")?.addEventListener("click", change));
})();
