/** Wires the page: the address says what is asked and shown, the server answers, the parts draw it. */

import { here, move, onMove } from "./address.js";
import { aboutIndex, ask, Busy, Refused, Unknown, Unreachable } from "./api.js";
import { takeArrivals } from "./arrivals.js";
import { asksSomething, askFor, drop } from "./asking.js";
import { partsOf, shownPath } from "./names.js";
import { askForToken, showKeys } from "./dialogs.js";
import { allowDelete, countPages, draw as drawDocuments, loadDocuments, searchable } from "./documents.js";
import { byId, element, icon, plural, say } from "./element.js";
import { keepPicture, keptPicture } from "./picture_query.js";
import { clearPages, focusCard, pagesShown, showPages } from "./results.js";
import { showNoMatch, showNothing, showProblem, showSkeletons, showWelcome } from "./states.js";
import { addDocuments, onAdded, resumeUploads } from "./uploads.js";
import { createViewer } from "./viewer.js";

/** @typedef {import("./address.js").Place} Place */

const DEBOUNCE_MS = 60;
/** A half-typed word matches nothing; only one that rests is said to match nothing. */
const REST_MS = 500;
const PAGES_FIRST = 24;
const PAGES_MOST = 192;
/** First pages of documents that the welcome shows. */
const COVERS = 12;
/** A best page below this is none that one would show as an answer. */
const WEAK = 0.15;
const LOOK_AGAIN_MS = 1500;

const input = byId("query");
const summary = byId("summary");
const banner = byId("banner");
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
    return trouble(/** @type {Error} */ (error), start);
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
    trouble(/** @type {Error} */ (error), refresh);
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
    onproblem: (error) => trouble(error, show),
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
    summary.hidden = true;
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
  summary.replaceChildren(
    element("span", {}, `All ${plural(chosen.pages ?? 0, "page")} of `, element("strong", {}, shownPath(chosen.path))),
    unfilter(),
  );
  summary.hidden = false;
}

/** Say discreetly how many pages there are, and how long they took.
 * @param {number} count @param {number} milliseconds @param {Record<string, number>} stages */
function tellTime(count, milliseconds, stages) {
  const { path, like } = here();
  const spent = Object.entries(stages)
    .map(([stage, ms]) => `${stage} ${ms.toFixed(1)} ms`)
    .join(", ");
  const text = plural(count, "page");
  summary.replaceChildren(
    element("span", {}, text, like && ` like ${like.box ? "a part of " : ""}page ${like.page}`, path && " in"),
    ...(path ? [element("strong", {}, partsOf(path).name), unfilter()] : []),
    element("span", { className: "time", title: `On the server: ${spent}` }, `${Math.round(milliseconds)} ms`),
  );
  summary.hidden = false;
  say(count ? `${text} found` : "No page found");
}

function unfilter() {
  return element(
    "button",
    { type: "button", className: "plain slim", onclick: () => move({ path: "" }, { push: true }) },
    "All documents",
  );
}

/** Show what is searched by, if it is no text. @param {Place} place */
function showPictureQuery(place) {
  const box = byId("picture-query");
  box.hidden = !(place.like || place.picture);
  input.placeholder = box.hidden ? "Search the pages" : place.like ? "" : "and words, if you like";
  box.replaceChildren();
  if (box.hidden) return;
  const kept = keptPicture(place.picture);
  const label = place.like ? `Like ${place.like.box ? "a part of " : ""}page ${place.like.page}` : "A picture";
  if (kept) {
    const small = element("img", { alt: "", src: URL.createObjectURL(kept) });
    small.addEventListener("load", () => URL.revokeObjectURL(small.src));
    box.append(small);
  }
  box.append(
    element("span", {}, label),
    element(
      "button",
      {
        type: "button",
        className: "quiet",
        "aria-label": `${label}: search by words again`,
        onclick: () => {
          move({ like: null, picture: 0 }, { push: true });
          input.focus();
        },
      },
      icon("close"),
    ),
  );
}

/** What went wrong is said; what passes by itself is tried again. @param {Error} error @param {() => void} again */
function trouble(error, again) {
  if (error instanceof Unknown) {
    askForToken().then(start);
  } else if (error instanceof Unreachable) {
    tellBanner("The server does not answer. Trying again…");
    setTimeout(lookAgain, LOOK_AGAIN_MS);
  } else if (error instanceof Busy) {
    tellBanner("The server is busy; asking again in a moment…");
  } else {
    clearPages();
    summary.hidden = true;
    showProblem(error.message, error instanceof Refused ? null : again);
  }
}

let isLooking = false;

/** Wait until the server is back, and begin anew. */
async function lookAgain() {
  if (isLooking) return;
  isLooking = true;
  for (;;) {
    try {
      await ask("/readyz");
      break;
    } catch {
      await new Promise((later) => setTimeout(later, LOOK_AGAIN_MS));
    }
  }
  isLooking = false;
  calm();
  say("The server answers again");
  start();
}

/** @param {string} text */
function tellBanner(text) {
  banner.replaceChildren(element("span", { className: "pulse", "aria-hidden": "true" }), text);
  banner.hidden = false;
}

function calm() {
  banner.hidden = true;
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

onMove((now, before) => {
  if (input.value !== now.query && (document.activeElement !== input || now.query !== input.value.trim()))
    input.value = now.query;
  const isOther = ["query", "path", "like", "picture"].some(
    (name) => now[/** @type {keyof Place} */ (name)] !== before[/** @type {keyof Place} */ (name)],
  );
  if (isOther) {
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

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("docsearch-theme", root.dataset.theme);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  say(isDark ? "Light" : "Dark");
});
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
