/** The heat map over a page in the viewer: images of the server, one for all words and one for each word. */

import { heatmapUrl } from "./api.js";
import { loadImage } from "./page_images.js";
import { currentState } from "./url_state.js";

const WIDTH_PX = 1000;

/**
 * @param {HTMLElement} layer lies over the page image, with blend mode multiply
 * @param {number} [width] of the images, in pixels
 */
export function createHeatmapLayer(layer, width = WIDTH_PX) {
  let loading = new AbortController();
  /** @type {Map<string, HTMLImageElement>} by position of the word; "all" is the whole query */
  let loaded = new Map();
  /** @type {Set<string>} words whose images are loaded or on their way */
  let asked = new Set();
  let selected = "all";

  function show() {
    if (!loaded.has(selected)) return; // keep the last one until this is loaded
    for (const [word, image] of loaded) image.classList.toggle("shown", word === selected);
    layer.dataset.word = selected;
  }

  /** @param {string} word @param {string} url @param {AbortSignal} signal */
  async function load(word, url, signal) {
    if (asked.has(word)) return;
    const own = asked.add(word);
    try {
      const image = await loadImage(url, signal);
      image.dataset.word = word;
      loaded.set(word, image);
      layer.append(image);
      show();
    } catch {
      own.delete(word);
      // The page is shown without a heat map; a missing page is reported by the viewer.
    }
  }

  function clear() {
    loading.abort();
    loading = new AbortController();
    loaded = new Map();
    asked = new Set();
    layer.replaceChildren();
    layer.dataset.word = "";
  }

  return {
    clear,
    /** Load the heat map of all words of a query on a page.
     * @param {string} query @param {string} document @param {number} page */
    async loadAll(query, document, page) {
      clear();
      const { signal } = loading;
      await load("all", heatmapUrl(query, document, page, width, null, currentState().mode), signal);
    },
    /** Load the heat map of each of `words` words, so that pointing at one shows it at once.
     * @param {string} query @param {string} document @param {number} page @param {number} words */
    async loadWords(query, document, page, words) {
      const { signal } = loading;
      for (let word = 0; word < words && !signal.aborted; word++) {
        await load(String(word), heatmapUrl(query, document, page, width, word, ""), signal);
      }
    },
    /** Load the heat map of one word, unless it is there or on its way.
     * @param {string} query @param {string} document @param {number} page @param {number} word */
    async loadWord(query, document, page, word) {
      await load(String(word), heatmapUrl(query, document, page, width, word, ""), loading.signal);
    },
    /** Show the heat map of one word, or of all. @param {number | null} word */
    showWord(word) {
      selected = word === null ? "all" : String(word);
      show();
    },
  };
}
