/** What the viewer is made of: its bar, the frame with the sheet, and the panel beside it. */

import { element, iconButton } from "./element.js";
import { createFilm } from "./film.js";

/** What the button to choose a region is called. */
export const PART = "Part of the page…";

/**
 * What the viewer's buttons do.
 * @typedef {object} Actions
 * @property {() => void} fit
 * @property {() => void} larger
 * @property {() => void} smaller
 * @property {(pages: number) => void} turn
 * @property {(page: number) => void} turnTo
 * @property {(results: number) => void} step
 * @property {() => void} marks
 * @property {() => void} region
 * @property {() => void} like
 */

/**
 * The dialog, closed, in the page; and those of its parts that change.
 * @param {Actions} act
 */
export function createParts(act) {
  const title = element("h2", { id: "viewer-title" });
  const where = element("span", { className: "pages-of" });
  const rank = element("span", { className: "rank" });
  const zoom = element(
    "button",
    { type: "button", className: "plain zoom", title: "Fit the page (0)", onclick: () => act.fit() },
    "Fit",
  );
  const heat = element("div", { className: "heat" });
  const sheet = element("div", { className: "sheet" }, heat);
  const problem = element("p", { className: "problem", hidden: true });
  const frame = element("div", { className: "frame", tabIndex: 0, role: "group" }, sheet, problem);
  const chips = element("div", { className: "chips", role: "group", "aria-label": "Words of the query on this page" });
  const chipsNote = element("p", { className: "note" });
  const film = createFilm((page) => act.turnTo(page));
  const marksButton = iconButton("marks", "Marks", () => act.marks(), "m");
  marksButton.setAttribute("aria-pressed", "true");
  const regionButton = element(
    "button",
    { type: "button", className: "plain", "aria-pressed": "false", onclick: () => act.region() },
    PART,
  );
  const smaller = iconButton("minus", "Smaller", () => act.smaller(), "−");
  const larger = iconButton("plus", "Larger", () => act.larger(), "+");
  for (const button of [smaller, larger]) button.classList.add("step");
  const before = iconButton("before", "Previous page", () => act.turn(-1), "←");
  const after = iconButton("after", "Next page", () => act.turn(1), "→");
  const hitBefore = iconButton("before", "Previous result", () => act.step(-1), "[");
  const hitAfter = iconButton("after", "Next result", () => act.step(1), "]");
  const hits = element("div", { className: "group hits" }, hitBefore, rank, hitAfter);

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
      element("div", { className: "group zooming" }, smaller, zoom, larger, marksButton),
    ),
    frame,
    element(
      "div",
      { className: "panel" },
      element("section", { className: "on-page" }, element("h3", {}, "On this page"), chips, chipsNote),
      element(
        "section",
        { className: "likes" },
        element("h3", {}, "More like"),
        element("button", { type: "button", className: "plain", onclick: () => act.like() }, "This page"),
        regionButton,
      ),
      element("section", { className: "neighbours" }, element("h3", {}, "In this document"), film.list),
    ),
  );
  document.body.append(dialog);

  const buttons = { before, after, hitBefore, hitAfter, marks: marksButton, region: regionButton, zoom };
  return { dialog, title, where, rank, hits, heat, sheet, problem, frame, chips, chipsNote, film, buttons };
}
