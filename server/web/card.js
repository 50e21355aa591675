/** A page among the results: its thumbnail with the matches marked, where it is from, its score, the words it matches. */

import { pictureOf } from "./api.js";
import { element } from "./element.js";
import { picture, SMALL_PX } from "./pictures.js";
import { partsOf, shownPath } from "./names.js";
import { FOUND } from "./words.js";

/** @typedef {import("./api.js").Word} Word */
/** @typedef {{doc_id: string, path: string, page: number, score?: number}} Page */

const SVG = "http://www.w3.org/2000/svg";
/** What is higher than this share of the page is an area of a figure: it is only tinted. */
const AREA_SHARE = 0.1;
const AREA_TINT = 0.3;
const MARKS_MAX = 60;

/**
 * A card for a page. `ready` is called when its picture is near the window's view.
 * @param {Page} page
 */
export function createCard(page) {
  const ended = new AbortController();
  const sheet = element("span", { className: "sheet loading" });
  const score = element("span", { className: "score" });
  const matched = element("span", { className: "matched" });
  const { folder, name, ending } = partsOf(page.path);
  const link = element(
    "a",
    { className: "card" },
    element("span", { className: "desk" }, sheet),
    element(
      "span",
      { className: "caption" },
      element(
        "span",
        { className: "title", title: shownPath(page.path) },
        folder && element("span", { className: "folder" }, folder),
        name,
        element("span", { className: "ending" }, ending),
      ),
      element("span", { className: "where" }, element("span", {}, `page ${page.page}`), score),
      matched,
    ),
  );
  const item = element("li", {}, link);
  /** @type {SVGSVGElement | null} */
  let marks = null;
  let shownWord = /** @type {number | null} */ (null);

  return {
    item,
    link,
    page,
    signal: ended.signal,

    /** Say the address that the card leads to, and the page's score. @param {string} address @param {number} [value] */
    update(address, value) {
      link.href = address;
      score.textContent = value === undefined ? "" : value.toFixed(2);
      score.title = value === undefined ? "" : "How well the page matches, from 0 to 1";
      score.style.setProperty("--share", String(value ?? 0));
      score.hidden = value === undefined;
    },

    /** Load the thumbnail, once. */
    async load() {
      if (!sheet.classList.contains("loading") || sheet.dataset.asked) return;
      sheet.dataset.asked = "yes";
      try {
        const image = await picture(pictureOf(page.doc_id, page.page, SMALL_PX), ended.signal);
        sheet.style.setProperty("--ratio", String(image.naturalWidth / image.naturalHeight));
        sheet.prepend(image);
        sheet.classList.remove("loading");
      } catch {
        if (ended.signal.aborted) return;
        sheet.classList.replace("loading", "gone");
        sheet.append(element("span", {}, "No picture"));
      }
    },

    /** Mark what matches; null takes the marks away. @param {Word[] | null} words */
    mark(words) {
      marks?.remove();
      marks = null;
      matched.replaceChildren();
      if (!words) return;
      marks = drawMarks(words);
      sheet.append(marks);
      matched.append(
        ...words.map(({ word, score: match }) =>
          element(
            "span",
            { className: match >= FOUND ? "found" : "missing" },
            match >= FOUND ? word : element("s", {}, word),
          ),
        ),
      );
      this.point(shownWord);
    },

    /** Show the marks of one word, or of all. @param {number | null} word */
    point(word) {
      shownWord = word;
      for (const group of marks?.children ?? []) {
        group.classList.toggle("off", word !== null && group.getAttribute("data-word") !== String(word));
      }
    },

    /** Stop what is being loaded for it. */
    end() {
      ended.abort();
      item.remove();
    },
  };
}

/** @typedef {ReturnType<typeof createCard>} Card */

/**
 * The boxes of words, as an SVG picture that stretches over the page.
 * @param {Word[]} words
 */
function drawMarks(words) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "marks");
  svg.setAttribute("viewBox", "0 0 1 1");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  words.forEach((word, i) => {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("data-word", String(i));
    for (const { x0, y0, x1, y1, score } of word.boxes.slice(0, MARKS_MAX)) {
      if (x1 - x0 >= 1 && y1 - y0 >= 1) continue; // the page as a whole is no place
      const box = document.createElementNS(SVG, "rect");
      box.setAttribute("x", String(x0));
      box.setAttribute("y", String(y0));
      box.setAttribute("width", String(x1 - x0));
      box.setAttribute("height", String(y1 - y0));
      box.setAttribute("fill-opacity", String(score * (y1 - y0 > AREA_SHARE ? AREA_TINT : 1)));
      group.append(box);
    }
    svg.append(group);
  });
  return svg;
}
