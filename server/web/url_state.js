/** State of the page in its URL: the query, the filter, and the page open in the viewer. Links can be shared. */

/**
 * A page to find similar pages of, or its part inside `box` (x0, y0, x1, y1 in fractions of the page).
 * @typedef {{document: string, page: number, box: number[] | null}} Like
 */

/**
 * A value that documents must have in a column. A column may have several: a document must have one of them.
 * @typedef {{column: string, value: string | number | boolean}} Filter
 */

/**
 * The collection that is searched ("" for all), and the filters.
 * The search (`query`, `like`, or the number of a stored image, `picture`), the document it is restricted to (`path`),
 * whether each of several files with the same content is a result (`copies`), what pages are found by (`mode`, "" for
 * the default of the index), and the page open in the viewer, with the word whose matches are shown (null: all words).
 * @typedef {object} UrlState
 * @property {string} query
 * @property {string} collection
 * @property {Filter[]} filters
 * @property {string} path
 * @property {boolean} copies
 * @property {string} mode
 * @property {Like | null} like
 * @property {number} picture
 * @property {string} document
 * @property {number} page
 * @property {number | null} word
 */

/** @type {((now: UrlState, before: UrlState) => void)[]} */
const listeners = [];

/** @type {UrlState} */
let state = fromQueryString(location.search);

/** The current state. */
export const currentState = () => state;

/**
 * Call `listener` after each change.
 * @param {(now: UrlState, before: UrlState) => void} listener
 */
export function onNavigate(listener) {
  listeners.push(listener);
}

/**
 * Change the state. With `push` the browser's back button undoes the change.
 * @param {Partial<UrlState>} changes
 * @param {{push?: boolean}} [options]
 */
export function navigate(changes, { push = false } = {}) {
  const before = state;
  state = { ...state, ...changes };
  if (isGoingBack) changedOnTheWay = { push: push || Boolean(changedOnTheWay?.push) };
  else record(before, push);
  for (const listener of listeners) listener(state, before);
}

/** Write the state to the history, if it is another one than `before`. @param {UrlState} before @param {boolean} push */
function record(before, push) {
  const address = toUrl(state);
  if (address === toUrl(before)) return;
  // `steps` counts our own history entries, so that closing the viewer knows whether it can go back.
  const steps = push ? (history.state?.steps ?? 0) + 1 : (history.state?.steps ?? 0);
  history[push ? "pushState" : "replaceState"]({ steps }, "", address);
}

/** Browsers go back later than they are asked to. What changes until then is written to the history afterwards. */
let isGoingBack = false;
/** @type {{push: boolean} | null} */
let changedOnTheWay = null;

/** Change the state to `otherwise`, by going back in history if that stays on this page.
 * @param {Partial<UrlState>} otherwise
 */
export function goBack(otherwise) {
  if (isGoingBack || !history.state?.steps) return navigate(otherwise);
  history.back();
  isGoingBack = true;
  navigate(otherwise);
  changedOnTheWay = null; // this change is what going back does
}

addEventListener("popstate", () => {
  const changed = changedOnTheWay;
  isGoingBack = false;
  changedOnTheWay = null;
  if (changed) return record(fromQueryString(location.search), changed.push);
  const before = state;
  state = fromQueryString(location.search);
  for (const listener of listeners) listener(state, before);
});

/**
 * @param {string} search
 * @returns {UrlState}
 */
function fromQueryString(search) {
  const params = new URLSearchParams(search);
  const number = (/** @type {string} */ name) => Math.max(0, parseInt(params.get(name) ?? "", 10) || 0);
  return {
    query: params.get("q") ?? "",
    collection: params.get("collection") ?? "",
    filters: params.getAll("filter").flatMap(parseFilter),
    path: params.get("in") ?? "",
    copies: params.get("copies") === "all",
    mode: params.get("mode") === "semantic" ? "semantic" : "",
    like: parseLike(params.get("like") ?? ""),
    picture: number("picture"),
    document: params.get("doc") ?? "",
    page: number("page"),
    word: /^\d+$/.test(params.get("word") ?? "") ? number("word") : null,
  };
}

/**
 * The URL of a state.
 * @param {UrlState} state
 */
export function toUrl(state) {
  const out = new URLSearchParams();
  if (state.query) out.set("q", state.query);
  if (state.collection) out.set("collection", state.collection);
  for (const { column, value } of state.filters) out.append("filter", `${column}:${JSON.stringify(value)}`);
  if (state.path) out.set("in", state.path);
  if (state.copies) out.set("copies", "all");
  if (state.mode) out.set("mode", state.mode);
  if (state.like) {
    const { document, page, box } = state.like;
    out.set("like", [document, page, ...(box ?? []).map((side) => side.toFixed(3))].join("~"));
  }
  if (state.picture) out.set("picture", String(state.picture));
  if (state.document && state.page) {
    out.set("doc", state.document);
    out.set("page", String(state.page));
    if (state.word !== null) out.set("word", String(state.word));
  }
  const search = out.toString();
  return search ? `/?${search}` : "/";
}

/**
 * @param {string} text
 * @returns {Like | null}
 */
function parseLike(text) {
  const [document, page, ...sides] = text.split("~");
  const box = sides.map(Number);
  if (!document || !(Number(page) >= 1)) return null;
  const whole = box.length === 4 && box.every((side) => side >= 0 && side <= 1) && box[0] < box[2] && box[1] < box[3];
  return { document, page: Math.floor(Number(page)), box: whole ? box : null };
}

/**
 * @param {string} text
 * @returns {Filter[]}
 */
function parseFilter(text) {
  // A value in JSON has no colon before its first quotation mark, and a name of a column may have one.
  const at = /:(?="|-?\d|true$|false$)/.exec(text)?.index ?? -1;
  try {
    const value = JSON.parse(text.slice(at + 1));
    return at > 0 && ["string", "number", "boolean"].includes(typeof value)
      ? [{ column: text.slice(0, at), value }]
      : [];
  } catch {
    return [];
  }
}
