/** The address bar is the page's memory: what is asked and shown goes into it, and comes back from it. */

/**
 * A page, or the part of one inside `box` (x0, y0, x1, y1 in fractions of the page), that others should be like.
 * @typedef {{document: string, page: number, box: number[] | null}} Like
 */

/**
 * What is asked (`query`, `like`, or the kept picture number `picture`), in which document (`path`), and what is open in
 * the viewer: a page, and the word whose marks are shown (null: all words).
 * @typedef {object} Place
 * @property {string} query
 * @property {string} path
 * @property {Like | null} like
 * @property {number} picture
 * @property {string} document
 * @property {number} page
 * @property {number | null} word
 */

/** @type {((now: Place, before: Place) => void)[]} */
const listeners = [];

/** @type {Place} */
let place = read(location.search);

/** Where the page is. */
export const here = () => place;

/**
 * Call `listener` after each change.
 * @param {(now: Place, before: Place) => void} listener
 */
export function onMove(listener) {
  listeners.push(listener);
}

/**
 * Change the place; `push` makes a step that the browser's back button undoes.
 * @param {Partial<Place>} changes
 * @param {{push?: boolean}} [how]
 */
export function move(changes, { push = false } = {}) {
  const before = place;
  place = { ...place, ...changes };
  const address = write(place);
  if (address !== write(before)) {
    // `steps` tells the viewer whether there is a page of ours to go back to.
    const steps = push ? (history.state?.steps ?? 0) + 1 : (history.state?.steps ?? 0);
    history[push ? "pushState" : "replaceState"]({ steps }, "", address);
  }
  for (const listener of listeners) listener(place, before);
}

/** Go a step back if that stays on this page, else change the place to `otherwise`.
 * @param {Partial<Place>} otherwise
 */
export function back(otherwise) {
  if (history.state?.steps) history.back();
  else move(otherwise);
}

addEventListener("popstate", () => {
  const before = place;
  place = read(location.search);
  for (const listener of listeners) listener(place, before);
});

/**
 * @param {string} search
 * @returns {Place}
 */
function read(search) {
  const given = new URLSearchParams(search);
  const number = (/** @type {string} */ name) => Math.max(0, parseInt(given.get(name) ?? "", 10) || 0);
  return {
    query: given.get("q") ?? "",
    path: given.get("in") ?? "",
    like: readLike(given.get("like") ?? ""),
    picture: number("picture"),
    document: given.get("doc") ?? "",
    page: number("page"),
    word: /^\d+$/.test(given.get("word") ?? "") ? number("word") : null,
  };
}

/**
 * The address of a place.
 * @param {Place} to
 */
export function write(to) {
  const out = new URLSearchParams();
  if (to.query) out.set("q", to.query);
  if (to.path) out.set("in", to.path);
  if (to.like) {
    const { document, page, box } = to.like;
    out.set("like", [document, page, ...(box ?? []).map((side) => side.toFixed(3))].join("~"));
  }
  if (to.picture) out.set("picture", String(to.picture));
  if (to.document && to.page) {
    out.set("doc", to.document);
    out.set("page", String(to.page));
    if (to.word !== null) out.set("word", String(to.word));
  }
  const search = out.toString();
  return search ? `/?${search}` : "/";
}

/**
 * @param {string} text
 * @returns {Like | null}
 */
function readLike(text) {
  const [document, page, ...sides] = text.split("~");
  const box = sides.map(Number);
  if (!document || !(Number(page) >= 1)) return null;
  const whole = box.length === 4 && box.every((side) => side >= 0 && side <= 1) && box[0] < box[2] && box[1] < box[3];
  return { document, page: Math.floor(Number(page)), box: whole ? box : null };
}
