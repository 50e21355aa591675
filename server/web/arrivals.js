/** What is dropped on the page, pasted into it or chosen with its buttons: documents to add, or a picture to search by. */

import { byId, element } from "./element.js";

/**
 * @typedef {object} Takers
 * @property {() => boolean} mayAdd whether documents can be added
 * @property {(files: File[]) => void} add
 * @property {(picture: File) => void} searchBy
 */

/** @param {Takers} takers */
export function takeArrivals({ mayAdd, add, searchBy }) {
  const pictureFile = byId("picture-file");
  const documentFiles = byId("document-files");
  byId("by-picture").addEventListener("click", () => pictureFile.click());
  byId("add").addEventListener("click", () => documentFiles.click());
  pictureFile.addEventListener("change", () => {
    if (pictureFile.files[0]) searchBy(pictureFile.files[0]);
    pictureFile.value = "";
  });
  documentFiles.addEventListener("change", () => {
    add([...documentFiles.files]);
    documentFiles.value = "";
  });

  addEventListener("paste", (event) => {
    const [first] = [...(event.clipboardData?.files ?? [])].filter(isPicture);
    if (!first) return;
    event.preventDefault();
    searchBy(first);
  });

  const zone = byId("dropzone");
  const search = byId("search");
  let depth = 0;

  /** @param {DragEvent} event */
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

  /** @param {DragEvent} event */
  function isOverSearch(event) {
    const box = search.getBoundingClientRect();
    return (
      event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom
    );
  }

  function end() {
    depth = 0;
    zone.hidden = true;
    search.classList.remove("target");
  }

  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    if (depth > 1) return;
    const pictures = [...(event.dataTransfer?.items ?? [])].every((item) => item.type.startsWith("image/"));
    zone.replaceChildren(
      element("p", {}, mayAdd() ? "Drop to add to the index" : "This server takes no documents"),
      pictures && element("p", { className: "note" }, "On the search box, a picture is searched by."),
    );
    search.classList.toggle("target", pictures);
    zone.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) end();
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    end();
    const files = [...(event.dataTransfer?.files ?? [])];
    const [first] = files.filter(isPicture);
    if (first && isOverSearch(event)) searchBy(first);
    else if (mayAdd()) add(files);
  });
}

/** @param {File} file */
const isPicture = (file) => file.type.startsWith("image/");
