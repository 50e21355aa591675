/** A result card: thumbnail with its heat map, document name, page, score, matched words and copies. */

import { pageImageUrl } from "./api.js";
import { createCopies, updateCopies } from "./copies.js";
import { element } from "./dom.js";
import { createHeatmapLayer } from "./heatmap_layer.js";
import { loadImage, THUMBNAIL_WIDTH } from "./page_images.js";
import { cutName } from "./paths.js";
import { FOUND_SCORE } from "./word_chips.js";

/** @typedef {import("./api.js").Word} Word */
/** @typedef {{doc_id: string, path: string, page: number, score?: number, also?: string[], collection?: string | null,
 *   lines?: [number, number] | null, snippet?: import("./api.js").Snippet | null}} Page */

/**
 * The card of a page. Its thumbnail is loaded by `load`.
 * @param {Page} page
 */
export function createCard(page) {
  const destroyed = new AbortController();
  const layer = element("span", { className: "marks" });
  const heatmap = createHeatmapLayer(layer, THUMBNAIL_WIDTH);
  const sheet = element("span", { className: "sheet loading" }, layer);
  const score = element("span", { className: "score" });
  const matched = element("span", { className: "matched" });
  const passage = element("span", { className: "snippet" });
  const link = element(
    "a",
    { className: "card" },
    element("span", { className: "backdrop" }, sheet),
    element(
      "span",
      { className: "caption" },
      ...cutName(page.path, { className: "title" }),
      page.collection && element("span", { className: "of-collection" }, page.collection),
      element("span", { className: "where" }, element("span", {}, placeOf(page)), score),
      matched,
      passage,
    ),
  );
  const item = element("li", {}, link, createCopies(page.also ?? []));
  let query = "";

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

    /** Show the heat map of a query, and list its words; null removes both.
     * @param {Word[] | null} words @param {string} [text] the query */
    showMatches(words, text = "") {
      heatmap.clear();
      matched.replaceChildren();
      query = text;
      if (!words) return;
      heatmap.loadAll(query, page.doc_id, page.page);
      matched.append(
        ...words.map(({ word, score: match }) =>
          element(
            "span",
            { className: match >= FOUND_SCORE ? "found" : "missing" },
            match >= FOUND_SCORE ? word : element("s", {}, word),
          ),
        ),
      );
    },

    /** Show the heat map of one word, or of all. @param {number | null} word */
    highlightWord(word) {
      heatmap.showWord(word);
      if (word !== null && query) heatmap.loadWord(query, page.doc_id, page.page, word);
    },

    /** Remove the card, and cancel its requests. */
    destroy() {
      destroyed.abort();
      heatmap.clear();
      item.remove();
    },
  };
}

/** The page, or the lines of a text file that it shows. @param {Page} page */
export const placeOf = ({ page, lines }) => (lines ? `lines ${lines[0]}–${lines[1]}` : `page ${page}`);

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
