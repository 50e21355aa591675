/** Thumbnails of the pages around the open one. */

import { pageImageUrl } from "./api.js";
import { element } from "./dom.js";
import { loadImage, THUMBNAIL_WIDTH } from "./page_images.js";

const PAGES_EACH_SIDE = 4;

/** @param {(page: number) => void} onturn */
export function createThumbnails(onturn) {
  const list = element("ol", { className: "thumbnails" });
  let loading = new AbortController();
  let key = "";
  let openDocument = "";

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

  /** Load the images; called after the open page itself has been loaded. */
  function load() {
    for (const button of list.querySelectorAll("button")) {
      if (button.dataset.requested) continue;
      button.dataset.requested = "yes";
      loadImage(pageImageUrl(openDocument, Number(button.dataset.page), THUMBNAIL_WIDTH), loading.signal).then(
        (image) => button.prepend(image),
        () => button.classList.add("gone"),
      );
    }
  }

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
        element("span", { className: "number" }, String(page)),
      ),
    );
  }

  return { list, show, load };
}
