/** The viewer: a page at full size with its heat map, navigation between pages and results, and searches by the page. */

import { goBack, currentState, navigate, toUrl } from "./url_state.js";
import { pageImageUrl, fetchWordMatches } from "./api.js";
import { splitPath, displayPath, cutName } from "./paths.js";
import { placeOf } from "./card.js";
import { createCopies } from "./copies.js";
import { pageCount, documentPath } from "./documents.js";
import { announce } from "./dom.js";
import { createHeatmapLayer } from "./heatmap_layer.js";
import { isCached, loadImage, THUMBNAIL_WIDTH } from "./page_images.js";
import { createRegionSelector } from "./region_selector.js";
import { focusCard, shownPages } from "./results.js";
import { createPanZoom } from "./pan_zoom.js";
import { createParts, REGION_LABEL } from "./viewer_parts.js";
import { showChips } from "./word_chips.js";

/** Image widths that are requested: a few, so that the server's cache is used. */
const WIDTHS = [900, 1400, 2400];
const PAN_PX = 80;

/** Create the viewer, closed. */
export function createViewer() {
  let loading = new AbortController();
  let shown = { document: "", page: 0, query: "" };
  let width = 0;

  const parts = createParts({
    fit: () => panZoom.fit(),
    zoomIn: () => panZoom.zoomIn(),
    zoomOut: () => panZoom.zoomOut(),
    turn,
    turnTo,
    step,
    toggleHighlights,
    toggleRegion,
    searchSimilar: () => searchLike(null),
  });
  const { dialog, title, where, rank, hits, heat, sheet, problem, frame } = parts;
  const { chips, chipsNote, marks, original, also, thumbnails, buttons } = parts;

  const heatmap = createHeatmapLayer(heat);
  const region = createRegionSelector(sheet, {
    onchoose: searchLike,
    onend: () => {
      showRegionButton(false);
      panZoom.setLocked(false);
      frame.focus();
    },
  });
  const panZoom = createPanZoom(frame, sheet, {
    onzoom: (factor) => {
      buttons.zoom.textContent = factor === 1 ? "Fit" : `${Math.round(100 * factor)}%`;
      loadSharp();
    },
    onswipe: turn,
  });

  /** Show the page of the URL state: open, change or close the viewer. */
  function update() {
    const { document, page, query, word } = currentState();
    if (!document || !page) {
      if (dialog.open) dialog.close();
      return;
    }
    const isOther = shown.document !== document || shown.page !== page || shown.query !== query;
    if (!dialog.open) {
      dialog.showModal();
      frame.focus();
      isOther && panZoom.fit();
    }
    if (shown.query !== query) words = [];
    shown = { document, page, query };
    showPosition();
    if (isOther) load();
    heatmap.showWord(word);
    if (!isOther) showPressed(word);
  }

  /** Show the name of the document, and the position among its pages and the results. */
  function showPosition() {
    const { document, page } = shown;
    const of = pageCount(document);
    const path = documentPath(document) ?? shownPages().find((hit) => hit.doc_id === document)?.path ?? "";
    const { name, extension } = splitPath(path);
    title.replaceChildren(...cutName(path, { withFolder: false }));
    title.title = displayPath(path);
    buttons.before.disabled = page <= 1;
    buttons.after.disabled = of !== undefined && page >= of;
    const results = shownPages();
    const at = results.findIndex((hit) => hit.doc_id === document && hit.page === page);
    const lines = results[at]?.lines ? `, ${placeOf(results[at])}` : "";
    where.textContent = (of ? `${page} of ${of}` : `page ${page}`) + lines;
    hits.hidden = results.length < 2;
    rank.textContent = at < 0 ? `${results.length} results` : `result ${at + 1} of ${results.length}`;
    buttons.hitBefore.disabled = at === 0;
    buttons.hitAfter.disabled = at === results.length - 1;
    frame.setAttribute("aria-label", `Page ${page} of ${name}`);
    thumbnails.show(document, page, of);
    original.show(document, page, extension);
    marks.show(shown.query, document, page);
    const paths = results.find((hit) => hit.doc_id === document)?.also ?? [];
    const key = JSON.stringify([toUrl(currentState()), paths]);
    if (also.dataset.key === key) return; // a list that is open stays so
    also.dataset.key = key;
    also.hidden = !paths.length;
    also.lastElementChild?.replaceChildren(createCopies(paths) ?? "");
  }

  async function load() {
    loading.abort();
    loading = new AbortController();
    const { signal } = loading;
    const { document, page, query } = shown;
    announce(`${title.firstElementChild?.textContent}, page ${where.textContent}`);
    region.end();
    heatmap.clear();
    heat.dataset.word = "";
    chips.replaceChildren();
    delete chips.dataset.label;
    problem.hidden = true;
    width = 0;
    sheet.classList.add("loading");
    for (const image of sheet.querySelectorAll(":scope > img")) image.remove();
    chipsNote.textContent = noteFor(query);
    const small = pageImageUrl(document, page, THUMBNAIL_WIDTH);
    if (isCached(small)) await showImage(small, signal).catch(() => {}); // the sharp one follows
    if (signal.aborted) return;
    // First the page with its highlights; then what is beside it, and what may be looked at next.
    const highlights = query ? heatmap.loadAll(query, document, page) : null;
    const found = query ? loadWords(query, document, page, signal) : null;
    await loadSharp();
    await highlights;
    const words = await found;
    if (signal.aborted) return;
    await thumbnails.load(query);
    if (words) await heatmap.loadWords(query, document, page, words);
    if (signal.aborted) return;
    thumbnails.highlight();
    preload();
  }

  /**
   * Show the words of a query with their matches on a page; resolves to their number.
   * @param {string} query @param {string} document @param {number} page @param {AbortSignal} signal
   */
  async function loadWords(query, document, page, signal) {
    try {
      const found = await fetchWordMatches(query, document, page, signal);
      showWords(found);
      return found.length;
    } catch (error) {
      if (!signal.aborted) chipsNote.textContent = /** @type {Error} */ (error).message;
      return 0;
    }
  }

  /** Load an image that is wide enough for the current zoom. */
  async function loadSharp() {
    const { signal } = loading;
    const needed = WIDTHS.find((each) => each >= panZoom.widthInPixels()) ?? WIDTHS[WIDTHS.length - 1];
    if (needed <= width || !shown.document) return;
    width = needed;
    try {
      await showImage(pageImageUrl(shown.document, shown.page, needed), signal);
    } catch (error) {
      if (signal.aborted) return;
      sheet.classList.remove("loading");
      problem.textContent = `This page cannot be shown: ${/** @type {Error} */ (error).message}`;
      problem.hidden = Boolean(sheet.querySelector(":scope > img"));
    }
  }

  /** @param {string} url @param {AbortSignal} signal */
  async function showImage(url, signal) {
    const image = await loadImage(url, signal);
    const others = [.../** @type {NodeListOf<HTMLImageElement>} */ (sheet.querySelectorAll(":scope > img"))];
    if (others.some((other) => other.naturalWidth > image.naturalWidth)) return; // a sharper one was faster
    panZoom.setAspectRatio(image.naturalWidth / image.naturalHeight);
    for (const other of others) other.remove();
    sheet.prepend(image);
    sheet.classList.remove("loading");
  }

  /** Preload the pages that are likely to be opened next. */
  function preload() {
    const { signal } = loading;
    const { document, page } = shown;
    const wide = WIDTHS.find((each) => each >= panZoom.widthInPixels()) ?? WIDTHS[0];
    for (const next of [page + 1, page - 1]) {
      if (next >= 1 && next <= (pageCount(document) ?? 0))
        loadImage(pageImageUrl(document, next, wide), signal).catch(() => {});
    }
  }

  /** @type {import("./api.js").Word[]} */
  let words = [];

  /** @param {import("./api.js").Word[]} found */
  function showWords(found) {
    words = found;
    showPressed(currentState().word);
  }

  /** @param {number | null} pressed */
  function showPressed(pressed) {
    if (!words.length || !shown.query) return;
    showChips(chips, words, {
      pressed,
      onshow: (word) => heatmap.showWord(word ?? currentState().word),
      onpress: (word) => {
        navigate({ word });
        showHighlights(true);
      },
    });
  }

  /** @param {number} pages */
  function turn(pages) {
    turnTo(shown.page + pages);
  }

  /** @param {number} page */
  function turnTo(page) {
    if (page >= 1 && page <= (pageCount(shown.document) ?? page)) navigate({ page });
  }

  /** @param {number} by */
  function step(by) {
    const results = shownPages();
    const at = results.findIndex((hit) => hit.doc_id === shown.document && hit.page === shown.page);
    const to = results[at < 0 ? 0 : at + by];
    if (to) navigate({ document: to.doc_id, page: to.page });
  }

  function toggleHighlights() {
    showHighlights(buttons.highlights.getAttribute("aria-pressed") !== "true");
  }

  /** @param {boolean} on */
  function showHighlights(on) {
    buttons.highlights.setAttribute("aria-pressed", String(on));
    heat.classList.toggle("off", !on);
  }

  function toggleRegion() {
    if (region.isActive()) return region.end();
    showRegionButton(true);
    panZoom.setLocked(true);
    region.start();
    announce("Drag over the part of the page to search by, or use the arrow keys and Enter");
  }

  /** @param {boolean} on */
  function showRegionButton(on) {
    buttons.region.setAttribute("aria-pressed", String(on));
    buttons.region.textContent = on ? "Drag a region…" : REGION_LABEL;
  }

  /** @param {number[] | null} box */
  function searchLike(box) {
    const like = { document: shown.document, page: shown.page, box };
    navigate({ query: "", picture: 0, like, path: "", document: "", page: 0, word: null }, { push: true });
  }

  dialog.addEventListener("close", () => {
    if (dialog.open) return; // another page was opened before this event came
    loading.abort();
    region.end();
    const closed = { doc_id: shown.document, page: shown.page, path: "" };
    shown = { document: "", page: 0, query: "" };
    words = [];
    if (currentState().document) goBack({ document: "", page: 0, word: null });
    focusCard(closed);
  });

  const keys = {
    ArrowLeft: () => (panZoom.isZoomed() ? panZoom.panBy(PAN_PX, 0) : turn(-1)),
    ArrowRight: () => (panZoom.isZoomed() ? panZoom.panBy(-PAN_PX, 0) : turn(1)),
    ArrowUp: () => panZoom.panBy(0, PAN_PX),
    ArrowDown: () => panZoom.panBy(0, -PAN_PX),
    PageUp: () => turn(-1),
    PageDown: () => turn(1),
    "[": () => step(-1),
    "]": () => step(1),
    k: () => step(-1),
    j: () => step(1),
    "+": () => panZoom.zoomIn(),
    "=": () => panZoom.zoomIn(),
    "-": () => panZoom.zoomOut(),
    0: () => panZoom.fit(),
    m: toggleHighlights,
    r: toggleRegion,
    l: () => searchLike(null),
    w: () => nextWord(),
    y: () => marks.toggle(true),
    n: () => marks.toggle(false),
  };

  function nextWord() {
    const { word } = currentState();
    const next = word === null ? 0 : word + 1;
    navigate({ word: next < words.length ? next : null });
    announce(next < words.length ? `Highlights of ${words[next].word}` : "Highlights of all words");
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
    return currentState().like || currentState().picture
      ? "Found by visual similarity: there are no words to highlight."
      : "After a search, its words are highlighted here.";
  }

  return { update, showPosition: () => dialog.open && showPosition() };
}
