/** The heat map over a page: the server's picture of what matches, of all words or of the one that is pointed at. */

import { marksOf } from "./api.js";
import { picture } from "./pictures.js";

const WIDTH_PX = 1000;

/**
 * @param {HTMLElement} layer lies over the page's picture; its pictures are multiplied into it
 */
export function createMarks(layer) {
  let ended = new AbortController();
  /** @type {Map<string, HTMLImageElement>} by word; "all" is the whole query */
  let drawn = new Map();
  let wanted = "all";

  function show() {
    if (!drawn.has(wanted)) return; // what is shown stays until its marks have come
    for (const [word, image] of drawn) image.classList.toggle("shown", word === wanted);
    layer.dataset.word = wanted;
  }

  /** @param {string} word @param {string} address @param {AbortSignal} signal */
  async function load(word, address, signal) {
    try {
      const image = await picture(address, signal);
      image.dataset.word = word;
      drawn.set(word, image);
      layer.append(image);
      show();
    } catch {
      // The page is shown without the marks; that it has gone is said where its picture would be.
    }
  }

  function clear() {
    ended.abort();
    ended = new AbortController();
    drawn = new Map();
    layer.replaceChildren();
    layer.dataset.word = "";
  }

  return {
    clear,
    /** Load the marks of a page: those asked for first, then each word's, so that pointing at one shows it at once.
     * @param {string} query @param {string} document @param {number} page */
    async open(query, document, page) {
      clear();
      const { signal } = ended;
      await load("all", marksOf(query, document, page, WIDTH_PX, null), signal);
    },
    /** @param {string} query @param {string} document @param {number} page @param {number} words how many there are */
    async openWords(query, document, page, words) {
      const { signal } = ended;
      for (let word = 0; word < words && !signal.aborted; word++) {
        await load(String(word), marksOf(query, document, page, WIDTH_PX, word), signal);
      }
    },
    /** Show the marks of one word, or of all. @param {number | null} word */
    point(word) {
      wanted = word === null ? "all" : String(word);
      show();
    },
  };
}
