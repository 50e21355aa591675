/** The line above the pages: how many there are, of what, in how many milliseconds; and what is searched by that is no text. */

import { here, move } from "./address.js";
import { byId, element, icon, plural, say } from "./element.js";
import { partsOf, shownPath } from "./names.js";
import { keptPicture } from "./picture_query.js";

/** @typedef {import("./address.js").Place} Place */

/** Say discreetly how many pages there are, and how long they took.
 * @param {number} count @param {number} milliseconds @param {Record<string, number>} stages */
export function tellTime(count, milliseconds, stages) {
  const { path, like } = here();
  const summary = byId("summary");
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

/** Say that every page of a document is shown. @param {import("./api.js").Doc} doc */
export function tellWhole(doc) {
  byId("summary").replaceChildren(
    element("span", {}, `All ${plural(doc.pages ?? 0, "page")} of `, element("strong", {}, shownPath(doc.path))),
    unfilter(),
  );
  byId("summary").hidden = false;
}

/** Say nothing. */
export function tellNothing() {
  byId("summary").hidden = true;
}

function unfilter() {
  return element(
    "button",
    { type: "button", className: "plain slim", onclick: () => move({ path: "" }, { push: true }) },
    "All documents",
  );
}

/** Show what is searched by, if it is no text. @param {Place} place */
export function showPictureQuery(place) {
  const box = byId("picture-query");
  box.hidden = !(place.like || place.picture);
  byId("query").placeholder = box.hidden ? "Search the pages" : place.like ? "" : "and words, if you like";
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
          byId("query").focus();
        },
      },
      icon("close"),
    ),
  );
}
