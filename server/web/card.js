/** A result card: thumbnail with highlighted matches, document name, page, score, matched words and copies. */

import { pageImageUrl } from "./api.js";
import { createCopies, updateCopies } from "./copies.js";
import { element } from "./dom.js";
import { loadImage, THUMBNAIL_WIDTH } from "./page_images.js";
import { splitPath, displayPath } from "./paths.js";
import { FOUND_SCORE } from "./word_chips.js";

/** @typedef {import("./api.js").Word} Word */
/** @typedef {{doc_id: string, path: string, page: number, score?: number, also?: string[],
 *   snippet?: import("./api.js").Snippet | null}} Page */

const SVG = "http://www.w3.org/2000/svg";
/** A match taller than this share of the page covers a figure, and is only tinted. */
const FIGURE_HEIGHT = 0.1;
const FIGURE_OPACITY = 0.3;
const BOXES_MAX = 60;

/**
 * The card of a page. Its thumbnail is loaded by `load`.
 * @param {Page} page
 */
export function createCard(page) {
  const destroyed = new AbortController();
  const sheet = element("span", { className: "sheet loading" });
  const score = element("span", { className: "score" });
  const matched = element("span", { className: "matched" });
  const passage = element("span", { className: "snippet" });
  const { folder, name, extension } = splitPath(page.path);
  const link = element(
    "a",
    { className: "card" },
    element("span", { className: "backdrop" }, sheet),
    element(
      "span",
      { className: "caption" },
      element(
        "span",
        { className: "title", title: displayPath(page.path) },
        folder && element("span", { className: "folder" }, folder),
        name,
        element("span", { className: "extension" }, extension),
      ),
      element("span", { className: "where" }, element("span", {}, `page ${page.page}`), score),
      matched,
      passage,
    ),
  );
  const item = element("li", {}, link, createCopies(page.also ?? []));
  /** @type {SVGSVGElement | null} */
  let boxes = null;
  let shownWord = /** @type {number | null} */ (null);

  return {
    item,
    link,
    page,
    signal: destroyed.signal,

    /** Set the link and the score. @param {string} url @param {number} [value] */
    update(url, value) {
      link.href = url;
      score.textContent = value === undefined ? "" : value.toFixed(2);
      score.title = value === undefined ? "" : "How well the page matches, from 0 to 1";
      score.style.setProperty("--share", String(value ?? 0));
      score.hidden = value === undefined;
      updateCopies(item);
    },

    /** Show the passage of the text that matches; null removes it. @param {import("./api.js").Snippet | null} [found] */
    showSnippet(found) {
      passage.replaceChildren(...(found ? snippetParts(found) : []));
      passage.hidden = !found;
    },

    /** Load the thumbnail, once. */
    async load() {
      if (!sheet.classList.contains("loading") || sheet.dataset.requested) return;
      sheet.dataset.requested = "yes";
      try {
        const image = await loadImage(pageImageUrl(page.doc_id, page.page, THUMBNAIL_WIDTH), destroyed.signal);
        sheet.style.setProperty("--ratio", String(image.naturalWidth / image.naturalHeight));
        sheet.prepend(image);
        sheet.classList.remove("loading");
      } catch {
        if (destroyed.signal.aborted) return;
        sheet.classList.replace("loading", "gone");
        sheet.append(element("span", {}, "No image"));
      }
    },

    /** Highlight matches and list the words; null removes them. @param {Word[] | null} words */
    showMatches(words) {
      boxes?.remove();
      boxes = null;
      matched.replaceChildren();
      if (!words) return;
      boxes = createMatchBoxes(words);
      sheet.append(boxes);
      matched.append(
        ...words.map(({ word, score: match }) =>
          element(
            "span",
            { className: match >= FOUND_SCORE ? "found" : "missing" },
            match >= FOUND_SCORE ? word : element("s", {}, word),
          ),
        ),
      );
      this.highlightWord(shownWord);
    },

    /** Highlight the matches of one word, or of all. @param {number | null} word */
    highlightWord(word) {
      shownWord = word;
      for (const group of boxes?.children ?? []) {
        group.classList.toggle("off", word !== null && group.getAttribute("data-word") !== String(word));
      }
    },

    /** Remove the card, and cancel its requests. */
    destroy() {
      destroyed.abort();
      item.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createCard>} Card */

/**
 * A passage with its matches marked. The spans count code points, as the server does, not units of UTF-16.
 * @param {import("./api.js").Snippet} passage
 * @returns {(string | HTMLElement)[]}
 */
function snippetParts({ text, spans }) {
  const letters = [...text];
  /** @type {(string | HTMLElement)[]} */
  const parts = [];
  let at = 0;
  for (const [start, end] of spans) {
    parts.push(letters.slice(at, start).join(""), element("mark", {}, letters.slice(start, end).join("")));
    at = end;
  }
  parts.push(letters.slice(at).join(""));
  return parts;
}

/**
 * The boxes of matches as an SVG that stretches over the page.
 * @param {Word[]} words
 */
function createMatchBoxes(words) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "marks");
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  words.forEach((word, i) => {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("data-word", String(i));
    for (const { x0, y0, x1, y1, score } of word.boxes.slice(0, BOXES_MAX)) {
      if (x1 - x0 >= 1 && y1 - y0 >= 1) continue; // the whole page is not a location
      const box = document.createElementNS(SVG, "rect");
      box.setAttribute("x", String(x0));
      box.setAttribute("y", String(y0));
      box.setAttribute("width", String(x1 - x0));
      box.setAttribute("height", String(y1 - y0));
      box.setAttribute("fill-opacity", String(score * (y1 - y0 > FIGURE_HEIGHT ? FIGURE_OPACITY : 1)));
      group.append(box);
    }
    svg.append(group);
  });
  return svg;
}
