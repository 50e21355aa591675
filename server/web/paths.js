/** Display of document paths. */

import { element } from "./dom.js";

/** The folder of an uploaded file in the index, which is not shown. */
const UPLOAD_FOLDER = /^\.uploads\/[^/]+\//;

/** A path as it is displayed. @param {string} path */
export const displayPath = (path) => path.replace(UPLOAD_FOLDER, "");

/**
 * Folder, file name and extension of a path.
 * @param {string} path
 */
export function splitPath(path) {
  const displayed = displayPath(path);
  const folder = displayed.slice(0, displayed.lastIndexOf("/") + 1);
  const file = displayed.slice(folder.length);
  const dot = file.lastIndexOf(".");
  return dot > 0
    ? { folder, name: file.slice(0, dot), extension: file.slice(dot) }
    : { folder, name: file, extension: "" };
}

/** Characters before the extension that stay visible of a name that is too long for its place. */
const TAIL = 8;

/**
 * A path for a place that may be too narrow: what does not fit is left out in the middle of the name. Two elements: the
 * whole name for screen readers, which would read the parts as words of their own, and the parts that are seen.
 * @param {string} path
 * @param {{className?: string, withFolder?: boolean, before?: string}} [options] `before` stands before the path
 * @returns {HTMLElement[]}
 */
export function cutName(path, { className = "", withFolder = true, before = "" } = {}) {
  const { folder, name, extension } = splitPath(path);
  const letters = [...name];
  const at = letters.length > 2 * TAIL ? letters.length - TAIL : letters.length;
  const shownFolder = withFolder ? folder : "";
  return [
    element("span", { className: "visually-hidden" }, before + shownFolder + name + extension),
    element(
      "span",
      { className: `cut ${className}`, "aria-hidden": "true", title: displayPath(path) },
      before && element("span", { className: "folder" }, before),
      element(
        "span",
        { className: "head" },
        shownFolder && element("span", { className: "folder" }, shownFolder),
        letters.slice(0, at).join(""),
      ),
      element(
        "span",
        { className: "tail" },
        letters.slice(at).join(""),
        element("span", { className: "extension" }, extension),
      ),
    ),
  ];
}
