/** Asks the server; what goes wrong comes back as one of four errors that the page knows how to show. */

/** @typedef {{x0: number, y0: number, x1: number, y1: number, score: number}} Box */
/** @typedef {{word: string, weight: number, score: number, boxes: Box[]}} Word */
/** @typedef {{rank: number, score: number, path: string, page: number, doc_id: string}} Hit */
/** @typedef {{query: string, hits: Hit[], milliseconds: Record<string, number>}} Answer */
/** @typedef {{id: string, path: string, pages: number | null, state: string, error: string | null}} Doc */
/** @typedef {{model: string, pages: number, documents: number, failed: number, uploads_allowed: boolean}} Index */
/** @typedef {{upload: string, name: string, state: string, pages_done: number, pages_total: number | null,
 *   doc_id: string | null, error: string | null}} Upload */

const RETRY_AFTER_MS = 1000;
const DOCUMENTS_AT_ONCE = 1000;
const DOCUMENTS_MAX = 10_000;

/** The server did not answer at all. */
export class Unreachable extends Error {}

/** The server wants to know who asks. */
export class Unknown extends Error {}

/** The server has too much to do; ask again in `wait` milliseconds. */
export class Busy extends Error {
  /** @param {string} message @param {number} wait */
  constructor(message, wait) {
    super(message);
    this.wait = wait;
  }
}

/** The server says what is wrong with what was asked. */
export class Refused extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<any>} the JSON of the answer, or null where it has none
 */
export async function ask(path, request) {
  const response = await send(path, request);
  return response.status === 204 ? null : response.json();
}

/**
 * @param {string} path
 * @param {RequestInit} [request]
 * @returns {Promise<Response>} an answer that says yes
 */
async function send(path, request = {}) {
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("the server does not answer");
  }
  if (response.ok) return response;
  let message = `the server answered ${response.status}`;
  try {
    message = (await response.json()).error ?? message;
  } catch {
    // The answer is no JSON, as that of a proxy: its status has to do.
  }
  if (response.status === 401) throw new Unknown(message);
  if (response.status === 503) {
    throw new Busy(message, 1000 * Number(response.headers.get("Retry-After")) || RETRY_AFTER_MS);
  }
  throw new Refused(message, response.status);
}

/**
 * @param {Record<string, unknown>} asked
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function search(asked, signal) {
  const headers = { "Content-Type": "application/json" };
  const response = await ask("/v1/search", { method: "POST", headers, body: JSON.stringify(asked), signal });
  return response.answers[0];
}

/**
 * Where a page matches each word of a query.
 * @param {string} query @param {string} document @param {number} page @param {AbortSignal} [signal]
 * @returns {Promise<Word[]>}
 */
export async function wordsOn(query, document, page, signal) {
  const asked = new URLSearchParams({ query, document, page: String(page) });
  return (await ask(`/v1/heatmap?${asked}`, { signal })).words;
}

/**
 * The documents in path order, up to 10,000, and how many there are.
 * @returns {Promise<{total: number, documents: Doc[]}>}
 */
export async function listDocuments() {
  /** @type {Doc[]} */
  const documents = [];
  let total = 0;
  do {
    const part = await ask(`/v1/documents?offset=${documents.length}&limit=${DOCUMENTS_AT_ONCE}`);
    total = part.total;
    if (!part.documents.length) break;
    documents.push(...part.documents);
  } while (documents.length < Math.min(total, DOCUMENTS_MAX));
  return { total, documents };
}

/**
 * What the index holds; null where the server is too old to say.
 * @returns {Promise<Index | null>}
 */
export async function aboutIndex() {
  try {
    return await ask("/v1/index");
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** Show the token; the browser is known by a cookie from then on. @param {string} token */
export async function openSession(token) {
  // A header holds nothing else, and no token that has to be sent in one.
  if (!/^[!-~]+$/.test(token)) throw new Unknown("no token looks like that");
  await ask("/v1/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
}

/** @param {string} id */
export const deleteDocument = (id) => ask(`/v1/documents/${encodeURIComponent(id)}`, { method: "DELETE" });

/**
 * @param {File} file
 * @returns {Promise<Upload>}
 */
export const uploadDocument = (file) =>
  ask(`/v1/documents?name=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });

/**
 * Recent uploads, newest first; none where the server takes none.
 * @returns {Promise<Upload[]>}
 */
export async function listUploads() {
  try {
    return (await ask("/v1/uploads")).uploads;
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}

/** @param {string} upload */
export const uploadEvents = (upload) => `/v1/uploads/${encodeURIComponent(upload)}/events`;

/** @param {string} address @param {AbortSignal} signal */
export const fetchPicture = async (address, signal) => (await send(address, { signal })).blob();

/** The address of a page's picture. @param {string} document @param {number} page @param {number} width */
export const pictureOf = (document, page, width) =>
  `/v1/documents/${encodeURIComponent(document)}/pages/${page}.png?width=${width}`;

/**
 * The address of the marks to lay over it: of one word, or of all.
 * @param {string} query @param {string} document @param {number} page @param {number} width
 * @param {number | null} word
 */
export function marksOf(query, document, page, width, word) {
  const asked = new URLSearchParams({ query, document, page: String(page), width: String(width) });
  if (word !== null) asked.set("word", String(word));
  return `/v1/heatmap.png?${asked}`;
}
