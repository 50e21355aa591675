/** Uploads: sends each file, then shows its progress in a corner of the page until it is indexed. */

import { Busy, listUploads, uploadDocument, uploadEventsUrl } from "./api.js";
import { navigate } from "./url_state.js";
import { byId, element, icon, iconButton, plural, announce } from "./dom.js";
import { createLimiter } from "./concurrency.js";

/** @typedef {import("./api.js").Upload} Upload */

const AT_A_TIME = 1;
const limitUploads = createLimiter(AT_A_TIME);
const never = new AbortController().signal;
let onDone = () => {};

/** `done` is called after each document that was added. @param {() => void} done */
export function onUploaded(done) {
  onDone = done;
}

/** Show the uploads that the server is still working on. */
export async function resumeUploads() {
  for (const upload of (await listUploads()).reverse()) {
    if (upload.state === "waiting" || upload.state === "indexing") {
      const row = createRow(upload.name);
      limitUploads(() => follow(upload, row), never);
    }
  }
}

/** Upload and index files, one after the other. @param {File[]} files */
export function addDocuments(files) {
  if (files.length) announce(`Adding ${plural(files.length, "document")}`);
  for (const file of files) {
    const row = createRow(file.name);
    limitUploads(() => upload(file, row), never);
  }
}

/** @param {File} file @param {Row} row */
async function upload(file, row) {
  row.showProgress("sending…", 0);
  for (;;) {
    try {
      return await follow(await uploadDocument(file), row);
    } catch (error) {
      if (!(error instanceof Busy)) return row.showFailed(/** @type {Error} */ (error).message);
      row.showProgress("waiting for the server…", 0);
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    }
  }
}

/** Show the progress of an upload until it is done or failed. @param {Upload} upload @param {Row} row @returns {Promise<void>} */
function follow(upload, row) {
  return new Promise((resolve) => {
    // The browser reconnects a broken stream by itself, unless the server answers with an error.
    const events = new EventSource(uploadEventsUrl(upload.upload));
    const end = () => {
      events.close();
      resolve();
    };
    events.onmessage = ({ data }) => {
      /** @type {Upload} */
      const now = JSON.parse(data);
      if (now.state === "done") {
        row.showDone(now);
        onDone();
        end();
      } else if (now.state === "failed") {
        row.showFailed(now.error ?? "it could not be indexed");
        end();
      } else if (now.state === "indexing") {
        const of = now.pages_total;
        row.showProgress(of ? `page ${now.pages_done} of ${of}` : "reading…", of ? now.pages_done / of : 0);
      } else {
        row.showProgress(now.error ?? "waiting…", 0);
      }
    };
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED)
        return row.showProgress("the server does not respond; trying again…");
      row.showFailed("the server does not report its progress");
      end();
    };
  });
}

/** @typedef {ReturnType<typeof createRow>} Row */

/** The row of an upload. @param {string} name */
function createRow(name) {
  const state = element("span", { className: "upload-state" });
  const bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${name}` });
  const row = element(
    "div",
    { className: "upload" },
    element("span", { className: "upload-name", title: name }, name),
    state,
    bar,
  );
  const box = byId("uploads");
  box.prepend(row);
  box.hidden = false;

  function close() {
    row.remove();
    box.hidden = !box.children.length;
  }

  /** @param {string} text @param {...Node} buttons */
  function end(text, ...buttons) {
    bar.remove();
    state.textContent = text;
    row.append(...buttons, iconButton("close", `Dismiss ${name}`, close));
  }

  return {
    /** @param {string} text @param {number} [fraction] */
    showProgress(text, fraction) {
      state.textContent = text;
      if (fraction !== undefined) bar.value = fraction;
    },
    /** @param {Upload} upload */
    showDone(upload) {
      row.classList.add("done");
      const { doc_id: document, error } = upload;
      const pages = upload.pages_total ?? upload.pages_done;
      const open = element(
        "button",
        {
          type: "button",
          className: "plain",
          onclick: () => document && navigate({ document, page: 1, word: null }, { push: true }),
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
      end(reason);
      announce(`${name} was not added: ${reason}`);
    },
  };
}
