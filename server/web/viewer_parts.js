/** DOM of the viewer: toolbar, frame with the page, and side panel. */

import { element, iconButton } from "./dom.js";
import { createMarks } from "./marks.js";
import { createOriginal } from "./original.js";
import { createThumbnails } from "./thumbnails.js";

/** Label of the button that selects a region. */
export const REGION_LABEL = "Part of the page…";

/**
 * Actions of the viewer's buttons.
 * @typedef {object} Actions
 * @property {() => void} fit
 * @property {() => void} zoomIn
 * @property {() => void} zoomOut
 * @property {(pages: number) => void} turn
 * @property {(page: number) => void} turnTo
 * @property {(results: number) => void} step
 * @property {() => void} toggleHighlights
 * @property {() => void} toggleRegion
 * @property {() => void} searchSimilar
 */

/**
 * Create the dialog, closed, and add it to the page. Returns the elements that change.
 * @param {Actions} actions
 */
export function createParts(actions) {
  const title = element("h2", { id: "viewer-title" });
  const where = element("span", { className: "pages-of" });
  const rank = element("span", { className: "rank" });
  const zoom = element(
    "button",
    { type: "button", className: "plain zoom", title: "Fit the page (0)", onclick: () => actions.fit() },
    "Fit",
  );
  const heat = element("div", { className: "heat" });
  const sheet = element("div", { className: "sheet" }, heat);
  const problem = element("p", { className: "problem", hidden: true });
  const frame = element("div", { className: "frame", tabIndex: 0, role: "group" }, sheet, problem);
  const chips = element("div", { className: "chips", role: "group", "aria-label": "Words of the query on this page" });
  const chipsNote = element("p", { className: "note" });
  const thumbnails = createThumbnails((page) => actions.turnTo(page));
  const highlightsButton = iconButton("marks", "Highlights", () => actions.toggleHighlights(), "m");
  highlightsButton.setAttribute("aria-pressed", "true");
  const regionButton = element(
    "button",
    { type: "button", className: "plain", "aria-pressed": "false", onclick: () => actions.toggleRegion() },
    REGION_LABEL,
  );
  const zoomOut = iconButton("minus", "Zoom out", () => actions.zoomOut(), "−");
  const zoomIn = iconButton("plus", "Zoom in", () => actions.zoomIn(), "+");
  for (const button of [zoomOut, zoomIn]) button.classList.add("step");
  const before = iconButton("before", "Previous page", () => actions.turn(-1), "←");
  const after = iconButton("after", "Next page", () => actions.turn(1), "→");
  const hitBefore = iconButton("before", "Previous result", () => actions.step(-1), "k");
  const hitAfter = iconButton("after", "Next result", () => actions.step(1), "j");
  const hits = element("div", { className: "group hits" }, hitBefore, rank, hitAfter);
  const marks = createMarks();
  const original = createOriginal();
  const also = element("section", { hidden: true }, element("h3", {}, "Copies"), element("div"));

  const dialog = element(
    "dialog",
    { className: "viewer", "aria-labelledby": "viewer-title" },
    element(
      "header",
      { className: "bar" },
      iconButton("close", "Close", () => dialog.close(), "Esc"),
      title,
      element("div", { className: "group pages-group" }, before, where, after),
      hits,
      element("div", { className: "group zooming" }, zoomOut, zoom, zoomIn, highlightsButton),
    ),
    frame,
    element(
      "div",
      { className: "panel" },
      element("section", { className: "on-page" }, element("h3", {}, "On this page"), chips, chipsNote),
      marks.section,
      element(
        "section",
        { className: "likes" },
        element("h3", {}, "More like"),
        element("button", { type: "button", className: "plain", onclick: () => actions.searchSimilar() }, "This page"),
        regionButton,
      ),
      original.section,
      also,
      element("section", { className: "neighbours" }, element("h3", {}, "In this document"), thumbnails.list),
    ),
  );
  document.body.append(dialog);

  const buttons = { before, after, hitBefore, hitAfter, highlights: highlightsButton, region: regionButton, zoom };
  const page = { frame, sheet, heat, problem };
  return { dialog, title, where, rank, hits, ...page, chips, chipsNote, marks, original, also, thumbnails, buttons };
}
