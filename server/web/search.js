/** Runs the search of the URL state, one at a time: a new search cancels the last; retries if the server is busy. */

import { Busy, search } from "./api.js";
import { whereOf } from "./filters.js";
import { imageAsBase64 } from "./image_query.js";

/** @typedef {import("./url_state.js").UrlState} UrlState */
/** @typedef {import("./api.js").Answer} Answer */
/**
 * @typedef {object} Listener
 * @property {() => void} onSlow called when the answer takes longer than SLOW_AFTER_MS
 * @property {(answer: Answer, milliseconds: number) => void} onAnswer
 * @property {(error: Error) => void} onError
 */

const SLOW_AFTER_MS = 150;

let current = new AbortController();

/** Cancel the running search, if any. */
export const cancelSearch = () => current.abort();

/** Whether a state has a query. @param {UrlState} state */
export const hasQuery = (state) => Boolean(state.query.trim() || state.like || state.picture);

/**
 * Search for the `limit` best pages, and report to `listener`.
 * @param {UrlState} state @param {number} limit @param {Listener} listener
 */
export async function runSearch(state, limit, listener) {
  cancelSearch();
  const own = (current = new AbortController());
  const timer = setTimeout(() => own.signal.aborted || listener.onSlow(), SLOW_AFTER_MS);
  const started = performance.now();
  try {
    const answer = await searchWithRetries(await requestBody(state, limit), state.collection, own.signal, listener);
    if (!own.signal.aborted) listener.onAnswer(answer, performance.now() - started);
  } catch (error) {
    if (!own.signal.aborted) listener.onError(/** @type {Error} */ (error));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {Record<string, unknown>} request @param {string} collection @param {AbortSignal} signal
 * @param {Listener} listener
 * @returns {Promise<Answer>}
 */
async function searchWithRetries(request, collection, signal, listener) {
  for (;;) {
    try {
      return await search(request, collection, signal);
    } catch (error) {
      if (!(error instanceof Busy) || signal.aborted) throw error;
      listener.onError(error);
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
      signal.throwIfAborted();
    }
  }
}

/**
 * @param {UrlState} state @param {number} limit
 * @returns {Promise<Record<string, unknown>>}
 */
async function requestBody(state, limit) {
  /** @type {Record<string, unknown>} */
  const request = { k: limit, details: true };
  if (state.path) request.path = state.path;
  const where = whereOf(state.filters);
  if (where) request.where = where;
  // A chosen document is shown itself, not the copy of it that comes first.
  if (state.copies || state.path) request.all_copies = true;
  if (state.like) {
    const { document, page, box } = state.like;
    request.like = { document, page, ...(box && { box: { x0: box[0], y0: box[1], x1: box[2], y1: box[3] } }) };
    return request;
  }
  if (state.mode) request.mode = state.mode;
  if (state.query.trim()) request.query = state.query.trim();
  if (state.picture) request.image = await imageAsBase64(state.picture);
  return request;
}
