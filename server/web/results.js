/** The pages found, as cards in order; those in view get their thumbnails, and what matches is marked when typing rests. */

import { here, move, write } from "./address.js";
import { wordsOn } from "./api.js";
import { createCard } from "./card.js";
import { byId } from "./element.js";
import { lane } from "./lane.js";
import { FOUND, showChips } from "./words.js";

/** @typedef {import("./card.js").Card} Card */
/** @typedef {import("./card.js").Page} Page */
/** @typedef {import("./api.js").Word} Word */

const REST_MS = 220;
const NEAR_VIEW = "250px";
const inLane = lane(2);

/** @type {Map<string, Card>} */
let cards = new Map();
/** @type {Set<string>} cards in or near the view */
const inView = new Set();
/** @type {Map<string, Word[]>} what the pages shown match of `query` */
let found = new Map();
let query = "";
let asking = new AbortController();
/** @type {number | undefined} */
let resting;
let pressed = /** @type {number | null} */ (null);
/** @type {(missing: string[]) => void} */
let onmissing = () => {};

const key = (/** @type {Page} */ page) => `${page.doc_id}/${page.page}`;

const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const of = /** @type {HTMLElement} */ (entry.target).dataset.key ?? "";
      if (entry.isIntersecting) inView.add(of);
      else inView.delete(of);
      if (entry.isIntersecting) cards.get(of)?.load();
    }
    markSoon();
  },
  { rootMargin: NEAR_VIEW },
);

/**
 * Show `pages`, best first; `text` is the query whose words are marked on them ("" for none). `heard` is told the words
 * that no page in view has.
 * @param {Page[]} pages @param {string} text @param {(missing: string[]) => void} [heard]
 */
export function showPages(pages, text, heard = () => {}) {
  onmissing = heard;
  const list = byId("pages");
  const before = cards;
  cards = new Map();
  for (const page of pages) {
    const card = before.get(key(page)) ?? newCard(page);
    before.delete(key(page));
    cards.set(key(page), card);
    const place = { ...here(), document: page.doc_id, page: page.page, word: null };
    card.update(write(place), page.score);
  }
  for (const [of, card] of before) {
    observer.unobserve(card.item);
    inView.delete(of);
    card.end();
  }
  if (text !== query) {
    asking.abort();
    asking = new AbortController();
    found = new Map();
    pressed = null;
    query = text;
    for (const card of cards.values()) card.mark(null);
    if (!text) byId("words").hidden = true;
  }
  // Cards that stay where they are are not touched: their pictures do not flicker.
  let at = list.firstElementChild;
  for (const { item } of cards.values()) {
    if (item === at) at = at.nextElementSibling;
    else list.insertBefore(item, at);
  }
  markSoon();
}

/** Take every page away. */
export function clearPages() {
  showPages([], "");
}

/** The pages shown, in order. */
export const pagesShown = () => [...cards.values()].map((card) => card.page);

/** Put the focus on the card of a page, if it is there; without a page, on the first. @param {Page} [page] */
export function focusCard(page) {
  const card = page ? cards.get(key(page)) : [...cards.values()][0];
  card?.link.focus();
}

/** @param {Page} page */
function newCard(page) {
  const card = createCard(page);
  card.item.dataset.key = key(page);
  card.link.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    move({ document: page.doc_id, page: page.page, word: pressed }, { push: true });
  });
  observer.observe(card.item);
  return card;
}

function markSoon() {
  clearTimeout(resting);
  if (query) resting = setTimeout(markThoseInView, REST_MS);
}

async function markThoseInView() {
  const { signal } = asking;
  const text = query;
  await Promise.all(
    [...cards]
      .filter(([of]) => inView.has(of) && !found.has(of))
      .map(async ([of, card]) => {
        try {
          const words = await inLane(() => wordsOn(text, card.page.doc_id, card.page.page, signal), signal);
          if (signal.aborted || !cards.has(of)) return;
          found.set(of, words);
          card.mark(words);
          showWords(words);
        } catch {
          // A card without marks still shows its page; the search itself tells of a server that has gone.
        }
      }),
  );
  if (!signal.aborted && found.size) onmissing(missingWords());
}

/** Words that none of the pages in view has. */
function missingWords() {
  const [first, ...others] = found.values();
  return first
    .filter(({ score }, i) => score < FOUND && others.every((words) => (words[i]?.score ?? 0) < FOUND))
    .map(({ word }) => word);
}

/** @param {Word[]} words */
function showWords(words) {
  const group = byId("words");
  group.hidden = words.length < 1;
  showChips(
    group,
    words.map(({ word, weight }) => ({ word, weight })),
    {
      pressed,
      onshow: (word) => point(word ?? pressed),
      onpress: (word) => {
        pressed = word;
        showWords(words);
        point(word);
      },
    },
  );
}

/** @param {number | null} word */
function point(word) {
  for (const card of cards.values()) card.point(word);
}

byId("pages").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  const links = [...cards.values()].map((card) => card.link);
  const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
  if (at < 0) return;
  const to = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    Home: 0,
    End: links.length - 1,
    ArrowUp: at - perRow(links),
    ArrowDown: at + perRow(links),
  }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to < 0) byId("query").focus();
  else links[Math.min(to, links.length - 1)].focus();
});

/** How many cards stand side by side. @param {HTMLElement[]} links */
function perRow(links) {
  const top = links[0].getBoundingClientRect().top;
  const next = links.findIndex((link) => link.getBoundingClientRect().top > top + 4);
  return next < 0 ? links.length : next;
}
