/** The result cards, in order. Cards in view load their thumbnails; matches are highlighted when typing pauses. */

import { currentState, navigate, toUrl } from "./url_state.js";
import { fetchWordMatches } from "./api.js";
import { createCard } from "./card.js";
import { byId, placeInOrder } from "./dom.js";
import { createLimiter } from "./concurrency.js";
import { FOUND_SCORE, showChips } from "./word_chips.js";

/** @typedef {import("./card.js").Card} Card */
/** @typedef {import("./card.js").Page} Page */
/** @typedef {import("./api.js").Word} Word */

const PAUSE_MS = 220;
const NEAR_VIEW = "250px";
const limitRequests = createLimiter(2);

/** @type {Map<string, Card>} */
let cards = new Map();
/** @type {Set<string>} cards in or near the view */
const inView = new Set();
/** @type {Map<string, Word[]>} word matches of the shown pages with `query` */
let matches = new Map();
/** @type {Set<Card>} cards whose matches with `query` are known or being loaded */
let asked = new Set();
let query = "";
let loading = new AbortController();
/** @type {number | undefined} */
let pauseTimer;
let pressed = /** @type {number | null} */ (null);
/** @type {(missing: string[]) => void} */
let reportMissing = () => {};

/** Whether two results have the same other paths. @param {Page} one @param {Page} other */
const isAlsoAt = (one, other) => JSON.stringify(one.also ?? []) === JSON.stringify(other.also ?? []);

const key = (/** @type {Page} */ page) => `${page.doc_id}/${page.page}`;

const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const of = /** @type {HTMLElement} */ (entry.target).dataset.key ?? "";
      if (entry.isIntersecting) inView.add(of);
      else inView.delete(of);
      if (entry.isIntersecting) cards.get(of)?.load();
    }
    scheduleMatches();
  },
  { rootMargin: NEAR_VIEW },
);

/**
 * Show `pages`, best first. `text` is the query whose words are highlighted ("" for none). `onMissing` is called with the
 * words that no page in view has.
 * @param {Page[]} pages @param {string} text @param {(missing: string[]) => void} [onMissing]
 */
export function showPages(pages, text, onMissing = () => {}) {
  reportMissing = onMissing;
  const before = cards;
  cards = new Map();
  for (const page of pages) {
    const known = before.get(key(page));
    const card = known && isAlsoAt(known.page, page) ? known : newCard(page);
    if (card === known) before.delete(key(page));
    cards.set(key(page), card);
    const target = { ...currentState(), document: page.doc_id, page: page.page, word: null };
    card.update(toUrl(target), page.score);
    card.showSnippet(text ? page.snippet : null);
  }
  for (const [of, card] of before) {
    observer.unobserve(card.item);
    inView.delete(of);
    matches.delete(of);
    asked.delete(card);
    card.destroy();
  }
  if (text !== query) {
    loading.abort();
    loading = new AbortController();
    matches = new Map();
    asked = new Set();
    pressed = null;
    query = text;
    for (const card of cards.values()) card.showMatches(null);
    if (!text) byId("words").hidden = true;
  }
  placeInOrder(
    byId("pages"),
    [...cards.values()].map(({ item }) => item),
  );
  scheduleMatches();
}

/** Remove all cards. */
export function clearPages() {
  byId("pages").classList.remove("stale");
  showPages([], "");
}

/** Tell assistive technology, and tests, whether other results are on their way. @param {boolean} busy */
export const setBusy = (busy) => byId("pages").setAttribute("aria-busy", String(busy));

/** The pages of the cards, in order. */
export const shownPages = () => [...cards.values()].map((card) => card.page);

/** Focus the card of a page, if there is one; without a page, the first card. @param {Page} [page] */
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
    navigate({ document: page.doc_id, page: page.page, word: pressed }, { push: true });
  });
  observer.observe(card.item);
  return card;
}

function scheduleMatches() {
  clearTimeout(pauseTimer);
  if (query) pauseTimer = setTimeout(showMatchesInView, PAUSE_MS);
}

async function showMatchesInView() {
  const { signal } = loading;
  const text = query;
  await Promise.all(
    [...cards]
      .filter(([of, card]) => inView.has(of) && !asked.has(card))
      .map(async ([of, card]) => {
        asked.add(card);
        try {
          const words = await limitRequests(
            () => fetchWordMatches(text, card.page.doc_id, card.page.page, signal),
            signal,
          );
          if (signal.aborted || cards.get(of) !== card) return;
          matches.set(of, words);
          card.showMatches(words, text);
          if (pressed !== null) card.highlightWord(pressed);
          showWords(words);
        } catch {
          asked.delete(card);
          // The card stays without highlights; the search itself reports an unreachable server.
        }
      }),
  );
  if (!signal.aborted && matches.size && matches.size === asked.size) reportMissing(missingWords());
}

/** Words that none of the pages in view has. */
function missingWords() {
  const [first, ...others] = matches.values();
  return first
    .filter(({ score }, i) => score < FOUND_SCORE && others.every((words) => (words[i]?.score ?? 0) < FOUND_SCORE))
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
  for (const [of, card] of cards) if (inView.has(of) || word === null) card.highlightWord(word);
}

byId("pages").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  const links = [...cards.values()].map((card) => card.link);
  const at = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement));
  if (at < 0) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const to = {
    k: at - 1,
    j: at + 1,
    Escape: -1,
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

/** The number of cards in a row. @param {HTMLElement[]} links */
function perRow(links) {
  const top = links[0].getBoundingClientRect().top;
  const next = links.findIndex((link) => link.getBoundingClientRect().top > top + 4);
  return next < 0 ? links.length : next;
}
