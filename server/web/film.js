/** A strip of small pages: those of the document around the one that is open. */

import { pictureOf } from "./api.js";
import { element } from "./element.js";
import { picture } from "./pictures.js";

const AROUND = 4;
const WIDTH_PX = 300;

/** @param {(page: number) => void} onturn */
export function createFilm(onturn) {
  const list = element("ol", { className: "film" });
  let loading = new AbortController();
  let showing = "";

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
    list.replaceChildren(...pages.map((each) => item(document, each, each === page)));
  }

  /** @param {string} document @param {number} page @param {boolean} isOpen */
  function item(document, page, isOpen) {
    const button = element(
      "button",
      { type: "button", "aria-label": `Page ${page}`, "aria-current": isOpen ? "page" : undefined, onclick: () => onturn(page) },
      element("span", { className: "number" }, String(page)),
    );
    picture(pictureOf(document, page, WIDTH_PX), loading.signal).then(
      (image) => button.prepend(image),
      () => button.classList.add("gone"),
    );
    return element("li", {}, button);
  }

  return { list, show };
}
