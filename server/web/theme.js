// Light and dark theme. A classic script in <head>: it runs before the first paint, so the wrong theme never flashes.
(() => {
  const root = document.documentElement;
  try {
    const chosen = localStorage.getItem("docsearch-theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    // Storage is disabled: use the system's theme.
  }

  function toggle() {
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    try {
      localStorage.setItem("docsearch-theme", root.dataset.theme);
    } catch {
      // Storage is disabled: the choice lasts until the page is closed.
    }
  }

  addEventListener("DOMContentLoaded", () => document.getElementById("theme")?.addEventListener("click", toggle));
})();
