/** Start page, skeletons, "no match" and errors: what is shown above or instead of the results. */

import { navigate } from "./url_state.js";
import { failedCount, searchableDocuments } from "./documents.js";
import { splitPath } from "./paths.js";
import { byId, element, plural } from "./dom.js";

const SUGGESTIONS = 4;
const SKELETONS = 8;

/** @param {...(Node | false | null)} children */
function show(...children) {
  byId("state").replaceChildren(...children.filter((child) => child instanceof Node));
}

/** Show only the results. */
export const clearState = () => show();

/**
 * The start page: what the index contains, and suggested queries made from the names of its documents.
 * @param {import("./api.js").Index | null} index @param {{canAdd: boolean, isFiltered: boolean}} options
 */
export function showWelcome(index, { canAdd, isFiltered }) {
  const documents = searchableDocuments();
  if (!documents.length && isFiltered) {
    show(
      element(
        "section",
        { className: "no-match" },
        element("h2", {}, "No document has these values"),
        element("p", {}, "The filters in use leave nothing to search."),
        withoutFilters("Clear the filters"),
      ),
    );
    return;
  }
  const pages = index?.pages ?? documents.reduce((sum, doc) => sum + (doc.pages ?? 0), 0);
  const failed = index?.failed ?? failedCount();
  if (!documents.length) {
    show(
      element(
        "section",
        { className: "welcome" },
        element("h2", {}, "No documents yet"),
        element(
          "p",
          { className: "lead" },
          canAdd
            ? "Drop PDFs, Office documents, pictures, e-mail or text anywhere on this page, or choose some files. They stay on this server."
            : "Add documents on the machine that runs this server:",
        ),
        canAdd
          ? element(
              "button",
              { type: "button", className: "strong", onclick: () => byId("add").click() },
              "Add documents",
            )
          : element("p", {}, element("code", {}, "docsearch index FOLDER")),
        failed > 0 &&
          element("p", { className: "note" }, `${plural(failed, "document")} could not be read; the list shows why.`),
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
        `${plural(pages, "page")} of ${plural(index?.documents ?? documents.length, "document")}, searched by what is visible on them: text, charts, tables, scans.`,
      ),
      element("p", { className: "try" }, "Try"),
      element(
        "ul",
        { className: "prompts" },
        ...suggestedQueries(documents.map((doc) => doc.path)).map((text) =>
          element(
            "li",
            {},
            element(
              "button",
              {
                type: "button",
                className: "prompt",
                onclick: () => {
                  navigate({ query: text }, { push: true });
                  byId("query").focus();
                },
              },
              text,
            ),
          ),
        ),
      ),
      failed > 0 &&
        element("p", { className: "note" }, `${plural(failed, "document")} could not be read; the list shows why.`),
    ),
    element(
      "h3",
      { className: "section-title" },
      isFiltered
        ? `${documents.length.toLocaleString("en")} of ${plural(index?.documents ?? documents.length, "document")} have these values`
        : "Documents in this index",
    ),
  );
}

/**
 * Suggested queries: document names that read like words, spread evenly over the list.
 * @param {string[]} paths
 */
export function suggestedQueries(paths) {
  const texts = paths
    .map((path) =>
      splitPath(path)
        .name.replace(/[_\-.\s]+/g, " ")
        .trim(),
    )
    .filter((text) => (text.match(/\p{L}{3,}/gu) ?? []).length >= 2);
  const unique = [...new Set(texts)];
  const step = Math.max(1, unique.length / SUGGESTIONS);
  return Array.from({ length: Math.min(SUGGESTIONS, unique.length) }, (_, i) => unique[Math.floor(i * step)]);
}

/** @param {string} label */
const withoutFilters = (label) =>
  element(
    "button",
    { type: "button", className: "plain", onclick: () => navigate({ path: "", filters: [] }, { push: true }) },
    label,
  );

/** Placeholder cards while a search is slow. */
export function showSkeletons() {
  const sheet = () =>
    element(
      "li",
      {},
      element(
        "div",
        { className: "card skeleton" },
        element("span", { className: "backdrop" }, element("span", { className: "sheet loading" })),
        element("span", { className: "skeleton-line" }),
        element("span", { className: "skeleton-line short" }),
      ),
    );
  show(element("ol", { className: "pages", "aria-hidden": "true" }, ...Array.from({ length: SKELETONS }, sheet)));
}

/**
 * No page matches, or none well. With `nearest`, the best pages follow below. `missing` are words not recognised on
 * them, `unreadLetters` letters that the `model` does not read, and `tryMode` another mode that may find pages.
 * @param {string} query
 * @param {{missing?: string[], nearest: boolean, path: string, isFiltered: boolean, model: string,
 *   unreadLetters: string, tryMode: string | null}} options
 */
export function showNoMatch(query, { missing = [], nearest, path, isFiltered, model, unreadLetters, tryMode }) {
  const where = path ? ` in ${splitPath(path).name}` : "";
  const what = query ? `“${query}”` : "this image";
  const words = missing.map((word) => `“${word}”`).join(", ");
  show(
    element(
      "section",
      { className: "no-match" },
      element("h2", {}, nearest ? "No page matches well" : `Nothing${where} matches ${what}`),
      missing.length > 0 &&
        element("p", {}, `${words} ${missing.length === 1 ? "was" : "were"} not recognised on the pages below.`),
      unreadLetters && element("p", {}, `${model} does not read these letters: ${unreadLetters}`),
      element(
        "p",
        {},
        nearest
          ? "These are the closest pages. Try other words, as they would be printed on the page."
          : "Try other words, as they would be printed on the page, or fewer words.",
      ),
      (path || isFiltered) && withoutFilters("Search all documents"),
      tryMode &&
        element(
          "button",
          { type: "button", className: "plain", onclick: () => navigate({ mode: tryMode }, { push: true }) },
          "Search by meaning, too",
        ),
    ),
  );
}

/** The server cannot be reached, and there are no results to keep on screen. */
export function showUnreachable() {
  show(
    element(
      "section",
      { className: "no-match" },
      element("h2", {}, "The server is not reachable"),
      element("p", {}, "This page continues as soon as the server is back."),
    ),
  );
}

/**
 * An error message, with a button that retries if possible.
 * @param {string} message @param {(() => void) | null} retry
 */
export function showError(message, retry) {
  show(
    element(
      "section",
      { className: "no-match" },
      element("h2", {}, "Something went wrong"),
      element("p", {}, message.charAt(0).toUpperCase() + message.slice(1)),
      retry && element("button", { type: "button", className: "plain", onclick: retry }, "Try again"),
    ),
  );
}
