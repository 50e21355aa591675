/** What can be done with the document of an open page: show its file, save it, copy the page's text. */

import { fetchPageText, fileUrl } from "./api.js";
import { announce, element, icon } from "./dom.js";

/** Extensions of files that browsers show; others are saved. */
const SHOWN = new Set([".pdf", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".avif", ".txt"]);

/** The section of the viewer. */
export function createOriginal() {
  const open = element(
    "a",
    { className: "plain", target: "_blank", rel: "noopener" },
    icon("open"),
    element("span", {}, "Open the original"),
  );
  const save = element("a", { className: "plain" }, icon("save"), element("span", {}, "Download"));
  const copy = element(
    "button",
    { type: "button", className: "plain", onclick: () => copyText() },
    icon("copy"),
    element("span", {}, "Copy text"),
  );
  const note = element("p", { className: "note", role: "status" });
  const section = element(
    "section",
    { className: "original", "aria-label": "The document" },
    element("h3", {}, "This document"),
    open,
    save,
    copy,
    note,
  );
  let shown = { document: "", page: 0 };

  async function copyText() {
    const { document, page } = shown;
    try {
      const text = await fetchPageText(document, page);
      if (document !== shown.document || page !== shown.page) return;
      if (text.trim()) await write(text);
      note.textContent = text.trim() ? "Copied." : "This page is a picture: it has no text to copy.";
    } catch (error) {
      note.textContent = /** @type {Error} */ (error).message;
    }
    announce(note.textContent ?? "");
  }

  return {
    section,
    /** @param {string} document @param {number} page @param {string} extension */
    show(document, page, extension) {
      if (shown.document !== document || shown.page !== page) note.textContent = "";
      shown = { document, page };
      const suffix = extension.toLowerCase();
      open.hidden = !SHOWN.has(suffix);
      open.href = fileUrl(document, false) + (suffix === ".pdf" ? `#page=${page}` : "");
      save.href = fileUrl(document, true);
      save.setAttribute("download", "");
    },
  };

  /** @param {string} text */
  async function write(text) {
    // Browsers have no clipboard for pages that came by http from another machine.
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = element("textarea", { value: text, "aria-hidden": "true" });
    section.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    copy.focus();
    if (!isCopied) throw new Error("the browser does not allow it");
  }
}
