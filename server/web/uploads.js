/** Uploads: sends files one after the other, and shows each with its place in the queue until it is indexed. */

import { Busy, documentKey, listUploads, uploadDocument } from "./api.js";
import { collectionForUploads } from "./collections.js";
import { navigate } from "./url_state.js";
import { byId, element, icon, iconButton, plural, announce } from "./dom.js";
import { createLimiter } from "./concurrency.js";
import { cutName } from "./paths.js";

/** @typedef {import("./api.js").Upload} Upload */

const POLL_MS = 700;
const sendOneAtATime = createLimiter(1);
const never = new AbortController().signal;
let onDone = () => {};

/** @type {Map<string, Row>} rows of uploads that the server has, by upload, until they are final */
const followed = new Map();
/** @type {Map<string, Row>} rows of all uploads that the server was ever seen to have, by upload */
const known = new Map();
let isPolling = false;
/** Files that wait to be sent, or are being sent. */
let unsent = 0;
/** @type {number | undefined} */
let pollTimer;

const list = element("div", { className: "upload-list" });
const title = element("h2", { className: "upload-title", role: "status" });
byId("uploads").append(title, list);

/** `done` is called after each document that was added. @param {() => void} done */
export function onUploaded(done) {
  onDone = done;
}

/** Show the uploads that the server is still working on. */
export async function resumeUploads() {
  for (const upload of (await listUploads()).reverse()) {
    if (upload.state !== "waiting" && upload.state !== "indexing") continue;
    if (known.has(upload.upload)) continue;
    const row = createRow(upload.name);
    follow(upload.upload, row);
    row.show(upload);
  }
  schedule();
}

/** Upload files, and show their progress. @param {File[]} files */
export async function addDocuments(files) {
  if (!files.length) return;
  const collection = await collectionForUploads();
  if (collection === null) return;
  announce(`Adding ${plural(files.length, "document")}`);
  for (const file of files) enqueue(file, collection, createRow(file.name));
}

/** @param {File} file @param {string} collection @param {Row} row */
function enqueue(file, collection, row) {
  unsent += 1;
  row.showProgress(unsent > 1 ? `to be sent, ${unsent - 1} before it` : "sending…", 0);
  row.onretry(() => enqueue(file, collection, row));
  showTitle();
  sendOneAtATime(() => send(file, collection, row), never).finally(() => {
    unsent -= 1;
    showTitle();
  });
}

/** @param {File} file @param {string} collection @param {Row} row */
async function send(file, collection, row) {
  if (row.isClosed()) return;
  row.showProgress("sending…", 0);
  for (;;) {
    try {
      const upload = await uploadDocument(file, collection);
      known.get(upload.upload)?.remove(); // the list of the server's uploads came before this answer
      follow(upload.upload, row);
      row.showProgress("waiting…", 0);
      return schedule();
    } catch (error) {
      if (!(error instanceof Busy)) return row.showFailed(/** @type {Error} */ (error).message);
      row.showProgress("waiting for the server…", 0);
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    }
  }
}

/** @param {string} upload @param {Row} row */
function follow(upload, row) {
  known.set(upload, row);
  followed.set(upload, row);
}

/** Ask the server for the progress of all uploads, as long as there are any. */
function schedule() {
  clearTimeout(pollTimer);
  showTitle();
  if (followed.size && !isPolling) pollTimer = setTimeout(poll, POLL_MS);
}

async function poll() {
  isPolling = true;
  const asked = new Map(followed); // what is sent while the list is on its way is not in it
  try {
    const found = new Map((await listUploads()).map((upload) => [upload.upload, upload]));
    for (const [key, row] of asked) {
      if (followed.get(key) !== row) continue;
      const now = found.get(key);
      if (!now) {
        followed.delete(key);
        row.showFailed("the server no longer knows of it; look for the document in the list");
      } else if (now.state === "done" || now.state === "failed") {
        followed.delete(key);
        row.show(now);
        if (now.state === "done") onDone();
      } else row.show(now);
    }
  } catch {
    for (const row of followed.values()) row.showProgress("the server does not respond; trying again…");
  }
  isPolling = false;
  schedule();
}

function showTitle() {
  const count = unsent + followed.size;
  title.textContent = count ? `Adding ${plural(count, "document")}` : "Documents added";
}

/** @typedef {ReturnType<typeof createRow>} Row */

/** The row of an upload. @param {string} name */
function createRow(name) {
  const state = element("span", { className: "upload-state" });
  const bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${name}` });
  const actions = element("span", { className: "upload-actions" });
  const row = element(
    "div",
    { className: "upload" },
    ...cutName(name, { className: "upload-name" }),
    actions,
    state,
    bar,
  );
  const box = byId("uploads");
  list.append(row);
  box.hidden = false;
  let retry = () => {};
  let closed = false;

  function close() {
    closed = true;
    const next = /** @type {HTMLElement | null} */ (row.nextElementSibling ?? row.previousElementSibling);
    row.remove();
    box.hidden = !list.children.length;
    /** @type {HTMLElement | null} */ (next?.querySelector("button"))?.focus();
  }

  /** @param {string} text @param {...Node} buttons */
  function end(text, ...buttons) {
    bar.hidden = true;
    state.textContent = text;
    actions.replaceChildren(...buttons, iconButton("close", `Dismiss ${name}`, close));
  }

  const shown = {
    isClosed: () => closed,
    remove: () => row.remove(),
    /** @param {() => void} action what sends the file again */
    onretry(action) {
      retry = action;
    },
    /** @param {string} text @param {number} [fraction] */
    showProgress(text, fraction) {
      row.classList.remove("failed");
      actions.replaceChildren();
      bar.hidden = false;
      state.textContent = text;
      if (fraction !== undefined) bar.value = fraction;
    },
    /** Show what the server says of an upload. @param {Upload} upload */
    show(upload) {
      const { pages_done: done, pages_total: of, place } = upload;
      if (upload.state === "done") shown.showDone(upload);
      else if (upload.state === "failed") shown.showFailed(upload.error ?? "it could not be indexed");
      else if (upload.state === "indexing")
        shown.showProgress(of ? `page ${done} of ${of}` : "reading…", of ? done / of : 0);
      else shown.showProgress(upload.error ?? (place ? `waiting, ${place} before it` : "next in line"), 0);
    },
    /** @param {Upload} upload */
    showDone(upload) {
      row.classList.add("done");
      const { doc_id: id, error, collection } = upload;
      const pages = upload.pages_total ?? upload.pages_done;
      const open = element(
        "button",
        {
          type: "button",
          className: "plain",
          "aria-label": `Open ${name}`,
          onclick: () => id && navigate({ document: documentKey(collection, id), page: 1, word: null }, { push: true }),
        },
        "Open",
      );
      end(error ?? (pages ? plural(pages, "page") : "in the index"), open);
      row.prepend(icon("done"));
      announce(`${name} was added`);
    },
    /** @param {string} reason */
    showFailed(reason) {
      row.classList.add("failed");
      const again = iconButton("retry", `Try ${name} again`, () => retry());
      end(reason, ...(hasFile() ? [again] : []));
      announce(`${name} was not added: ${reason}`);
    },
  };
  const none = retry;
  const hasFile = () => retry !== none;
  return shown;
}
