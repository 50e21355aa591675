/** The viewer: a page at full size with its heat map, the pages beside it, the other results, and searches that start from it. */

import { back, here, move } from "./address.js";
import { pictureOf, wordsOn } from "./api.js";
import { partsOf, shownPath } from "./names.js";
import { pagesOf, pathOf } from "./documents.js";
import { say, element } from "./element.js";
import { createMarks } from "./marks.js";
import { isAtHand, picture, SMALL_PX } from "./pictures.js";
import { createRegion } from "./region.js";
import { focusCard, pagesShown } from "./results.js";
import { createStage } from "./stage.js";
import { createParts, PART } from "./viewer_parts.js";
import { showChips } from "./words.js";

/** Pictures are asked for in a few widths, so that the server's kept ones fit. */
const WIDTHS = [900, 1400, 2400];
const PAN_PX = 80;

/** The viewer, closed at first. */
export function createViewer() {
  let loading = new AbortController();
  let shown = { document: "", page: 0, query: "" };
  let width = 0;

  const parts = createParts({
    fit: () => stage.fit(),
    larger: () => stage.larger(),
    smaller: () => stage.smaller(),
    turn,
    turnTo,
    step,
    marks: toggleMarks,
    region: toggleRegion,
    like: () => searchLike(null),
  });
  const { dialog, title, where, rank, hits, heat, sheet, problem, frame, chips, chipsNote, film, buttons } = parts;

  const marks = createMarks(heat);
  const region = createRegion(sheet, {
    onchoose: searchLike,
    onend: () => {
      tellRegion(false);
      stage.hold(false);
      frame.focus();
    },
  });
  const stage = createStage(frame, sheet, {
    onzoom: (factor) => {
      buttons.zoom.textContent = factor === 1 ? "Fit" : `${Math.round(100 * factor)} %`;
      sharpen();
    },
    onswipe: turn,
  });

  /** Show what the address says: open, change or close. */
  function follow() {
    const { document, page, query, word } = here();
    if (!document || !page) {
      if (dialog.open) dialog.close();
      return;
    }
    const isOther = shown.document !== document || shown.page !== page || shown.query !== query;
    if (!dialog.open) {
      dialog.showModal();
      frame.focus();
      isOther && stage.fit();
    }
    shown = { document, page, query };
    tell();
    if (isOther) load();
    marks.point(word);
    if (!isOther) press(word);
  }

  /** Name the page, and say which of the pages and results it is. */
  function tell() {
    const { document, page } = shown;
    const of = pagesOf(document);
    const path = pathOf(document) ?? pagesShown().find((hit) => hit.doc_id === document)?.path ?? "";
    const { name, ending } = partsOf(path);
    title.replaceChildren(name, element("span", { className: "ending" }, ending));
    title.title = shownPath(path);
    where.textContent = of ? `${page} of ${of}` : `page ${page}`;
    buttons.before.disabled = page <= 1;
    buttons.after.disabled = of !== undefined && page >= of;
    const results = pagesShown();
    const at = results.findIndex((hit) => hit.doc_id === document && hit.page === page);
    hits.hidden = results.length < 2;
    rank.textContent = at < 0 ? `${results.length} results` : `result ${at + 1} of ${results.length}`;
    buttons.hitBefore.disabled = at === 0;
    buttons.hitAfter.disabled = at === results.length - 1;
    frame.setAttribute("aria-label", `Page ${page} of ${name}`);
    film.show(document, page, of);
  }

  async function load() {
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    const { document, page, query } = shown;
    say(`${title.textContent}, page ${where.textContent}`);
    region.end();
    marks.clear();
    heat.dataset.word = "";
    chips.replaceChildren();
    delete chips.dataset.label;
    problem.hidden = true;
    width = 0;
    sheet.classList.add("loading");
    for (const image of sheet.querySelectorAll(":scope > img")) image.remove();
    chipsNote.textContent = noteFor(query);
    const small = pictureOf(document, page, SMALL_PX);
    if (isAtHand(small)) await put(small, signal);
    await sharpen();
    film.load();
    if (signal.aborted || !query) return preload();
    marks.open(query, document, page);
    try {
      const words = await wordsOn(query, document, page, signal);
      showWords(words);
      await marks.openWords(query, document, page, words.length);
    } catch (error) {
      if (!signal.aborted) chipsNote.textContent = /** @type {Error} */ (error).message;
    }
    if (!signal.aborted) preload();
  }

  /** Load the picture that is wide enough for the present zoom. */
  async function sharpen() {
    const { signal } = loading;
    const needed = WIDTHS.find((each) => each >= stage.pixels()) ?? WIDTHS[WIDTHS.length - 1];
    if (needed <= width || !shown.document) return;
    width = needed;
    try {
      await put(pictureOf(shown.document, shown.page, needed), signal);
    } catch (error) {
      if (signal.aborted) return;
      sheet.classList.remove("loading");
      problem.textContent = `This page cannot be shown: ${/** @type {Error} */ (error).message}`;
      problem.hidden = Boolean(sheet.querySelector(":scope > img"));
    }
  }

  /** @param {string} address @param {AbortSignal} signal */
  async function put(address, signal) {
    const image = await picture(address, signal);
    stage.setRatio(image.naturalWidth / image.naturalHeight);
    for (const old of sheet.querySelectorAll(":scope > img")) old.remove();
    sheet.prepend(image);
    sheet.classList.remove("loading");
  }

  /** Have the pages at hand that are likely to come next. */
  function preload() {
    const { signal } = loading;
    const { document, page } = shown;
    const wide = WIDTHS.find((each) => each >= stage.pixels()) ?? WIDTHS[0];
    for (const next of [page + 1, page - 1]) {
      if (next >= 1 && next <= (pagesOf(document) ?? 0))
        picture(pictureOf(document, next, wide), signal).catch(() => {});
    }
  }

  /** @type {import("./api.js").Word[]} */
  let words = [];

  /** @param {import("./api.js").Word[]} found */
  function showWords(found) {
    words = found;
    press(here().word);
  }

  /** @param {number | null} pressed */
  function press(pressed) {
    if (!words.length || !shown.query) return;
    showChips(chips, words, {
      pressed,
      onshow: (word) => marks.point(word ?? here().word),
      onpress: (word) => {
        move({ word });
        showMarks(true);
      },
    });
  }

  /** @param {number} pages */
  function turn(pages) {
    turnTo(shown.page + pages);
  }

  /** @param {number} page */
  function turnTo(page) {
    if (page >= 1 && page <= (pagesOf(shown.document) ?? page)) move({ page });
  }

  /** @param {number} by */
  function step(by) {
    const results = pagesShown();
    const at = results.findIndex((hit) => hit.doc_id === shown.document && hit.page === shown.page);
    const to = results[at < 0 ? 0 : at + by];
    if (to) move({ document: to.doc_id, page: to.page });
  }

  function toggleMarks() {
    showMarks(buttons.marks.getAttribute("aria-pressed") !== "true");
  }

  /** @param {boolean} on */
  function showMarks(on) {
    buttons.marks.setAttribute("aria-pressed", String(on));
    heat.classList.toggle("off", !on);
  }

  function toggleRegion() {
    if (region.isOn()) return region.end();
    tellRegion(true);
    stage.hold(true);
    region.start();
    say("Drag over the part of the page to search by, or use the arrow keys and Enter");
  }

  /** @param {boolean} on */
  function tellRegion(on) {
    buttons.region.setAttribute("aria-pressed", String(on));
    buttons.region.textContent = on ? "Drag over it…" : PART;
  }

  /** @param {number[] | null} box */
  function searchLike(box) {
    const like = { document: shown.document, page: shown.page, box };
    move({ query: "", picture: 0, like, path: "", document: "", page: 0, word: null }, { push: true });
  }

  dialog.addEventListener("close", () => {
    loading.abort();
    region.end();
    const was = { doc_id: shown.document, page: shown.page, path: "" };
    shown = { document: "", page: 0, query: "" };
    words = [];
    if (here().document) back({ document: "", page: 0, word: null });
    focusCard(was);
  });

  const keys = {
    ArrowLeft: () => (stage.isZoomed() ? stage.panBy(PAN_PX, 0) : turn(-1)),
    ArrowRight: () => (stage.isZoomed() ? stage.panBy(-PAN_PX, 0) : turn(1)),
    ArrowUp: () => stage.panBy(0, PAN_PX),
    ArrowDown: () => stage.panBy(0, -PAN_PX),
    PageUp: () => turn(-1),
    PageDown: () => turn(1),
    "[": () => step(-1),
    "]": () => step(1),
    "+": () => stage.larger(),
    "=": () => stage.larger(),
    "-": () => stage.smaller(),
    0: () => stage.fit(),
    m: toggleMarks,
    r: toggleRegion,
    l: () => searchLike(null),
    w: () => nextWord(),
  };

  function nextWord() {
    const { word } = here();
    const next = word === null ? 0 : word + 1;
    move({ word: next < words.length ? next : null });
    say(next < words.length ? `Marks of ${words[next].word}` : "Marks of all words");
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = /** @type {Record<string, () => void>} */ (keys)[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  /** @param {string} query */
  function noteFor(query) {
    if (query) return "";
    return here().like || here().picture
      ? "Found by its looks: there are no words to mark."
      : "Search, and what matches is marked here.";
  }

  return { follow, tell: () => dialog.open && tell() };
}
