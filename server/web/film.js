/** A strip of small pages: those of the document around the one that is open. */

import { pictureOf } from "./api.js";
import { element } from "./element.js";
import { picture, SMALL_PX } from "./pictures.js";

const AROUND = 4;

/** @param {(page: number) => void} onturn */
export function createFilm(onturn) {
  const list = element("ol", { className: "film" });
  let loading = new AbortController();
  let showing = "";
  let open = "";

  /**
   * Show the neighbours of a page.
   * @param {string} document @param {number} page @param {number | undefined} of how many pages there are
   */
  function show(document, page, of) {
    if (showing === `${document}/${page}/${of}`) return;
    showing = `${document}/${page}/${of}`;
    loading.abort();
    loading = new AbortController();
    const last = of ?? page;
    const from = Math.max(1, Math.min(page - AROUND, last - 2 * AROUND));
    const pages = Array.from({ length: Math.min(last, from + 2 * AROUND) - from + 1 }, (_, i) => from + i);
    list.replaceChildren(...pages.map((each) => item(each, each === page)));
    const current = /** @type {HTMLElement | null} */ (list.querySelector("[aria-current]"));
    // On a narrow screen the strip scrolls sideways; scrollIntoView would move the panel too.
    if (current) list.scrollLeft = current.offsetLeft - list.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
    open = document;
  }

  /** Load the small pictures of those shown: after the page itself, which is waited for. */
  function load() {
    for (const button of list.querySelectorAll("button")) {
      if (button.dataset.asked) continue;
      button.dataset.asked = "yes";
      picture(pictureOf(open, Number(button.dataset.page), SMALL_PX), loading.signal).then(
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
