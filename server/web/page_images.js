/** Loads page images, a few at a time, with an LRU cache. */

import { Busy, fetchImage, pageImageUrl } from "./api.js";
import { createLimiter } from "./concurrency.js";

const THUMBNAILS_AT_A_TIME = 3;
const IMAGES_AT_A_TIME = 2;
/** The server renders images up to this width in a process of their own. */
export const THUMBNAIL_WIDTH = 300;
const CACHE_MAX = 120;
const ATTEMPTS_MAX = 3;

const thumbnailLimiter = createLimiter(THUMBNAILS_AT_A_TIME);
const imageLimiter = createLimiter(IMAGES_AT_A_TIME);
/** @type {Map<string, string>} object URL of each loaded image by its URL, least recently used first */
const cache = new Map();

/**
 * Load the image at `url` as a decoded element. Rejects when it cannot be loaded.
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLImageElement>}
 */
export async function loadImage(url, signal) {
  const local =
    cache.get(url) ?? URL.createObjectURL(await limiterFor(url)(() => fetchWithRetries(url, signal), signal));
  cache.delete(url);
  cache.set(url, local);
  for (const [oldest, oldestLocal] of cache) {
    if (cache.size <= CACHE_MAX) break;
    cache.delete(oldest);
    URL.revokeObjectURL(oldestLocal);
  }
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  image.src = local;
  await image.decode();
  signal.throwIfAborted();
  return image;
}

/** @param {string} url */
const limiterFor = (url) => (url.endsWith(`width=${THUMBNAIL_WIDTH}`) ? thumbnailLimiter : imageLimiter);

/** Whether an image is in the cache. @param {string} url */
export const isCached = (url) => cache.has(url);

/** Drop all images of a document from the cache. @param {string} document */
export function evictDocument(document) {
  const of = new URL(pageImageUrl(document, 1, THUMBNAIL_WIDTH), location.href);
  const folder = of.pathname.slice(0, of.pathname.indexOf("/pages/"));
  for (const [url, local] of cache) {
    if (!url.includes(folder.slice(folder.lastIndexOf("/") + 1))) continue;
    cache.delete(url);
    URL.revokeObjectURL(local);
  }
}

/**
 * @param {string} url @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
async function fetchWithRetries(url, signal) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchImage(url, signal);
    } catch (error) {
      if (!(error instanceof Busy) || attempt === ATTEMPTS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
      signal.throwIfAborted();
    }
  }
}
