/** Wires the page: runs the search of the URL state, and passes the answer to the components. */

import { currentState, navigate, onNavigate, toUrl } from "./url_state.js";
import { allowAnswers, offerAnswer } from "./answer_panel.js";
import { fetchIndexInfo } from "./api.js";
import { loadCollections, showCollections } from "./collections.js";
import { showFilters, whereOf } from "./filters.js";
import { listenForFiles } from "./file_input.js";
import { hasQuery, runSearch, cancelSearch } from "./search.js";
import { showShortcuts } from "./dialogs.js";
import {
  allowDelete,
  showHitCounts,
  renderDocuments,
  fetchDocuments,
  showDocuments,
  searchableDocuments,
} from "./documents.js";
import { byId } from "./dom.js";
import { allowMarks } from "./marks.js";
import { showModes, updateMode } from "./modes.js";
import { displayPath } from "./paths.js";
import { storeImage } from "./image_query.js";
import { clearPages, focusCard, setBusy, shownPages, showPages } from "./results.js";
import { showNoMatch, clearState, showError, showSkeletons, showWelcome } from "./empty_states.js";
import { showImageQuery, hideSummary, showSummary, showDocumentSummary } from "./summary.js";
import { hideBanner, handleError } from "./error_handling.js";
import { addDocuments, onUploaded, resumeUploads } from "./uploads.js";
import { createViewer } from "./viewer.js";

/** @typedef {import("./url_state.js").UrlState} UrlState */

const DEBOUNCE_MS = 40;
/** Idle time after which typing counts as paused. "No match" is shown only then, since a half-typed word matches nothing. */
const PAUSE_MS = 500;
const PAGES_FIRST = 24;
const PAGES_MAX = 192;
/** Maximum number of cover pages on the start page. */
const COVERS_MAX = 12;

const input = byId("query");
const viewer = createViewer();

/** @type {import("./api.js").Index | null} */
let index = null;
let limit = PAGES_FIRST;
let canAdd = false;
/** Whether the uploads that the server had are shown. */
let isResumed = false;
/** Whether the cards are search results. */
let isAnswer = false;
/** @type {number | undefined} */
let typingTimer;
/** @type {number | undefined} */
let weakTimer;
/** Whether the next keystroke starts a new history entry, so Back undoes a whole query. */
let startsNewQuery = true;

async function start() {
  isResumed = false;
  try {
    await loadCollections();
    if (!(await load())) return;
  } catch (error) {
    return handleError(/** @type {Error} */ (error), { retry: start, restart: start });
  }
  showFilters(hasDocuments());
  show();
  viewer.update();
}

let loads = 0;

/**
 * Load what the server says of the chosen collection, and its documents. False if another load began in the meantime:
 * then nothing is changed, and an error of this one is of no interest.
 */
async function load() {
  const own = ++loads;
  try {
    const [found, listed] = await Promise.all([fetchIndexInfo(currentState().collection), fetchDocuments()]);
    if (own !== loads) return false;
    index = found;
    showDocuments(listed, () => refresh());
  } catch (error) {
    if (own !== loads) return false;
    throw error;
  }
  allow();
  return true;
}

/** Show what the server allows. */
function allow() {
  canAdd = index?.uploads_allowed ?? false;
  byId("add").hidden = !canAdd;
  allowDelete(canAdd);
  allowMarks(index?.marks_allowed ?? false);
  allowAnswers(index?.answers_by);
  showModes(index?.semantic ?? false);
  if (!canAdd || isResumed) return;
  isResumed = true;
  resumeUploads().catch(() => {}); // the next request reports the error
}

const hasDocuments = () => !index || index.documents > 0;

/**
 * Reload after a document was added or deleted, or after other documents were chosen: `isChosen`. Then the counts of the
 * filters and the answer to a query are being loaded already.
 * @param {boolean} [isChosen]
 */
async function refresh(isChosen = false) {
  try {
    if (!(await load())) return;
    showFilters(hasDocuments(), { isCounted: isChosen });
    if (!isChosen || !hasQuery(currentState())) show();
    viewer.showPosition();
  } catch (error) {
    handleError(/** @type {Error} */ (error), { retry: () => refresh(isChosen), restart: start });
  }
}

/** Run the search of the URL state, and show the answer. */
function show() {
  const state = currentState();
  clearTimeout(weakTimer);
  setBusy(true);
  showImageQuery(state);
  offerAnswer(hasQuery(state) ? state : null);
  if (!hasQuery(state)) return showWithoutQuery(state);
  document.title = state.query ? `${state.query} · docsearch` : "docsearch";
  byId("heading").textContent = "Results";
  runSearch(state, limit, {
    onSlow() {
      if (!isAnswer) clearPages();
      if (!shownPages().length) showSkeletons();
      byId("pages").classList.add("stale");
    },
    onAnswer(answer, milliseconds) {
      hideBanner();
      const hits = state.path ? answer.hits.filter((hit) => hit.path === state.path) : answer.hits;
      const isWeak = !hits.length || answer.no_good_match;
      const unread = {
        model: index?.model ?? "The model",
        unreadLetters: answer.unread_letters,
        tryMode: answer.try_mode,
      };
      if (!hits.length && shownPages().length && !hasPaused()) {
        byId("pages").classList.add("stale");
      } else {
        showAnswer(state, hits);
        if (!isWeak) clearState();
      }
      if (!isWeak) setBusy(false);
      else weakTimer = setTimeout(() => showWeak(state, hits, unread), hasPaused() ? 0 : PAUSE_MS);
      showSummary(hits, milliseconds, answer, unread);
    },
    onError: (error) => handleError(error, { retry: show, restart: start }),
  });
}

/** @param {UrlState} state @param {import("./api.js").Hit[]} hits */
function showAnswer(state, hits) {
  byId("pages").classList.remove("stale");
  isAnswer = true;
  showPages(hits, state.like || state.picture ? "" : state.query.trim());
  showHitCounts(hits);
  byId("more").hidden = hits.length < limit || limit >= PAGES_MAX;
  viewer.showPosition();
}

/**
 * @param {UrlState} state @param {import("./api.js").Hit[]} hits
 * @param {{model: string, unreadLetters: string, tryMode: string | null}} unread
 */
function showWeak(state, hits, unread) {
  const options = { nearest: hits.length > 0, path: state.path, isFiltered: state.filters.length > 0, ...unread };
  showNoMatch(state.query, options);
  showPages(hits, state.query.trim(), (missing) => showNoMatch(state.query, { ...options, missing }));
  byId("pages").classList.remove("stale");
  showHitCounts(hits);
  setBusy(false);
}

/** Without a query: the pages of the chosen document, or the start page. @param {UrlState} state */
function showWithoutQuery(state) {
  cancelSearch();
  hideBanner();
  isAnswer = false;
  document.title = "docsearch";
  byId("more").hidden = true;
  byId("pages").classList.remove("stale");
  setBusy(false);
  showHitCounts([]);
  const chosen = searchableDocuments().find((doc) => doc.path === state.path);
  if (!chosen) {
    hideSummary();
    byId("heading").textContent = "Start";
    showWelcome(index, { canAdd, isFiltered: state.filters.length > 0 });
    return showPages(
      searchableDocuments()
        .slice(0, COVERS_MAX)
        .map((doc) => ({ doc_id: doc.id, path: doc.path, page: 1, collection: doc.collection })),
      "",
    );
  }
  clearState();
  byId("heading").textContent = `Pages of ${displayPath(chosen.path)}`;
  const pages = Array.from({ length: Math.min(chosen.pages ?? 0, PAGES_MAX) }, (_, i) => ({
    doc_id: chosen.id,
    path: chosen.path,
    page: i + 1,
  }));
  showPages(pages, "");
  showDocumentSummary(chosen);
}

const hasPaused = () => performance.now() - typedAt > PAUSE_MS;
let typedAt = -PAUSE_MS;

/** @param {boolean} now */
function readInput(now) {
  clearTimeout(typingTimer);
  typedAt = now ? -PAUSE_MS : performance.now();
  typingTimer = setTimeout(
    () => {
      const push = startsNewQuery;
      startsNewQuery = false;
      limit = PAGES_FIRST;
      navigate({ query: input.value, like: null }, { push });
      if (now) startsNewQuery = true;
    },
    now ? 0 : DEBOUNCE_MS,
  );
}

input.addEventListener("input", () => readInput(false));
byId("search").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  readInput(true);
});
input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "ArrowDown" && shownPages().length) {
    event.preventDefault();
    focusCard();
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (!input.value && !currentState().like && !currentState().picture) return input.blur();
    input.value = "";
    navigate({ query: "", like: null, picture: 0 }, { push: true });
  }
});

/** The part of the state that determines the search, as a URL. @param {UrlState} state */
const searchOf = (state) => toUrl({ ...state, document: "" });

onNavigate((now, before) => {
  if (input.value !== now.query && (document.activeElement !== input || now.query !== input.value.trim()))
    input.value = now.query;
  if (searchOf(now) !== searchOf(before)) {
    const isOther = now.collection !== before.collection || whereOf(now.filters) !== whereOf(before.filters);
    if (isOther) {
      setBusy(true);
      cancelSearch(); // without a query, nothing else would before the documents are here
      clearTimeout(weakTimer);
      showCollections();
      showFilters(true);
      refresh(true);
    }
    if (now.path !== before.path) renderDocuments();
    if (now.mode !== before.mode) updateMode();
    if (!isOther || hasQuery(now)) show();
  }
  if (now.document !== before.document || now.path !== before.path) startsNewQuery = true;
  viewer.update();
});

byId("more").firstElementChild.addEventListener("click", () => {
  limit = Math.min(PAGES_MAX, 2 * limit);
  show();
});

let chosenImages = 0;
listenForFiles({
  canAdd: () => canAdd,
  addDocuments,
  async searchByImage(file) {
    const own = ++chosenImages;
    try {
      const picture = await storeImage(file);
      if (own === chosenImages) navigate({ picture, like: null, query: "" }, { push: true });
    } catch {
      showError(`${file.name || "The file"} is not an image that this browser can read.`, null);
    }
  },
});
onUploaded(() => refresh());

byId("help").addEventListener("click", showShortcuts);
byId("show-documents").addEventListener("click", () => {
  const isOpen = byId("documents").classList.toggle("open");
  byId("show-documents").setAttribute("aria-expanded", String(isOpen));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog.small[open]")) return;
  const isTyping = event.target instanceof HTMLInputElement && !/^(checkbox|file)$/.test(event.target.type);
  const isElsewhere = event.target === document.body || event.target === byId("results");
  if (event.key === "?" && !isTyping) showShortcuts();
  else if (event.key === "/" && !isTyping && !document.querySelector("dialog[open]")) {
    input.focus();
    input.select();
  } else if (["j", "ArrowDown"].includes(event.key) && isElsewhere && shownPages().length) focusCard();
  else return;
  event.preventDefault();
});

input.value = currentState().query;
// On a screen that is touched, focus would open the keyboard over half of it.
if (!currentState().document && matchMedia("(hover: hover)").matches) input.focus();
start();
