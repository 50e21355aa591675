/** Client of the HTTP API. Failures are one of four error classes, which error_handling.js shows. */

/** @typedef {{x0: number, y0: number, x1: number, y1: number, score: number}} Box */
/** @typedef {{word: string, weight: number, score: number, boxes: Box[]}} Word */
/** @typedef {{text: string, spans: [number, number][]}} Snippet */
/** @typedef {{rank: number, score: number, path: string, page: number, doc_id: string, also: string[],
 *   lines: [number, number] | null, snippet: Snippet | null, collection: string | null}} Hit */
/** @typedef {{query: string, hits: Hit[], milliseconds: Record<string, number>, confidence: number | null,
 *   no_good_match: boolean, unread_letters: string, corrections: Record<string, string>,
 *   missing_phrases: string[], missing_pages: number, try_mode: string | null}} Answer */
/** @typedef {{id: string, path: string, pages: number | null, state: string, error: string | null,
 *   unread: Record<string, number>, collection: string | null}} Doc */
/** @typedef {{model: string, pages: number, documents: number, failed: number, uploads_allowed: boolean,
 *   marks_allowed: boolean, semantic: boolean, answers_by: string | null}} Index */
/** @typedef {Index & {name: string}} Collection */
/** @typedef {{value: string | number | boolean, documents: number, pages: number}} FacetValue */
/** @typedef {{column: string, type: string, documents: number, without: number, values: FacetValue[], more: number}} Facet */
/** @typedef {{number: number, path: string, page: number, doc_id: string, collection: string | null}} CitedPage */
/** @typedef {{pages?: CitedPage[], model?: string, piece?: string, citations?: {number: number, found: boolean}[],
 *   error?: string | null, note?: string | null}} AnswerEvent */
/** @typedef {{query: string, document: string, page: number, right: boolean}} Mark */
/** @typedef {{upload: string, name: string, state: string, pages_done: number, pages_total: number | null,
 *   doc_id: string | null, error: string | null, place: number, collection: string | null}} Upload */

/**
 * Documents of several collections may have one id: on a server of several, the page names a document by its collection
 * and id, "Reports/6f1ed002ab559585". Names of collections have no slash.
 * @param {string | null | undefined} collection @param {string} id
 */
export const documentKey = (collection, id) => (collection ? `${collection}/${id}` : id);

/** The collection and the id of a document. @param {string} key */
function splitKey(key) {
  const at = key.lastIndexOf("/");
  return { collection: at < 0 ? "" : key.slice(0, at), id: key.slice(at + 1) };
}

/** The collection of a document, "" on a server of one index. @param {string} key */
export const collectionOf = (key) => splitKey(key).collection;

/** An address with the parameters that have a value. @param {string} path @param {Record<string, unknown>} parameters */
function addressOf(path, parameters) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== null && each !== undefined && each !== "") search.append(name, String(each));
  }
  return search.size ? `${path}?${search}` : path;
}

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

/** @param {unknown} body @param {AbortSignal} [signal] @returns {RequestInit} */
const posting = (body, signal) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
  signal,
});

/**
 * Search a collection, or all ("").
 * @param {Record<string, any>} request
 * @param {string} collection
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function search(request, collection, signal) {
  if (request.like) {
    const { collection: own, id } = splitKey(request.like.document);
    request = { ...request, like: { ...request.like, document: id, ...(own && { collection: own }) } };
  }
  const response = await fetchJson(addressOf("/v1/search", { collection }), posting(request, signal));
  const answer = response.answers[0];
  for (const hit of answer.hits) hit.doc_id = documentKey(hit.collection, hit.doc_id);
  return answer;
}

/**
 * Ask the server's language model; `onevent` is called with each part of the answer.
 * @param {Record<string, unknown>} request @param {string} collection @param {AbortSignal} signal
 * @param {(event: AnswerEvent) => void} onevent
 */
export async function ask(request, collection, signal, onevent) {
  const response = await fetchOk(addressOf("/v1/ask", { collection }), posting(request, signal));
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (waiting + decoder.decode(value, { stream: true })).split("\n");
    waiting = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice("data: ".length));
      for (const page of event.pages ?? []) page.doc_id = documentKey(page.collection, page.doc_id);
      onevent(event);
    }
  }
}

/**
 * How many documents have each value of some columns, [] for all.
 * @param {string[]} columns @param {string} where @param {string} collection
 * @returns {Promise<Facet[]>}
 */
export const fetchFacets = async (columns, where, collection) =>
  (await fetchJson(addressOf("/v1/facets", { column: columns, where, collection }))).facets;

/**
 * Where on a page each word of a query matches.
 * @param {string} query @param {string} document @param {number} page @param {AbortSignal} [signal]
 * @returns {Promise<Word[]>}
 */
export async function fetchWordMatches(query, document, page, signal) {
  const { collection, id } = splitKey(document);
  return (await fetchJson(addressOf("/v1/heatmap", { query, document: id, page, collection }), { signal })).words;
}

/**
 * Up to DOCUMENTS_MAX documents in path order, and the total number, of a collection or all (""), and of those documents
 * for which a condition is true, or of all ("").
 * @param {string} collection @param {string} where
 * @returns {Promise<{total: number, documents: Doc[]}>}
 */
export async function listDocuments(collection, where) {
  /** @type {Doc[]} */
  const documents = [];
  let total = 0;
  do {
    const range = { offset: documents.length, limit: DOCUMENTS_PER_REQUEST };
    const part = await fetchJson(addressOf("/v1/documents", { ...range, collection, where }));
    total = part.total;
    if (!part.documents.length) break;
    for (const doc of part.documents) doc.id = documentKey(doc.collection, doc.id);
    documents.push(...part.documents);
  } while (documents.length < Math.min(total, DOCUMENTS_MAX));
  return { total, documents };
}

/**
 * The collections of the server, and why they cannot be searched as one, if they cannot; none on a server of one index.
 * @returns {Promise<{collections: Collection[], apart: string | null}>}
 */
export async function fetchCollections() {
  try {
    return await fetchJson("/v1/collections");
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return { collections: [], apart: null };
    throw error;
  }
}

/**
 * What a collection contains, or all of them (""); null if the server is too old to say.
 * @param {string} collection
 * @returns {Promise<Index | null>}
 */
export async function fetchIndexInfo(collection) {
  try {
    return await fetchJson(addressOf("/v1/index", { collection }));
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

/** The address of a document, or of a part of it. @param {string} document @param {string} part @param {object} parameters */
function documentUrl(document, part = "", parameters = {}) {
  const { collection, id } = splitKey(document);
  return addressOf(`/v1/documents/${encodeURIComponent(id)}${part}`, { collection, ...parameters });
}

/** @param {string} document */
export const deleteDocument = (document) => fetchJson(documentUrl(document), { method: "DELETE" });

/** The address of a document's file, which the browser shows if it can, or saves. @param {string} document @param {boolean} save */
export const fileUrl = (document, save) => documentUrl(document, "/file", save ? { download: true } : {});

/** The text layer of a page. @param {string} document @param {number} page */
export const fetchPageText = async (document, page) =>
  (await fetchOk(documentUrl(document, `/pages/${page}.txt`))).text();

/**
 * @param {File} file @param {string} collection
 * @returns {Promise<Upload>}
 */
export const uploadDocument = (file, collection) =>
  fetchJson(addressOf("/v1/documents", { name: file.name, collection }), {
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
export async function fetchMarks(query) {
  const { marks } = await fetchJson(addressOf("/v1/marks", { query }));
  for (const mark of marks) mark.document = documentKey(mark.collection, mark.document);
  return marks;
}

/** @param {{query: string, document: string, page: number, right: boolean | null}} mark */
export function setMark(mark) {
  const { collection, id } = splitKey(mark.document);
  const request = { ...posting({ ...mark, document: id }), method: "PUT" };
  return fetchJson(addressOf("/v1/marks", { collection }), request);
}

/** @param {string} url @param {AbortSignal} signal */
export const fetchImage = async (url, signal) => (await fetchOk(url, { signal })).blob();

/** The URL of a page image. @param {string} document @param {number} page @param {number} width */
export const pageImageUrl = (document, page, width) => documentUrl(document, `/pages/${page}.png`, { width });

/**
 * The URL of the heat map to lay over the page image: of one word, or of all, found in a mode ("" for the default).
 * @param {string} query @param {string} document @param {number} page @param {number} width
 * @param {number | null} word @param {string} mode
 */
export function heatmapUrl(query, document, page, width, word, mode) {
  const { collection, id } = splitKey(document);
  return addressOf("/v1/heatmap.png", { query, document: id, page, word, collection, width, mode });
}
