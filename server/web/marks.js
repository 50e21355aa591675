/** Marks a page as the right or a wrong answer to the query; the server keeps marks as questions for 'docsearch eval'. */

import { fetchMarks, setMark } from "./api.js";
import { createLimiter } from "./concurrency.js";
import { announce, element, icon } from "./dom.js";

/** In order, so that the last press is what the server keeps. */
const sendOneAtATime = createLimiter(1);
const never = new AbortController().signal;
let allowed = false;

/** Whether the server accepts marks. @param {boolean} value */
export function allowMarks(value) {
  allowed = value;
}

/** The buttons of the viewer, with the marks of the query that is shown. */
export function createMarks() {
  const right = createButton("done", "Yes", "Mark as the right page (y)", () => toggle(true));
  const wrong = createButton("close", "No", "Mark as a wrong page (n)", () => toggle(false));
  const note = element("p", { className: "note", role: "status" });
  const section = element(
    "section",
    { className: "judge", hidden: true, "aria-label": "Mark the page" },
    element("h3", {}, "Does it answer the query?"),
    right,
    wrong,
    note,
  );
  let shown = { query: "", document: "", page: 0 };
  let query = "";
  let requests = 0;
  /** @type {Map<string, boolean>} */
  let marks = new Map();
  const key = () => `${shown.document}/${shown.page}`;

  function showPressed() {
    right.setAttribute("aria-pressed", String(marks.get(key()) === true));
    wrong.setAttribute("aria-pressed", String(marks.get(key()) === false));
  }

  /** @param {boolean} value */
  async function toggle(value) {
    if (section.hidden) return;
    const before = marks.get(key());
    const now = before === value ? null : value;
    const target = { ...shown, right: now };
    const of = key();
    if (now === null) marks.delete(of);
    else marks.set(of, now);
    showPressed();
    note.textContent = "";
    try {
      await sendOneAtATime(() => setMark(target), never);
      announce(now === null ? "Mark taken back" : now ? "Marked as the right page" : "Marked as a wrong page");
    } catch (error) {
      const isLast = target.query === query && (marks.get(of) ?? null) === now; // not pressed again since
      if (isLast && before === undefined) marks.delete(of);
      else if (isLast && before !== undefined) marks.set(of, before);
      showPressed();
      note.textContent = /** @type {Error} */ (error).message;
    }
  }

  return {
    section,
    toggle,

    /** Show the mark of a page; hidden where there is no query, or the server keeps no marks.
     * @param {string} text @param {string} document @param {number} page */
    async show(text, document, page) {
      const before = JSON.stringify(shown);
      shown = { query: text.trim(), document, page };
      section.hidden = !allowed || !shown.query;
      if (JSON.stringify(shown) !== before) note.textContent = "";
      showPressed();
      if (section.hidden || shown.query === query) return;
      const own = ++requests;
      query = shown.query;
      marks = new Map();
      showPressed();
      try {
        const found = await fetchMarks(query);
        if (own !== requests) return;
        const pressed = marks; // pressed while these were on their way
        marks = new Map();
        for (const mark of found) marks.set(`${mark.document}/${mark.page}`, mark.right);
        for (const [page, value] of pressed) marks.set(page, value);
        showPressed();
      } catch (error) {
        if (own !== requests) return;
        query = "";
        note.textContent = /** @type {Error} */ (error).message;
      }
    },
  };
}

/** @param {string} name @param {string} label @param {string} title @param {() => void} onclick */
function createButton(name, label, title, onclick) {
  return element(
    "button",
    { type: "button", className: "plain", title, "aria-pressed": "false", onclick },
    icon(name),
    element("span", {}, label),
  );
}
