/** Filters by what is known of documents: a panel with the values of each column, and a chip for each chosen value. */

import { fetchFacets } from "./api.js";
import { announce, byId, element, icon, placeInOrder, plural } from "./dom.js";
import { currentState, navigate } from "./url_state.js";

/** @typedef {import("./url_state.js").Filter} Filter */
/** @typedef {import("./api.js").Facet} Facet */

/** Columns that are no use as a choice of values. */
const LEFT_OUT = new Set(["size", "pages", "title", "subject", "producer"]);
/** Columns that docsearch fills: one that all documents have the same value of is left out. All others are the user's. */
const BUILT_IN = new Set(["path", "kind", "modified", "author", "keywords", "language", "has_text"]);
/** The first folder of a path, and a glob that the path matches: two filters by the column "path". */
const FOLDER = "folder";
const GLOB = "path";
const NO_FOLDER = "./";
const UPLOADS = ".uploads/";
const LABELS = /** @type {Record<string, string>} */ ({
  modified: "Year",
  has_text: "Text layer",
  [FOLDER]: "Folder",
  [GLOB]: "Path",
});

/** The condition that some filters are, "" for none. @param {Filter[]} filters */
export function whereOf(filters) {
  /** @type {Map<string, string[]>} */
  const columns = new Map();
  for (const filter of filters) {
    const condition = conditionOf(filter);
    columns.set(filter.column, [...(columns.get(filter.column) ?? []), condition]);
  }
  return [...columns.values()].map((any) => `(${any.join(" or ")})`).join(" and ");
}

/** @param {Filter} filter */
function conditionOf({ column, value }) {
  if (column === GLOB) return `path matches ${quoted(String(value))}`;
  if (column === FOLDER && value === NO_FOLDER) return "not path contains '/'";
  if (column === FOLDER) return `path like ${quoted(String(value).replace(/[\\%_]/g, "\\$&") + "%")}`;
  return `"${column.replaceAll('"', '""')}" = ${typeof value === "string" ? quoted(value) : value}`;
}

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** @param {string} column */
const labelOf = (column) => LABELS[column] ?? column.charAt(0).toUpperCase() + column.slice(1).replaceAll("_", " ");

/** @param {string} column @param {string | number | boolean} value */
function shownValue(column, value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (column !== FOLDER) return String(value);
  return value === NO_FOLDER ? "no folder" : value === UPLOADS ? "added on this page" : String(value);
}

/** @param {Filter} one @param {Filter} other */
const isSame = (one, other) => one.column === other.column && one.value === other.value;

/** Add a filter, or remove it. @param {Filter} filter */
function toggle(filter) {
  const { filters } = currentState();
  const others = filters.filter((each) => !isSame(each, filter));
  navigate({ filters: others.length < filters.length ? others : [...filters, filter] }, { push: true });
}

const panel = element("div", { id: "filter-panel", className: "filter-panel", hidden: true });
const button = element(
  "button",
  {
    type: "button",
    className: "plain slim",
    id: "show-filters",
    "aria-expanded": "false",
    "aria-controls": "filter-panel",
    onclick: () => open(Boolean(panel.hidden)),
  },
  icon("filter"),
  "Filters",
);
const chips = element("ul", { className: "filter-chips", "aria-label": "Filters in use" });
byId("filters").append(button, chips);
byId("filters").after(panel);
panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  open(false);
  button.focus();
});

/** @param {boolean} shown */
function open(shown) {
  panel.hidden = !shown;
  button.setAttribute("aria-expanded", String(shown));
  if (shown) loadFacets();
}

/**
 * Show the filters of the state, and if the panel is open, how many documents have each value, unless these `isCounted`
 * for the state as it is.
 * @param {boolean} hasDocuments whether there is anything to filter
 * @param {{isCounted?: boolean}} [options]
 */
export function showFilters(hasDocuments, { isCounted = false } = {}) {
  const { filters } = currentState();
  button.hidden = !hasDocuments && !filters.length;
  if (!panel.hidden && !isCounted) loadFacets();
  // A chip that is shown stays, and keeps the focus.
  const key = JSON.stringify(filters);
  if (key === chips.dataset.filters) return;
  chips.dataset.filters = key;
  chips.replaceChildren(
    ...filters.map((filter) => element("li", {}, chip(filter))),
    ...(filters.length > 1
      ? [
          element(
            "li",
            {},
            element(
              "button",
              { type: "button", className: "plain slim", onclick: () => navigate({ filters: [] }, { push: true }) },
              "Clear all",
            ),
          ),
        ]
      : []),
  );
}

/** @param {Filter} filter */
function chip(filter) {
  const label = `${labelOf(filter.column)}: ${shownValue(filter.column, filter.value)}`;
  return element(
    "button",
    {
      type: "button",
      className: "filter-chip",
      title: `Remove the filter ${label}`,
      "aria-label": `Remove the filter ${label}`,
      onclick: () => {
        const place = [...chips.children].findIndex((each) => each.contains(document.activeElement));
        toggle(filter);
        const next = chips.children[Math.max(0, Math.min(place, chips.children.length - 1))];
        const following = /** @type {HTMLElement | null} */ (next ? next.firstElementChild : null);
        (following ?? button).focus();
      },
    },
    element("span", { className: "text" }, label),
    icon("close"),
  );
}

let asked = 0;

async function loadFacets() {
  const own = ++asked;
  panel.setAttribute("aria-busy", "true");
  const { filters, collection } = currentState();
  const chosen = [...new Set(filters.map((filter) => filter.column))];
  try {
    // A column with chosen values is counted without them, so that others can be added.
    const [all, ...without] = await Promise.all([
      fetchFacets([], whereOf(filters), collection),
      ...chosen
        .filter((column) => column !== GLOB)
        .map((column) =>
          fetchFacets(
            [column === FOLDER ? "path" : column],
            whereOf(filters.filter((filter) => filter.column !== column)),
            collection,
          ),
        ),
    ]);
    if (own !== asked) return;
    const ownFacets = new Map(without.flat().map((facet) => [facet.column, facet]));
    const listed = all.map((facet) => ownFacets.get(facet.column) ?? facet);
    for (const facet of ownFacets.values()) if (!all.some(({ column }) => column === facet.column)) listed.push(facet);
    render(listed);
  } catch (error) {
    if (own !== asked) return;
    panel.replaceChildren(element("p", { className: "note" }, /** @type {Error} */ (error).message));
  }
  panel.setAttribute("aria-busy", "false");
}

/** @param {Facet[]} facets */
function render(facets) {
  const { filters } = currentState();
  const shown = facets
    .filter(({ column }) => !LEFT_OUT.has(column))
    .map((facet) => (facet.column === "path" ? { ...facet, column: FOLDER } : facet))
    .filter(
      ({ column, values, without }) =>
        values.length > 1 ||
        (values.length && (without || !BUILT_IN.has(column === FOLDER ? "path" : column))) ||
        filters.some((filter) => filter.column === column),
    );
  showPath(filters);
  // What stays is kept: the field for a path with what is being typed into it, and a value that is being clicked.
  const items = shown.map((facet) => {
    const group = groups.get(facet.column) ?? createGroup(facet.column);
    groups.set(facet.column, group);
    group.update(facet, filters);
    return group.item;
  });
  placeInOrder(panel, [...items, pathForm]);
  announce(plural(items.length, "column") + " to filter by");
}

/** @type {Map<string, ReturnType<typeof createGroup>>} by column */
const groups = new Map();

/** The values of a column. @param {string} column */
function createGroup(column) {
  const list = element("ul", { "aria-label": `Values of ${labelOf(column)}` });
  const note = element("p", { className: "note" });
  /** @type {Map<string, ReturnType<typeof createValue>>} */
  let rows = new Map();
  return {
    item: element("fieldset", {}, element("legend", {}, labelOf(column)), list, note),
    /** @param {Facet} facet @param {Filter[]} filters */
    update({ values, more }, filters) {
      const before = rows;
      rows = new Map();
      for (const { value, documents } of values) {
        const key = JSON.stringify(value);
        const row = before.get(key) ?? createValue({ column, value });
        row.update(documents, filters);
        rows.set(key, row);
      }
      placeInOrder(
        list,
        [...rows.values()].map(({ item }) => item),
      );
      // A list that scrolls can be reached, and scrolled, with the keyboard alone.
      list.tabIndex = rows.size > 6 ? 0 : -1;
      note.textContent = `and ${more.toLocaleString("en")} more`;
      note.hidden = !more;
    },
  };
}

/** A value that can be chosen. @param {Filter} filter */
function createValue(filter) {
  const label = shownValue(filter.column, filter.value);
  const id = `filter-${filter.column}-${filter.value}`;
  const box = element("input", { type: "checkbox", id, onchange: () => toggle(filter) });
  const count = element("span", { className: "count" });
  return {
    item: element("li", {}, box, element("label", { for: id, title: label }, label), count),
    /** @param {number} documents @param {Filter[]} filters */
    update(documents, filters) {
      box.checked = filters.some((each) => isSame(each, filter));
      count.textContent = documents.toLocaleString("en");
      count.title = plural(documents, "document");
    },
  };
}

const pathField = element("input", {
  id: "filter-glob",
  type: "text",
  placeholder: "contracts/*.pdf",
  autocomplete: "off",
  spellcheck: false,
});
const pathForm = element(
  "form",
  {
    onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const others = currentState().filters.filter((filter) => filter.column !== GLOB);
      const value = (pathField.dataset.shown = pathField.value.trim());
      navigate({ filters: value ? [...others, { column: GLOB, value }] : others }, { push: true });
    },
  },
  element("label", { for: "filter-glob" }, "Path or file name"),
  element("div", { className: "field" }, pathField, element("button", { className: "plain slim" }, "Apply")),
  element("p", { className: "note" }, "* stands for any characters, ? for one."),
);

/** Show the path of the state in its field, if it is another one than before. @param {Filter[]} filters */
function showPath(filters) {
  const value = String(filters.find((filter) => filter.column === GLOB)?.value ?? "");
  if (value === pathField.dataset.shown) return;
  pathField.value = pathField.dataset.shown = value;
}
