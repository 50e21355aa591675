/** The documents of the index as a list: typed into to shorten it, chosen from to search in one; those that failed, with why. */

import { here, move } from "./address.js";
import { deleteDocument, listDocuments } from "./api.js";
import { partsOf, shownPath } from "./names.js";
import { confirmed } from "./dialogs.js";
import { byId, element, icon, plural, say } from "./element.js";
import { forget } from "./pictures.js";

/** @typedef {import("./api.js").Doc} Doc */

const SHOWN_MAX = 200;
const order = new Intl.Collator("en", { numeric: true });

/** @type {Map<string, Doc>} */
let documents = new Map();
let total = 0;
let mayDelete = false;
/** @type {Map<string, number>} pages found, by path */
let counts = new Map();
let onchange = () => {};

const filter = element("input", {
  type: "search",
  id: "filter",
  placeholder: "Filter",
  autocomplete: "off",
  spellcheck: false,
  "aria-controls": "document-list",
  oninput: () => draw(),
});
const list = element("ul", { id: "document-list" });
const note = element("p", { className: "note", role: "status" });
byId("documents").append(
  element("h2", {}, "Documents"),
  element("label", { className: "unseen", for: "filter" }, "Filter the documents by name"),
  filter,
  list,
  note,
);

/** How many pages a document has; undefined if it is not known. @param {string} id */
export const pagesOf = (id) => documents.get(id)?.pages ?? undefined;

/** A document's path; undefined if it is not known. @param {string} id */
export const pathOf = (id) => documents.get(id)?.path;

/** The documents that can be searched, in path order. */
export const searchable = () => [...documents.values()].filter((doc) => doc.state === "done");

/** How many documents failed. */
export const failedCount = () => [...documents.values()].filter((doc) => doc.state === "failed").length;

/** Ask the server for the documents. `changed` is called when one was deleted here.
 * @param {() => void} changed */
export async function loadDocuments(changed) {
  const listed = await listDocuments();
  const inOrder = listed.documents.sort((a, b) => order.compare(shownPath(a.path), shownPath(b.path)));
  documents = new Map(inOrder.map((doc) => [doc.id, doc]));
  total = listed.total;
  onchange = changed;
  draw();
}

/** Whether to offer to delete. @param {boolean} may */
export function allowDelete(may) {
  mayDelete = may;
  draw();
}

/** Say how many of the pages shown are from each document. @param {{path: string}[]} pages */
export function countPages(pages) {
  counts = new Map();
  for (const { path } of pages) counts.set(path, (counts.get(path) ?? 0) + 1);
  draw();
}

/** Draw the list anew, as the address or the documents have changed. */
export function draw() {
  const typed = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const fits = [...documents.values()].filter((doc) =>
    typed.every((part) => shownPath(doc.path).toLowerCase().includes(part)),
  );
  const chosen = here().path;
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.path;
  list.replaceChildren(
    row("", "All documents", total, null, !chosen),
    ...fits.slice(0, SHOWN_MAX).map((doc) => row(doc.path, doc.path, doc.pages, doc, doc.path === chosen)),
  );
  filter.hidden = documents.size < 2;
  if (focused !== undefined)
    /** @type {HTMLElement} */ (list.querySelector(`[data-path="${CSS.escape(focused)}"]`))?.focus();
  note.textContent =
    fits.length > SHOWN_MAX
      ? `The first ${SHOWN_MAX} of ${fits.length.toLocaleString("en")}; type to see others.`
      : typed.length && !fits.length
        ? "No document has a name like that."
        : "";
}

/**
 * @param {string} path @param {string} label @param {number | null} count @param {Doc | null} doc
 * @param {boolean} isChosen
 */
function row(path, label, count, doc, isChosen) {
  const { folder, name, ending } = partsOf(label);
  const failed = doc?.state === "failed";
  const hits = counts.get(path) ?? 0;
  const told = failed
    ? "could not be read"
    : doc
      ? plural(count ?? 0, "page") + (hits ? `, ${hits} of them shown` : "")
      : plural(count ?? 0, "document");
  const button = element(
    "button",
    {
      type: "button",
      className: `document${failed ? " failed" : ""}`,
      "data-path": path,
      "aria-pressed": String(isChosen),
      title: failed ? `${shownPath(label)}: ${doc?.error ?? "failed"}` : shownPath(label),
      disabled: failed,
      onclick: () => move({ path: isChosen ? "" : path }, { push: true }),
    },
    element(
      "span",
      { className: "name" },
      folder && element("span", { className: "folder" }, folder),
      name,
      element("span", { className: "ending" }, ending),
    ),
    element("span", { className: "unseen" }, `, ${told}`),
    hits > 0 && element("span", { className: "hits", "aria-hidden": "true" }, String(hits)),
    element("span", { className: "count", "aria-hidden": "true" }, failed ? "failed" : String(count ?? "")),
  );
  const bin =
    doc &&
    mayDelete &&
    element(
      "button",
      {
        type: "button",
        className: "quiet bin",
        title: `Delete ${name}${ending}`,
        "aria-label": `Delete ${name}${ending}`,
        onclick: () => remove(doc),
      },
      icon("bin"),
    );
  return element("li", {}, button, bin);
}

/** @param {Doc} doc */
async function remove(doc) {
  const { name, ending } = partsOf(doc.path);
  const sure = await confirmed(
    `Delete ${name}${ending}?`,
    "It is taken out of the index. A file that was added here goes with it; a file of your folders stays where it is.",
    "Delete",
  );
  if (!sure) return;
  try {
    await deleteDocument(doc.id);
  } catch (error) {
    say(`${name} was not deleted: ${/** @type {Error} */ (error).message}`);
    await confirmed("It was not deleted", /** @type {Error} */ (error).message, "");
    return;
  }
  forget(doc.id);
  say(`${name} is deleted`);
  if (here().path === doc.path) move({ path: "" });
  onchange();
}
