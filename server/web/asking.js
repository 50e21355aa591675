/** Asks what the address says, one question at a time: a later one drops the earlier, and a busy server is asked again. */

import { Busy, search } from "./api.js";
import { pictureInBase64 } from "./picture_query.js";

/** @typedef {import("./address.js").Place} Place */
/** @typedef {import("./api.js").Answer} Answer */
/**
 * @typedef {object} Listener
 * @property {() => void} onwait the answer takes long enough to say so
 * @property {(answer: Answer, milliseconds: number) => void} onanswer
 * @property {(error: Error) => void} onproblem
 */

const SHOW_WAITING_AFTER_MS = 150;

let current = new AbortController();

/** Drop the question that is being asked, if one is. */
export const drop = () => current.abort();

/** Whether a place asks for anything. @param {Place} place */
export const asksSomething = (place) => Boolean(place.query.trim() || place.like || place.picture);

/**
 * Ask for the `limit` best pages, and tell `listener`.
 * @param {Place} place @param {number} limit @param {Listener} listener
 */
export async function askFor(place, limit, listener) {
  drop();
  const own = (current = new AbortController());
  const waiting = setTimeout(listener.onwait, SHOW_WAITING_AFTER_MS);
  const asked = performance.now();
  try {
    const answer = await askUntilAnswered(await body(place, limit), own.signal, listener);
    if (!own.signal.aborted) listener.onanswer(answer, performance.now() - asked);
  } catch (error) {
    if (!own.signal.aborted) listener.onproblem(/** @type {Error} */ (error));
  } finally {
    clearTimeout(waiting);
  }
}

/**
 * @param {Record<string, unknown>} asked @param {AbortSignal} signal @param {Listener} listener
 * @returns {Promise<Answer>}
 */
async function askUntilAnswered(asked, signal, listener) {
  for (;;) {
    try {
      return await search(asked, signal);
    } catch (error) {
      if (!(error instanceof Busy) || signal.aborted) throw error;
      listener.onproblem(error);
      await new Promise((later) => setTimeout(later, error.wait));
      signal.throwIfAborted();
    }
  }
}

/**
 * @param {Place} place @param {number} limit
 * @returns {Promise<Record<string, unknown>>}
 */
async function body(place, limit) {
  /** @type {Record<string, unknown>} */
  const asked = { k: limit };
  if (place.path) asked.path = place.path;
  if (place.like) {
    const { document, page, box } = place.like;
    asked.like = { document, page, ...(box && { box: { x0: box[0], y0: box[1], x1: box[2], y1: box[3] } }) };
    return asked;
  }
  if (place.query.trim()) asked.query = place.query.trim();
  if (place.picture) asked.image = await pictureInBase64(place.picture);
  return asked;
}
