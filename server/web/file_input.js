/** File input by drag and drop, paste or file dialog: documents to add, or an image to search by. */

import { byId, element } from "./dom.js";

/**
 * @typedef {object} FileHandlers
 * @property {() => boolean} canAdd whether the server accepts documents
 * @property {(files: File[]) => void} addDocuments
 * @property {(image: File) => void} searchByImage
 */

/** @param {FileHandlers} handlers */
export function listenForFiles({ canAdd: mayAdd, addDocuments: add, searchByImage: searchBy }) {
  const imageInput = byId("picture-file");
  const documentInput = byId("document-files");
  byId("by-picture").addEventListener("click", () => imageInput.click());
  byId("add").addEventListener("click", () => documentInput.click());
  imageInput.addEventListener("change", () => {
    if (imageInput.files[0]) searchBy(imageInput.files[0]);
    imageInput.value = "";
  });
  documentInput.addEventListener("change", () => {
    add([...documentInput.files]);
    documentInput.value = "";
  });

  addEventListener("paste", (event) => {
    const [first] = [...(event.clipboardData?.files ?? [])].filter(isImage);
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

  function hideZone() {
    depth = 0;
    zone.hidden = true;
    search.classList.remove("target");
  }

  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    if (depth > 1) return;
    const areImages = [...(event.dataTransfer?.items ?? [])].every((item) => item.type.startsWith("image/"));
    zone.replaceChildren(
      element("p", {}, mayAdd() ? "Drop to add to the index" : "This server does not accept documents"),
      areImages && element("p", { className: "note" }, "Drop an image on the search box to search by it."),
    );
    search.classList.toggle("target", areImages);
    zone.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) hideZone();
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hideZone();
    const files = [...(event.dataTransfer?.files ?? [])];
    const [first] = files.filter(isImage);
    if (first && isOverSearch(event)) searchBy(first);
    else if (mayAdd()) add(files);
  });
}

/** @param {File} file */
const isImage = (file) => file.type.startsWith("image/");
