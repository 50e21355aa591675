/** Loads pictures of pages, a few at a time, and keeps the last ones at hand. */

import { Busy, fetchPicture } from "./api.js";
import { lane } from "./lane.js";

const SMALL_AT_A_TIME = 3;
const LARGE_AT_A_TIME = 2;
/** The server draws pictures up to this width in a process of their own. */
export const SMALL_PX = 300;
const KEPT = 120;
const TRIES = 3;

const small = lane(SMALL_AT_A_TIME);
const large = lane(LARGE_AT_A_TIME);
/** @type {Map<string, string>} the local address of each loaded picture, the least recently used first */
const kept = new Map();

/**
 * The picture at `address` as an element that is ready to be shown. Rejects when it cannot be had.
 * @param {string} address
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLImageElement>}
 */
export async function picture(address, signal) {
  const local = kept.get(address) ?? URL.createObjectURL(await laneOf(address)(() => load(address, signal), signal));
  kept.delete(address);
  kept.set(address, local);
  for (const [oldest, itsLocal] of kept) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
    URL.revokeObjectURL(itsLocal);
  }
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  image.src = local;
  await image.decode();
  signal.throwIfAborted();
  return image;
}

/** @param {string} address */
const laneOf = (address) => (address.endsWith(`width=${SMALL_PX}`) ? small : large);

/** Whether this one is at hand already. @param {string} address */
export const isAtHand = (address) => kept.has(address);

/** Let go of every picture of a document. @param {string} document */
export function forget(document) {
  for (const [address, local] of kept) {
    if (!address.includes(encodeURIComponent(document))) continue;
    kept.delete(address);
    URL.revokeObjectURL(local);
  }
}

/**
 * @param {string} address @param {AbortSignal} signal
 * @returns {Promise<Blob>}
 */
async function load(address, signal) {
  for (let tried = 1; ; tried++) {
    try {
      return await fetchPicture(address, signal);
    } catch (error) {
      if (!(error instanceof Busy) || tried === TRIES) throw error;
      await new Promise((later) => setTimeout(later, error.wait));
      signal.throwIfAborted();
    }
  }
}
