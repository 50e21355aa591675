/** Thumbnails of the pages around the open one, with their heat maps. */

import { pageImageUrl } from "./api.js";
import { element } from "./dom.js";
import { createHeatmapLayer } from "./heatmap_layer.js";
import { loadImage, THUMBNAIL_WIDTH } from "./page_images.js";

const PAGES_EACH_SIDE = 4;

/** @param {(page: number) => void} onturn */
export function createThumbnails(onturn) {
  const list = element("ol", { className: "thumbnails" });
  /** @type {WeakMap<HTMLElement, ReturnType<typeof createHeatmapLayer>>} */
  const layers = new WeakMap();
  let loading = new AbortController();
  let key = "";
  let openDocument = "";
  let query = "";

  /**
   * Show the pages around a page.
   * @param {string} document @param {number} page @param {number | undefined} of the number of pages, if known
   */
  function show(document, page, of) {
    if (key === `${document}/${page}/${of}`) return;
    key = `${document}/${page}/${of}`;
    loading.abort();
    loading = new AbortController();
    const last = of ?? page;
    const from = Math.max(1, Math.min(page - PAGES_EACH_SIDE, last - 2 * PAGES_EACH_SIDE));
    const pages = Array.from({ length: Math.min(last, from + 2 * PAGES_EACH_SIDE) - from + 1 }, (_, i) => from + i);
    list.replaceChildren(...pages.map((each) => item(each, each === page)));
    const current = /** @type {HTMLElement | null} */ (list.querySelector("[aria-current]"));
    // On a narrow screen the strip scrolls sideways; scrollIntoView would move the panel too.
    if (current) list.scrollLeft = current.offsetLeft - list.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
    openDocument = document;
  }

  /** Load the images; called after the open page itself has been loaded. @param {string} text whose heat maps are shown */
  async function load(text) {
    if (query !== text) for (const button of list.querySelectorAll("button")) delete button.dataset.highlighted;
    query = text;
    await Promise.all(
      [...list.querySelectorAll("button")].map(async (button) => {
        if (button.dataset.requested) return;
        button.dataset.requested = "yes";
        try {
          const url = pageImageUrl(openDocument, Number(button.dataset.page), THUMBNAIL_WIDTH);
          sheetOf(button).prepend(await loadImage(url, loading.signal));
        } catch {
          button.classList.add("gone");
        }
      }),
    );
  }

  /** Load the heat maps of the query that `load` was called with. */
  async function highlight() {
    const { signal } = loading;
    for (const button of list.querySelectorAll("button")) {
      if (button.dataset.highlighted) continue;
      button.dataset.highlighted = "yes";
      const layer = /** @type {HTMLElement} */ (sheetOf(button).lastElementChild);
      const heatmap = layers.get(layer) ?? createHeatmapLayer(layer, THUMBNAIL_WIDTH);
      layers.set(layer, heatmap);
      heatmap.clear();
      if (query && !signal.aborted) await heatmap.loadAll(query, openDocument, Number(button.dataset.page));
    }
  }

  /** @param {HTMLElement} button */
  const sheetOf = (button) => /** @type {HTMLElement} */ (button.firstElementChild);

  /** @param {number} page @param {boolean} isOpen */
  function item(page, isOpen) {
    return element(
      "li",
      {},
      element(
        "button",
        {
          type: "button",
          "data-page": page,
          "aria-label": `Page ${page}`,
          "aria-current": isOpen ? "page" : undefined,
          onclick: () => onturn(page),
        },
        element("span", { className: "mini" }, element("span", { className: "marks" })),
        element("span", { className: "number" }, String(page)),
      ),
    );
  }

  return { list, show, load, highlight };
}
