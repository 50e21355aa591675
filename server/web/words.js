/** Words of a query as chips: how much each counts, how well it is matched; hovered, focused or pressed, it is the one shown. */

import { element } from "./element.js";

/** @typedef {import("./api.js").Word} Word */

/** Below this a word counts as not found: nothing of it is marked. */
export const FOUND = 0.5;

/**
 * Fill `group` with a chip for each word. `onshow` hears which word is pointed at (null: the pressed one, or all), and
 * `onpress` which one is pressed from now on.
 * @param {HTMLElement} group
 * @param {{word: string, weight: number, score?: number}[]} words
 * @param {{pressed: number | null, onshow: (word: number | null) => void, onpress: (word: number | null) => void}} how
 */
export function showChips(group, words, { pressed, onshow, onpress }) {
  const heaviest = Math.max(...words.map((word) => word.weight), Number.MIN_VALUE);
  const chips = words.map((word, i) => {
    const score = word.score;
    const found = score === undefined || score >= FOUND;
    const told = `counts ${percent(word.weight)}` + (score === undefined ? "" : `, match ${score.toFixed(2)}`);
    const weight = element("span", { className: "weight", "aria-hidden": "true" });
    weight.style.setProperty("--share", String(word.weight / heaviest));
    return element(
      "button",
      {
        type: "button",
        className: `chip${found ? "" : " missing"}`,
        title: `${word.word}: ${told}`,
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
      element("span", { className: "unseen" }, `, ${told}`),
      weight,
    );
  });
  // Replaced only when the words are others: a chip that is hovered or focused stays.
  const label = JSON.stringify([words.map(({ word, weight, score }) => [word, weight, score]), pressed]);
  if (group.dataset.label === label) return;
  const focused = [...group.children].indexOf(/** @type {Element} */ (document.activeElement));
  group.dataset.label = label;
  group.replaceChildren(...chips);
  chips[focused]?.focus();
}

/** @param {number} share */
const percent = (share) => `${Math.round(100 * share)} %`;
