/** Client of the HTTP API. Failures are one of four error classes, which error_handling.js shows. */

/** @typedef {{x0: number, y0: number, x1: number, y1: number, score: number}} Box */
/** @typedef {{word: string, weight: number, score: number, boxes: Box[]}} Word */
/** @typedef {{text: string, spans: [number, number][]}} Snippet */
/** @typedef {{rank: number, score: number, path: string, page: number, doc_id: string, also: string[],
 *   snippet: Snippet | null}} Hit */
/** @typedef {{query: string, hits: Hit[], milliseconds: Record<string, number>, confidence: number | null,
 *   no_good_match: boolean, unread_letters: string, corrections: Record<string, string>,
 *   missing_phrases: string[]}} Answer */
/** @typedef {{id: string, path: string, pages: number | null, state: string, error: string | null,
 *   unread: Record<string, number>}} Doc */
/** @typedef {{model: string, pages: number, documents: number, failed: number, uploads_allowed: boolean,
 *   marks_allowed: boolean}} Index */
/** @typedef {{query: string, document: string, page: number, right: boolean}} Mark */
/** @typedef {{upload: string, name: string, state: string, pages_done: number, pages_total: number | null,
 *   doc_id: string | null, error: string | null}} Upload */

const RETRY_AFTER_MS = 1000;
const DOCUMENTS_PER_REQUEST = 1000;
const DOCUMENTS_MAX = 10_000;

/** The server cannot be reached. */
export class Unreachable extends Error {}

/** The server requires a token. */
export class Unauthorized extends Error {}

/** The server is overloaded; retry in `retryAfterMs` milliseconds. */
export class Busy extends Error {
  /** @param {string} message @param {number} retryAfterMs */
  constructor(message, retryAfterMs) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The server rejected the request. */
export class RequestError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<any>} the JSON body, or null if there is none
 */
export async function fetchJson(path, request) {
  const response = await fetchOk(path, request);
  return response.status === 204 ? null : response.json();
}

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<Response>} a response with a status of success
 */
async function fetchOk(path, request = {}) {
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("the server does not respond");
  }
  if (response.ok) return response;
  let message = `the server responded with status ${response.status}`;
  try {
    message = (await response.json()).error ?? message;
  } catch {
    // Not JSON, for example from a proxy: the status is all there is.
  }
  if (response.status === 401) throw new Unauthorized(message);
  if (response.status === 503) {
    throw new Busy(message, 1000 * Number(response.headers.get("Retry-After")) || RETRY_AFTER_MS);
  }
  throw new RequestError(message, response.status);
}

/**
 * @param {Record<string, unknown>} request
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function search(request, signal) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetchJson("/v1/search", { method: "POST", headers, body: JSON.stringify(request), signal });
  return response.answers[0];
}

/**
 * Where on a page each word of a query matches.
 * @param {string} query @param {string} document @param {number} page @param {AbortSignal} [signal]
 * @returns {Promise<Word[]>}
 */
export async function fetchWordMatches(query, document, page, signal) {
  const params = new URLSearchParams({ query, document, page: String(page) });
  return (await fetchJson(`/v1/heatmap?${params}`, { signal })).words;
}

/**
 * Up to DOCUMENTS_MAX documents in path order, and the total number.
 * @returns {Promise<{total: number, documents: Doc[]}>}
 */
export async function listDocuments() {
  /** @type {Doc[]} */
  const documents = [];
  let total = 0;
  do {
    const part = await fetchJson(`/v1/documents?offset=${documents.length}&limit=${DOCUMENTS_PER_REQUEST}`);
    total = part.total;
    if (!part.documents.length) break;
    documents.push(...part.documents);
  } while (documents.length < Math.min(total, DOCUMENTS_MAX));
  return { total, documents };
}

/**
 * What the index contains; null if the server is too old to say.
 * @returns {Promise<Index | null>}
 */
export async function fetchIndexInfo() {
  try {
    return await fetchJson("/v1/index");
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return null;
    throw error;
  }
}

/** Exchange the token for a session cookie. @param {string} token */
export async function openSession(token) {
  // Other characters cannot be sent in a header.
  if (!/^[!-~]+$/.test(token)) throw new Unauthorized("this cannot be a token");
  await fetchJson("/v1/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
}

/** @param {string} id */
export const deleteDocument = (id) => fetchJson(`/v1/documents/${encodeURIComponent(id)}`, { method: "DELETE" });

/**
 * @param {File} file
 * @returns {Promise<Upload>}
 */
export const uploadDocument = (file) =>
  fetchJson(`/v1/documents?name=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });

/**
 * Recent uploads, newest first; none if the server does not accept uploads.
 * @returns {Promise<Upload[]>}
 */
export async function listUploads() {
  try {
    return (await fetchJson("/v1/uploads")).uploads;
  } catch (error) {
    if (error instanceof RequestError) return [];
    throw error;
  }
}

/**
 * The marks of a query.
 * @param {string} query
 * @returns {Promise<Mark[]>}
 */
export const fetchMarks = async (query) => (await fetchJson(`/v1/marks?${new URLSearchParams({ query })}`)).marks;

/** @param {{query: string, document: string, page: number, right: boolean | null}} mark */
export const setMark = (mark) =>
  fetchJson("/v1/marks", {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(mark),
  });

/** @param {string} upload */
export const uploadEventsUrl = (upload) => `/v1/uploads/${encodeURIComponent(upload)}/events`;

/** @param {string} url @param {AbortSignal} signal */
export const fetchImage = async (url, signal) => (await fetchOk(url, { signal })).blob();

/** The URL of a page image. @param {string} document @param {number} page @param {number} width */
export const pageImageUrl = (document, page, width) =>
  `/v1/documents/${encodeURIComponent(document)}/pages/${page}.png?width=${width}`;

/**
 * The URL of the heat map to lay over the page image: of one word, or of all.
 * @param {string} query @param {string} document @param {number} page @param {number} width
 * @param {number | null} word
 */
export function heatmapUrl(query, document, page, width, word) {
  const params = new URLSearchParams({ query, document, page: String(page), width: String(width) });
  if (word !== null) params.set("word", String(word));
  return `/v1/heatmap.png?${params}`;
}
