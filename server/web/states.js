/** What is shown where pages would be: the welcome, the wait, no good match, a problem. */

import { move } from "./address.js";
import { failedCount, searchable } from "./documents.js";
import { partsOf } from "./names.js";
import { byId, element, plural } from "./element.js";

const PROMPTS = 4;
const SKELETONS = 8;

/** @param {...(Node | false | null)} children */
function show(...children) {
  byId("state").replaceChildren(...children.filter((child) => child instanceof Node));
}

/** Show nothing but the pages. */
export const showNothing = () => show();

/**
 * The first thing one sees: what the index holds, and questions to begin with, from the names of its documents.
 * @param {import("./api.js").Index | null} index @param {boolean} mayAdd
 */
export function showWelcome(index, mayAdd) {
  const documents = searchable();
  const pages = index?.pages ?? documents.reduce((sum, doc) => sum + (doc.pages ?? 0), 0);
  const failed = index?.failed ?? failedCount();
  if (!documents.length) {
    show(
      element(
        "section",
        { className: "welcome" },
        element("h2", {}, "Nothing on the shelves yet"),
        element(
          "p",
          { className: "lead" },
          mayAdd
            ? "Drop PDFs or scans anywhere on this page, or choose some. They stay on this server."
            : "Add documents on the machine that this server runs on:",
        ),
        mayAdd
          ? element(
              "button",
              { type: "button", className: "strong", onclick: () => byId("add").click() },
              "Add documents",
            )
          : element("p", {}, element("code", {}, "docsearch index FOLDER")),
        failed > 0 &&
          element("p", { className: "note" }, `${plural(failed, "document")} could not be read; the list says why.`),
      ),
    );
    return;
  }
  show(
    element(
      "section",
      { className: "welcome" },
      element("h2", {}, "What are you looking for?"),
      element(
        "p",
        { className: "lead" },
        `${plural(pages, "page")} of ${plural(index?.documents ?? documents.length, "document")}, searched by how they look: print, charts, tables, scans.`,
      ),
      element("p", { className: "try" }, "Begin with"),
      element(
        "ul",
        { className: "prompts" },
        ...prompts(documents.map((doc) => doc.path)).map((text) =>
          element(
            "li",
            {},
            element(
              "button",
              {
                type: "button",
                className: "prompt",
                onclick: () => {
                  move({ query: text }, { push: true });
                  byId("query").focus();
                },
              },
              text,
            ),
          ),
        ),
      ),
      failed > 0 &&
        element("p", { className: "note" }, `${plural(failed, "document")} could not be read; the list says why.`),
    ),
    element("h3", { className: "shelf" }, "On the shelves"),
  );
}

/**
 * Questions to begin with: names of documents that read like words, from all over the list.
 * @param {string[]} paths
 */
export function prompts(paths) {
  const texts = paths
    .map((path) =>
      partsOf(path)
        .name.replace(/[_\-.\s]+/g, " ")
        .trim(),
    )
    .filter((text) => (text.match(/\p{L}{3,}/gu) ?? []).length >= 2);
  const different = [...new Set(texts)];
  const step = Math.max(1, different.length / PROMPTS);
  return Array.from({ length: Math.min(PROMPTS, different.length) }, (_, i) => different[Math.floor(i * step)]);
}

/** Grey sheets where pages are about to be. */
export function showSkeletons() {
  const sheet = () =>
    element(
      "li",
      {},
      element(
        "div",
        { className: "card skeleton" },
        element("span", { className: "desk" }, element("span", { className: "sheet loading" })),
        element("span", { className: "bone" }),
        element("span", { className: "bone short" }),
      ),
    );
  show(element("ol", { className: "pages", "aria-hidden": "true" }, ...Array.from({ length: SKELETONS }, sheet)));
}

/**
 * No page matches, or none well: then those that come nearest follow below.
 * @param {string} query @param {{missing?: string[], nearest: boolean, path: string}} how
 */
export function showNoMatch(query, { missing = [], nearest, path }) {
  const where = path ? ` in ${partsOf(path).name}` : "";
  const asked = query ? `“${query}”` : "that picture";
  const words = missing.map((word) => `“${word}”`).join(", ");
  show(
    element(
      "section",
      { className: "no-match" },
      element("h2", {}, nearest ? "No page matches well" : `Nothing${where} matches ${asked}`),
      missing.length > 0 &&
        element("p", {}, `${words} ${missing.length === 1 ? "is" : "are"} on none of the pages below.`),
      element(
        "p",
        {},
        nearest
          ? "These come nearest. Other words, as they would stand in print, may find more."
          : "Try other words, as they would stand in print, or fewer of them.",
      ),
      path &&
        element(
          "button",
          { type: "button", className: "plain", onclick: () => move({ path: "" }, { push: true }) },
          "Search all documents",
        ),
    ),
  );
}

/** The server is away, and nothing is there to be shown meanwhile. */
export function showAway() {
  show(
    element(
      "section",
      { className: "no-match" },
      element("h2", {}, "The server is away"),
      element("p", {}, "This page goes on where you were as soon as it is back."),
    ),
  );
}

/**
 * What went wrong with a question, and a way on.
 * @param {string} message @param {(() => void) | null} again
 */
export function showProblem(message, again) {
  show(
    element(
      "section",
      { className: "no-match" },
      element("h2", {}, "That did not work"),
      element("p", {}, message.charAt(0).toUpperCase() + message.slice(1)),
      again && element("button", { type: "button", className: "plain", onclick: again }, "Try again"),
    ),
  );
}
