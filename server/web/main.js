/** Wires the page: the address says what is asked and shown, the server answers, the parts draw it. */

import { here, move, onMove, write } from "./address.js";
import { aboutIndex } from "./api.js";
import { takeArrivals } from "./arrivals.js";
import { asksSomething, askFor, drop } from "./asking.js";
import { showKeys } from "./dialogs.js";
import { allowDelete, countPages, draw as drawDocuments, loadDocuments, searchable } from "./documents.js";
import { byId } from "./element.js";
import { shownPath } from "./names.js";
import { keepPicture } from "./picture_query.js";
import { clearPages, focusCard, pagesShown, showPages } from "./results.js";
import { showNoMatch, showNothing, showProblem, showSkeletons, showWelcome } from "./states.js";
import { showPictureQuery, tellNothing, tellTime, tellWhole } from "./summary.js";
import { calm, trouble } from "./trouble.js";
import { addDocuments, onAdded, resumeUploads } from "./uploads.js";
import { createViewer } from "./viewer.js";

/** @typedef {import("./address.js").Place} Place */

const DEBOUNCE_MS = 40;
/** A half-typed word matches nothing; only one that rests is said to match nothing. */
const REST_MS = 500;
const PAGES_FIRST = 24;
const PAGES_MOST = 192;
/** First pages of documents that the welcome shows. */
const COVERS = 12;
/** A best page below this is none that one would show as an answer. */
const WEAK = 0.15;

const input = byId("query");
const viewer = createViewer();

/** @type {import("./api.js").Index | null} */
let index = null;
let limit = PAGES_FIRST;
let mayAdd = false;
/** Whether the pages shown answer a question. */
let isAnswer = false;
/** @type {number | undefined} */
let typing;
/** @type {number | undefined} */
let resting;
/** Whether the next key begins another question, which the back button is to undo as one. */
let isLanding = true;

async function start() {
  try {
    [index] = await Promise.all([aboutIndex(), loadDocuments(refresh)]);
  } catch (error) {
    return trouble(/** @type {Error} */ (error), { again: start, anew: start });
  }
  mayAdd = index?.uploads_allowed ?? false;
  byId("add").hidden = !mayAdd;
  allowDelete(mayAdd);
  if (mayAdd) resumeUploads().catch(() => {}); // the next request says what is wrong
  show();
  viewer.follow();
}

/** Ask anew, after a document came or went. */
async function refresh() {
  try {
    [index] = await Promise.all([aboutIndex(), loadDocuments(refresh)]);
    show();
  } catch (error) {
    trouble(/** @type {Error} */ (error), { again: refresh, anew: start });
  }
}

/** Ask what the address asks, and show the answer. */
function show() {
  const place = here();
  clearTimeout(resting);
  showPictureQuery(place);
  if (!asksSomething(place)) return showWithoutQuestion(place);
  document.title = place.query ? `${place.query} · docsearch` : "docsearch";
  byId("heading").textContent = "Pages found";
  askFor(place, limit, {
    onwait() {
      if (!isAnswer) clearPages();
      if (!pagesShown().length) showSkeletons();
      byId("pages").classList.add("stale");
    },
    onanswer(answer, milliseconds) {
      calm();
      const hits = place.path ? answer.hits.filter((hit) => hit.path === place.path) : answer.hits;
      // What looks alike scores otherwise than words do.
      const isWeak = !hits.length || (hits[0].score < WEAK && !place.like && !place.picture);
      if (!hits.length && pagesShown().length && !isAtRest()) {
        byId("pages").classList.add("stale");
      } else {
        showAnswer(place, hits);
        if (!isWeak) showNothing();
      }
      if (isWeak) resting = setTimeout(() => showWeak(place, hits), isAtRest() ? 0 : REST_MS);
      tellTime(hits.length, milliseconds, answer.milliseconds);
    },
    onproblem: (error) => trouble(error, { again: show, anew: start }),
  });
}

/** @param {Place} place @param {import("./api.js").Hit[]} hits */
function showAnswer(place, hits) {
  byId("pages").classList.remove("stale");
  isAnswer = true;
  showPages(hits, place.like || place.picture ? "" : place.query.trim());
  countPages(hits);
  byId("more").hidden = hits.length < limit || limit >= PAGES_MOST;
  viewer.tell();
}

/** @param {Place} place @param {import("./api.js").Hit[]} hits */
function showWeak(place, hits) {
  const how = { nearest: hits.length > 0, path: place.path };
  showNoMatch(place.query, how);
  showPages(hits, place.query.trim(), (missing) => showNoMatch(place.query, { ...how, missing }));
  byId("pages").classList.remove("stale");
  countPages(hits);
}

/** Nothing is asked: the pages of the chosen document, or the welcome. @param {Place} place */
function showWithoutQuestion(place) {
  drop();
  calm();
  isAnswer = false;
  document.title = "docsearch";
  byId("more").hidden = true;
  byId("pages").classList.remove("stale");
  countPages([]);
  const chosen = searchable().find((doc) => doc.path === place.path);
  if (!chosen) {
    tellNothing();
    byId("heading").textContent = "Start";
    showWelcome(index, mayAdd);
    return showPages(
      searchable()
        .slice(0, COVERS)
        .map((doc) => ({ doc_id: doc.id, path: doc.path, page: 1 })),
      "",
    );
  }
  showNothing();
  byId("heading").textContent = `Pages of ${shownPath(chosen.path)}`;
  const pages = Array.from({ length: Math.min(chosen.pages ?? 0, PAGES_MOST) }, (_, i) => ({
    doc_id: chosen.id,
    path: chosen.path,
    page: i + 1,
  }));
  showPages(pages, "");
  tellWhole(chosen);
}

const isAtRest = () => performance.now() - typedAt > REST_MS;
let typedAt = -REST_MS;

/** @param {boolean} now */
function readInput(now) {
  clearTimeout(typing);
  typedAt = now ? -REST_MS : performance.now();
  typing = setTimeout(
    () => {
      const push = isLanding;
      isLanding = false;
      limit = PAGES_FIRST;
      move({ query: input.value, like: null }, { push });
      if (now) isLanding = true;
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
  if (event.key === "ArrowDown" && pagesShown().length) {
    event.preventDefault();
    focusCard();
  } else if (event.key === "Escape") {
    event.preventDefault();
    if (!input.value && !here().like && !here().picture) return input.blur();
    input.value = "";
    move({ query: "", like: null, picture: 0 }, { push: true });
  }
});

/** What of a place the server is asked. @param {Place} place */
const question = (place) => write({ ...place, document: "" });

onMove((now, before) => {
  if (input.value !== now.query && (document.activeElement !== input || now.query !== input.value.trim()))
    input.value = now.query;
  if (question(now) !== question(before)) {
    if (now.path !== before.path) drawDocuments();
    show();
  }
  if (now.document !== before.document || now.path !== before.path) isLanding = true;
  viewer.follow();
});

byId("more").firstElementChild.addEventListener("click", () => {
  limit = Math.min(PAGES_MOST, 2 * limit);
  show();
});

takeArrivals({
  mayAdd: () => mayAdd,
  add: addDocuments,
  async searchBy(file) {
    try {
      move({ picture: await keepPicture(file), like: null, query: "" }, { push: true });
    } catch {
      showProblem(`${file.name || "That"} is no picture that this browser can read.`, null);
    }
  },
});
onAdded(refresh);

byId("help").addEventListener("click", showKeys);
byId("show-documents").addEventListener("click", () => {
  const isOpen = byId("documents").classList.toggle("open");
  byId("show-documents").setAttribute("aria-expanded", String(isOpen));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog.small[open]")) return;
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key === "?" && !isTyping) showKeys();
  else if (event.key === "/" && !isTyping && !document.querySelector("dialog[open]")) {
    input.focus();
    input.select();
  } else return;
  event.preventDefault();
});

input.value = here().query;
start();
