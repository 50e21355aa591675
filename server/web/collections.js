/** The collections of a server of several indexes: which one is searched, and which one gets a document. */

import { fetchCollections } from "./api.js";
import { chooseDialog } from "./dialogs.js";
import { byId, element } from "./dom.js";
import { currentState, navigate } from "./url_state.js";

/** @typedef {import("./api.js").Collection} Collection */

/** @type {Collection[]} */
let collections = [];
/** @type {string | null} why they cannot be searched as one */
let apart = null;

const chooser = element("select", {
  id: "collection",
  title: "Collection to search",
  onchange: () => navigate({ collection: chooser.value, path: "", filters: [] }, { push: true }),
});
byId("filters").prepend(
  element("label", { className: "visually-hidden", for: "collection" }, "Collection to search"),
  chooser,
);
chooser.hidden = true;
/** @type {HTMLElement} */ (chooser.previousElementSibling).hidden = true;

/** Load the collections. Where they cannot be searched as one, or the chosen one is none, the first is chosen. */
export async function loadCollections() {
  ({ collections, apart } = await fetchCollections());
  const { collection } = currentState();
  const isKnown = collection ? collections.some(({ name }) => name === collection) : !apart;
  if (!isKnown) navigate({ collection: apart ? (collections[0]?.name ?? "") : "" });
  showCollections();
}

/** Show which collection is searched. */
export function showCollections() {
  const isHidden = collections.length < 2;
  chooser.hidden = isHidden;
  /** @type {HTMLElement} */ (chooser.previousElementSibling).hidden = isHidden;
  chooser.replaceChildren(
    element("option", { value: "", disabled: Boolean(apart) }, "All collections"),
    ...collections.map(({ name }) => element("option", { value: name }, name)),
  );
  chooser.value = currentState().collection;
  chooser.title = apart ? `Searched one at a time: ${apart}` : "Collection to search";
}

/**
 * The collection that new documents go to: the chosen one, or one that somebody is asked for; null if none is chosen. ""
 * is the only one.
 * @returns {Promise<string | null>}
 */
export async function collectionForUploads() {
  const open = collections.filter((each) => each.uploads_allowed).map(({ name }) => name);
  const { collection } = currentState();
  if (open.includes(collection)) return collection;
  if (collections.length < 2) return "";
  if (open.length === 1) return open[0];
  return chooseDialog("Which collection do they go to?", open);
}
