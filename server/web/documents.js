/** The list of documents: filter by name, restrict the search to one document, delete; failed ones with the reason. */

import { currentState, navigate } from "./url_state.js";
import { deleteDocument, listDocuments } from "./api.js";
import { whereOf } from "./filters.js";
import { splitPath, displayPath, cutName } from "./paths.js";
import { confirmDialog } from "./dialogs.js";
import { byId, element, icon, placeInOrder, plural, announce } from "./dom.js";
import { evictDocument } from "./page_images.js";

/** @typedef {import("./api.js").Doc} Doc */

const SHOWN_MAX = 200;
const order = new Intl.Collator("en", { numeric: true });

/** @type {Map<string, Doc>} */
let documents = new Map();
let total = 0;
let canDelete = false;
/** @type {Map<string, number>} number of hits by collection and path */
let counts = new Map();
let onchange = () => {};
/** @type {Map<string, Row>} rows by the id of the document, "" for all; they stay while they are of the same document */
let rows = new Map();

const filter = element("input", {
  type: "search",
  id: "filter",
  placeholder: "Find a document",
  autocomplete: "off",
  spellcheck: false,
  "aria-controls": "document-list",
  oninput: () => renderDocuments(),
});
const list = element("ul", { id: "document-list" });
const note = element("p", { className: "note", role: "status" });
byId("documents").append(
  element("h2", {}, "Documents"),
  element("label", { className: "visually-hidden", for: "filter" }, "Filter the documents by name"),
  filter,
  list,
  note,
);

/** The number of pages of a document; undefined if unknown. @param {string} id */
export const pageCount = (id) => documents.get(id)?.pages ?? undefined;

/** The path of a document; undefined if unknown. @param {string} id */
export const documentPath = (id) => documents.get(id)?.path;

/** The documents that can be searched, in path order. */
export const searchableDocuments = () => [...documents.values()].filter((doc) => doc.state === "done");

/** The number of documents that failed. */
export const failedCount = () => [...documents.values()].filter((doc) => doc.state === "failed").length;

/** A document's place: several collections may have one path. @param {{collection?: string | null, path: string}} of */
const placeOf = ({ collection, path }) => `${collection ?? ""}/${path}`;

/** The documents of the chosen collection that the filters select. */
export function fetchDocuments() {
  const { collection, filters } = currentState();
  return listDocuments(collection, whereOf(filters));
}

/** Show these documents. `changed` is called after one was deleted here.
 * @param {{total: number, documents: Doc[]}} listed @param {() => void} changed */
export function showDocuments(listed, changed) {
  const inOrder = listed.documents.sort((a, b) => order.compare(displayPath(a.path), displayPath(b.path)));
  documents = new Map(inOrder.map((doc) => [doc.id, doc]));
  total = listed.total;
  onchange = changed;
  renderDocuments();
}

/** Show or hide the delete buttons. @param {boolean} may */
export function allowDelete(may) {
  canDelete = may;
  renderDocuments();
}

/** Show how many of the results are from each document. @param {{path: string, collection?: string | null}[]} pages */
export function showHitCounts(pages) {
  counts = new Map();
  for (const page of pages) counts.set(placeOf(page), (counts.get(placeOf(page)) ?? 0) + 1);
  renderDocuments();
}

/** Render the list again after the URL state or the documents changed. */
export function renderDocuments() {
  const terms = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const matching = [...documents.values()].filter((doc) =>
    terms.every((part) => displayPath(doc.path).toLowerCase().includes(part)),
  );
  const chosen = currentState().path;
  const active = document.activeElement;
  const focused = /** @type {HTMLElement | null} */ (active)?.dataset?.path;
  const before = rows;
  rows = new Map();
  for (const doc of [null, ...matching.slice(0, SHOWN_MAX)]) {
    const known = before.get(doc?.id ?? "");
    const row = known?.key === rowKey(doc) ? known : createRow(doc);
    row.update(doc ? doc.path === chosen : !chosen);
    rows.set(doc?.id ?? "", row);
  }
  placeInOrder(
    list,
    [...rows.values()].map(({ item }) => item),
  );
  filter.hidden = documents.size < 2;
  if (focused !== undefined && document.activeElement !== active)
    /** @type {HTMLElement} */ (list.querySelector(`[data-path="${CSS.escape(focused)}"]`))?.focus();
  note.textContent =
    matching.length > SHOWN_MAX
      ? `The first ${SHOWN_MAX} of ${matching.length.toLocaleString("en")}; type to see others.`
      : terms.length && !matching.length
        ? "No document matches this filter."
        : "";
}

/** @typedef {ReturnType<typeof createRow>} Row */

/** Of several collections, the name of a document's own tells documents with one path apart. @param {Doc | null} doc */
const prefixOf = (doc) => (doc?.collection && !currentState().collection ? `${doc.collection} › ` : "");

/** What a row shows for as long as it is there. @param {Doc | null} doc */
const rowKey = (doc) => JSON.stringify([doc, canDelete, prefixOf(doc)]);

/** The row of a document, or of all. @param {Doc | null} doc */
function createRow(doc) {
  const [path, label] = doc ? [doc.path, doc.path] : ["", "All documents"];
  const { name, extension } = splitPath(label);
  const failed = doc?.state === "failed";
  const details = element("span", { className: "visually-hidden" });
  const shownHits = element("span", { className: "hits", "aria-hidden": "true" });
  const shownCount = element("span", { className: "count", "aria-hidden": "true" });
  const isChosen = () => button.getAttribute("aria-pressed") === "true";
  const button = element(
    "button",
    {
      type: "button",
      className: `document${failed ? " failed" : ""}`,
      "data-path": path,
      "aria-pressed": "false",
      title: failed ? `${displayPath(label)}: ${doc?.error ?? "failed"}` : displayPath(label) + unreadText(doc),
      disabled: failed,
      onclick: () =>
        navigate(isChosen() ? { path: "" } : { path, ...(doc?.collection && { collection: doc.collection }) }, {
          push: true,
        }),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Delete" && doc && canDelete) remove(doc);
      },
    },
    ...(doc
      ? cutName(label, { className: "name", before: prefixOf(doc) })
      : [element("span", { className: "name" }, label)]),
    details,
    shownHits,
    shownCount,
  );
  const deleteButton =
    doc &&
    canDelete &&
    element(
      "button",
      {
        type: "button",
        className: "quiet delete",
        tabIndex: -1, // the Delete key does the same, and Tab goes from document to document
        title: `Delete ${name}${extension}`,
        "aria-label": `Delete ${name}${extension}`,
        onclick: () => remove(doc),
      },
      icon("trash"),
    );
  return {
    key: rowKey(doc),
    item: element("li", {}, button, deleteButton),
    /** @param {boolean} chosen whether the search is restricted to it */
    update(chosen) {
      const count = doc ? doc.pages : total;
      const hits = doc ? (counts.get(placeOf(doc)) ?? 0) : 0;
      const pages = doc ? plural(count ?? 0, "page") + (hits ? `, ${hits} of them shown` : "") : "";
      details.textContent = `, ${failed ? "could not be read" : pages || plural(count ?? 0, "document")}`;
      shownHits.textContent = String(hits);
      shownHits.hidden = !hits;
      shownCount.textContent = failed ? "failed" : String(count ?? "");
      button.setAttribute("aria-pressed", String(chosen));
    },
  };
}

/** What was not read of a document, after its path; "" if there is nothing. @param {Doc | null} doc */
function unreadText(doc) {
  const kinds = Object.entries(doc?.unread ?? {}).map(([kind, places]) => `${kind} (${plural(places, "place")})`);
  return kinds.length ? `\nNot read: ${kinds.join(", ")}` : "";
}

/** @param {Doc} doc */
async function remove(doc) {
  const { name, extension } = splitPath(doc.path);
  const isConfirmed = await confirmDialog(
    `Delete ${name}${extension}?`,
    "The document is removed from the index. A file that was uploaded here is deleted, too; a file in your folders is not.",
    "Delete",
  );
  if (!isConfirmed) return;
  try {
    await deleteDocument(doc.id);
  } catch (error) {
    announce(`${name} was not deleted: ${/** @type {Error} */ (error).message}`);
    await confirmDialog("The document was not deleted", /** @type {Error} */ (error).message, "");
    return;
  }
  evictDocument(doc.id);
  announce(`${name} was deleted`);
  if (currentState().path === doc.path) navigate({ path: "" });
  onchange();
}
