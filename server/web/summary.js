/** The summary line above the results (number of pages, filter, time), and the chip of an image query in the search box. */

import { currentState, navigate } from "./url_state.js";
import { createCopiesButton } from "./copies.js";
import { byId, element, icon, plural, announce } from "./dom.js";
import { splitPath, displayPath } from "./paths.js";
import { storedImage } from "./image_query.js";

/** @typedef {import("./url_state.js").UrlState} UrlState */

/** Show the number of results, the time, what was searched for instead, and letters that the model does not read.
 * @param {import("./api.js").Hit[]} hits @param {number} milliseconds @param {import("./api.js").Answer} answer
 * @param {{model: string, unreadLetters: string}} unread */
export function showSummary(hits, milliseconds, answer, { model, unreadLetters }) {
  const count = hits.length;
  const { path, like } = currentState();
  const summary = byId("summary");
  const times = Object.entries(answer.milliseconds)
    .map(([stage, ms]) => `${stage} ${ms.toFixed(1)} ms`)
    .join(", ");
  const text = plural(count, "page");
  summary.replaceChildren(
    element("span", {}, text, like && ` like ${like.box ? "a part of " : ""}page ${like.page}`, path && " in"),
    ...(path ? [element("strong", {}, splitPath(path).name), allDocumentsButton()] : []),
    createCopiesButton(hits) ?? "",
    ...notes(answer).map((note) => element("span", {}, note)),
    unreadLetters && element("span", {}, `${model} does not read these letters: ${unreadLetters}`),
    element("span", { className: "time", title: `On the server: ${times}` }, `${Math.round(milliseconds)} ms`),
  );
  summary.hidden = false;
  announce(count ? `${text} found` : "No page found");
}

/** What was searched for instead of words and phrases that no page has. @param {import("./api.js").Answer} answer */
function notes({ corrections, missing_phrases, missing_pages }) {
  return [
    ...Object.entries(corrections).map(
      ([typed, instead]) => `Showing results for “${instead}”: no page has “${typed}”`,
    ),
    ...missing_phrases.map((phrase) => `No page has the phrase “${phrase}”: showing pages with its words`),
    ...(missing_pages ? [`${plural(missing_pages, "page")} could not be searched: a machine does not answer`] : []),
  ];
}

/** Show that the results are all pages of a document. @param {import("./api.js").Doc} doc */
export function showDocumentSummary(doc) {
  byId("summary").replaceChildren(
    element("span", {}, `All ${plural(doc.pages ?? 0, "page")} of `, element("strong", {}, displayPath(doc.path))),
    allDocumentsButton(),
  );
  byId("summary").hidden = false;
}

/** Hide the summary. */
export function hideSummary() {
  byId("summary").hidden = true;
}

function allDocumentsButton() {
  return element(
    "button",
    { type: "button", className: "plain slim", onclick: () => navigate({ path: "" }, { push: true }) },
    "All documents",
  );
}

/** Show the image, page or region that is searched by, if any. @param {UrlState} state */
export function showImageQuery(state) {
  const box = byId("picture-query");
  box.hidden = !(state.like || state.picture);
  byId("query").placeholder = box.hidden ? "Search the pages" : state.like ? "" : "Add words (optional)";
  box.replaceChildren();
  if (box.hidden) return;
  const image = storedImage(state.picture);
  const label = state.like ? `Like ${state.like.box ? "a part of " : ""}page ${state.like.page}` : "An image";
  if (image) {
    const small = element("img", { alt: "", src: URL.createObjectURL(image) });
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
        "aria-label": `${label}: clear, and search by words`,
        onclick: () => {
          navigate({ like: null, picture: 0 }, { push: true });
          byId("query").focus();
        },
      },
      icon("close"),
    ),
  );
}
