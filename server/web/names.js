/** What a document is called on the page. */

/** Where the server keeps what was added here: no folder that anybody would look for. */
const ADDED = /^\.uploads\/[^/]+\//;

/** A path as it is shown. @param {string} path */
export const shownPath = (path) => path.replace(ADDED, "");

/**
 * A path's folder, the file's name, and its ending.
 * @param {string} path
 */
export function partsOf(path) {
  const shown = shownPath(path);
  const folder = shown.slice(0, shown.lastIndexOf("/") + 1);
  const file = shown.slice(folder.length);
  const dot = file.lastIndexOf(".");
  return dot > 0 ? { folder, name: file.slice(0, dot), ending: file.slice(dot) } : { folder, name: file, ending: "" };
}
