/** The words of a query as chips, with weight and match. Hovering, focusing or pressing one selects its highlights. */

import { element } from "./dom.js";

/** @typedef {import("./api.js").Word} Word */

/** A word with a lower match counts as missing. */
export const FOUND_SCORE = 0.5;

/**
 * Fill `group` with a chip for each word. `onshow` is called with the word that is pointed at (null: none), `onpress` with
 * the word that is now pressed (null: none).
 * @param {HTMLElement} group
 * @param {{word: string, weight: number, score?: number}[]} words
 * @param {{pressed: number | null, onshow: (word: number | null) => void, onpress: (word: number | null) => void}} options
 */
export function showChips(group, words, { pressed, onshow, onpress }) {
  const heaviest = Math.max(...words.map((word) => word.weight), Number.MIN_VALUE);
  const chips = words.map((word, i) => {
    const score = word.score;
    const found = score === undefined || score >= FOUND_SCORE;
    const details = `weight ${percent(word.weight)}` + (score === undefined ? "" : `, match ${score.toFixed(2)}`);
    const weight = element("span", { className: "weight", "aria-hidden": "true" });
    weight.style.setProperty("--share", String(word.weight / heaviest));
    return element(
      "button",
      {
        type: "button",
        className: `chip${found ? "" : " missing"}`,
        title: `${word.word}: ${details}`,
        "aria-pressed": String(pressed === i),
        onpointerenter: () => onshow(i),
        onpointerleave: () => onshow(null),
        onfocus: () => onshow(i),
        onblur: () => onshow(null),
        onclick: () => onpress(pressed === i ? null : i),
      },
      element("span", { className: "text" }, word.word),
      score !== undefined &&
        element("span", { className: "match", "aria-hidden": "true" }, found ? score.toFixed(2) : "–"),
      element("span", { className: "visually-hidden" }, `, ${details}`),
      weight,
    );
  });
  // Replace the chips only when the words changed, so that a hovered or focused chip stays.
  const label = JSON.stringify([words.map(({ word, weight, score }) => [word, weight, score]), pressed]);
  if (group.dataset.label === label) return;
  const focused = [...group.children].indexOf(/** @type {Element} */ (document.activeElement));
  group.dataset.label = label;
  group.replaceChildren(...chips);
  chips[focused]?.focus();
}

/** @param {number} fraction */
const percent = (fraction) => `${Math.round(100 * fraction)}%`;
