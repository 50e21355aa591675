/** The answer beside the results: written by the server's language model when somebody asks, with citations of pages. */

import { ask } from "./api.js";
import { announce, byId, element, iconButton } from "./dom.js";
import { whereOf } from "./filters.js";
import { displayPath, cutName } from "./paths.js";
import { navigate, toUrl } from "./url_state.js";

/** @typedef {import("./url_state.js").UrlState} UrlState */
/** @typedef {import("./api.js").CitedPage} CitedPage */

/** Numbers of pages in square brackets, as the server finds them. */
const CITATION = /\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g;

const panel = byId("answer");
let host = "";
let writing = new AbortController();
/** @type {UrlState | null} what is asked */
let asked = null;
let question = "";

const note = element("p", { className: "note" });
const askButton = element("button", { type: "button", className: "strong", onclick: () => write() }, "Answer");
const stopButton = element("button", { type: "button", className: "plain", onclick: () => stop() }, "Stop");
const text = element("div", { className: "answer-text" });
const problem = element("p", { className: "problem", role: "alert" });
const sources = element("ol", { className: "sources" });
const sourcesTitle = element("h3", {}, "Pages");
const close = iconButton("close", "Close the answer", () => setOpen(false));
const opener = element(
  "button",
  {
    type: "button",
    className: "plain slim",
    id: "show-answer",
    "aria-controls": "answer",
    onclick: () => setOpen(true),
  },
  "Answer this question",
);
panel.append(
  element("div", { className: "answer-head" }, element("h2", {}, "Answer"), close),
  text,
  problem,
  element("div", { className: "answer-buttons" }, askButton, stopButton),
  note,
  sourcesTitle,
  sources,
);
byId("filters").append(opener);
let isOpen = false;

/** Offer answers by a model at this host; null for none. @param {string | null | undefined} answersBy */
export function allowAnswers(answersBy) {
  host = answersBy ?? "";
  note.textContent = `The pages that are found are sent to ${host} when you ask, and only then.`;
  show();
}

/** Offer to answer the question of a state; null hides the panel. @param {UrlState | null} state */
export function offerAnswer(state) {
  const now = state && !state.like && !state.picture && state.query.trim() ? state : null;
  const key = now ? toUrl({ ...now, document: "", copies: false }) : "";
  const before = asked ? toUrl({ ...asked, document: "", copies: false }) : "";
  if (key !== before) reset();
  asked = now;
  question = now?.query.trim() ?? "";
  show();
}

function reset() {
  stop();
  text.replaceChildren();
  problem.textContent = "";
  sources.replaceChildren();
}

function show() {
  const isOffered = Boolean(host && asked);
  const isWriting = panel.getAttribute("aria-busy") === "true";
  opener.hidden = !isOffered || isOpen;
  panel.hidden = !isOffered || !isOpen;
  byId("layout").classList.toggle("with-answer", !panel.hidden);
  askButton.hidden = isWriting;
  stopButton.hidden = !isWriting;
  askButton.textContent = problem.textContent ? "Try again" : text.textContent ? "Answer again" : `Ask ${host}`;
  sourcesTitle.hidden = !sources.children.length;
}

/** @param {boolean} open */
function setOpen(open) {
  isOpen = open;
  if (!open) stop();
  show();
  (open ? askButton : opener).focus();
}

function stop() {
  writing.abort();
  panel.setAttribute("aria-busy", "false");
  show();
}

async function write() {
  if (!asked) return;
  reset();
  const { signal } = (writing = new AbortController());
  const { collection, filters, path, mode } = asked;
  const where = whereOf(filters);
  const request = { question, ...(where && { where }), ...(path && { path }), ...(mode && { mode }) };
  let written = "";
  /** @type {CitedPage[]} */
  let pages = [];
  let ended = false;
  panel.setAttribute("aria-busy", "true");
  show();
  stopButton.focus();
  text.append(element("span", { className: "pulse", "aria-hidden": "true" }));
  try {
    await ask(request, collection, signal, (event) => {
      if (signal.aborted) return;
      pages = event.pages ?? pages;
      written += event.piece ?? "";
      if (written) text.replaceChildren(...withCitations(written, pages));
      if (event.pages) sources.replaceChildren(...pages.map(source));
      if (!event.citations) return;
      ended = true;
      problem.textContent = event.error ?? "";
      const invented = event.citations.filter(({ found }) => !found).map(({ number }) => `[${number}]`);
      const remarks = [
        event.note,
        invented.length && `${invented.join(", ")}: no page that was sent; the model invented it.`,
        !event.error && !event.citations.some(({ found }) => found) && "The answer cites no page: check it.",
      ].filter((remark) => remark);
      if (remarks.length) text.append(element("p", { className: "remark" }, remarks.join(" ")));
      mark(event.citations.filter(({ found }) => found).map(({ number }) => number));
      announce(event.error ? `The answer is incomplete: ${event.error}` : `Answer: ${written}`);
    });
    if (!ended) throw new Error("the server broke off in the middle of the answer");
  } catch (error) {
    if (signal.aborted) return;
    problem.textContent = /** @type {Error} */ (error).message;
  }
  if (!written) text.replaceChildren();
  const hadFocus = document.activeElement === stopButton;
  panel.setAttribute("aria-busy", "false");
  show();
  if (hadFocus) askButton.focus();
}

/** Paragraphs of an answer, with citations as buttons that open the page. @param {string} answer @param {CitedPage[]} pages */
function withCitations(answer, pages) {
  return answer
    .split(/\n{2,}/)
    .filter((part) => part.trim())
    .map((part) => {
      const paragraph = element("p");
      let at = 0;
      for (const found of part.matchAll(CITATION)) {
        paragraph.append(part.slice(at, found.index));
        for (const number of found[1].split(",")) paragraph.append(citation(Number(number), pages));
        at = found.index + found[0].length;
      }
      paragraph.append(part.slice(at));
      return paragraph;
    });
}

/** @param {number} number @param {CitedPage[]} pages */
function citation(number, pages) {
  const page = pages.find((each) => each.number === number);
  if (!page) return element("span", { className: "invented", title: "No page that was sent" }, `[${number}]`);
  const label = `${displayPath(page.path)}, page ${page.page}`;
  return element(
    "button",
    {
      type: "button",
      className: "citation",
      title: label,
      "aria-label": `${number}: open ${label}`,
      onclick: () => openPage(page),
    },
    String(number),
  );
}

/** @param {CitedPage} page */
function source(page) {
  return element(
    "li",
    { "data-number": page.number },
    element(
      "button",
      { type: "button", className: "source", title: displayPath(page.path), onclick: () => openPage(page) },
      element("span", { className: "number" }, String(page.number)),
      ...cutName(page.path, { withFolder: false }),
      element("span", { className: "count" }, `page ${page.page}`),
    ),
  );
}

/** Show which pages are cited. @param {number[]} numbers */
function mark(numbers) {
  for (const row of sources.children)
    row.classList.toggle("cited", numbers.includes(Number(/** @type {HTMLElement} */ (row).dataset.number)));
}

/** @param {CitedPage} page */
const openPage = (page) => navigate({ document: page.doc_id, page: page.page, word: null }, { push: true });
