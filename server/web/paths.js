/** Display of document paths. */

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
