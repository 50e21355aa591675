/** Files with the same content are one result: the other paths of a result, and the button that shows each of them. */

import { currentState, navigate, toUrl } from "./url_state.js";
import { element } from "./dom.js";
import { displayPath } from "./paths.js";

/** Paths that are listed; of more, the number is told. */
const SHOWN_MAX = 50;

/**
 * Where else a result is: links that search that copy alone. Null without other paths.
 * @param {string[]} paths
 */
export function createCopies(paths) {
  if (!paths.length) return null;
  if (paths.length === 1) return element("p", { className: "copies" }, "also at ", link(paths[0]));
  const more = paths.length - SHOWN_MAX;
  return element(
    "details",
    { className: "copies" },
    element("summary", {}, `also at ${paths.length.toLocaleString("en")} other places`),
    element(
      "ul",
      {},
      ...paths.slice(0, SHOWN_MAX).map((path) => element("li", {}, link(path))),
      more > 0 && element("li", {}, `and ${more.toLocaleString("en")} more`),
    ),
  );
}

/** Let the links below `root` search for the current query. @param {Element} root */
export function updateCopies(root) {
  for (const each of root.querySelectorAll("a[data-copy]")) {
    const path = each.getAttribute("data-copy") ?? "";
    each.setAttribute("href", toUrl({ ...currentState(), ...alone(path) }));
  }
}

/** The change of state that searches one document. @param {string} path */
const alone = (path) => ({ path, document: "", page: 0, word: null });

/** @param {string} path */
function link(path) {
  return element(
    "a",
    {
      href: toUrl({ ...currentState(), ...alone(path) }),
      "data-copy": path,
      title: `Search ${displayPath(path)} alone`,
      onclick: (/** @type {MouseEvent} */ event) => {
        if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        navigate(alone(path), { push: true });
      },
    },
    displayPath(path),
  );
}

/**
 * The button that shows each copy as a result, or files with the same content as one again. Null if there is no need.
 * @param {{also: string[]}[]} hits
 */
export function createCopiesButton(hits) {
  const { copies, path } = currentState();
  if (path || !(copies || hits.some(({ also }) => also.length))) return null;
  return element(
    "button",
    {
      type: "button",
      id: "all-copies",
      className: "plain slim",
      title: "Files with the same content are one result",
      onclick: () => navigate({ copies: !copies }, { push: true }),
    },
    copies ? "One result per file" : "Show every copy",
  );
}
