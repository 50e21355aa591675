/** Documents being added: each file is sent, then followed until it is indexed, with its progress in a corner of the page. */

import { Busy, listUploads, uploadDocument, uploadEvents } from "./api.js";
import { move } from "./address.js";
import { byId, element, icon, iconButton, plural, say } from "./element.js";
import { lane } from "./lane.js";

/** @typedef {import("./api.js").Upload} Upload */

const AT_A_TIME = 1;
const inLane = lane(AT_A_TIME);
const never = new AbortController().signal;
let ondone = () => {};

/** `done` is called when a document was added. @param {() => void} done */
export function onAdded(done) {
  ondone = done;
}

/** Follow the uploads that the server is still at. */
export async function resumeUploads() {
  for (const upload of (await listUploads()).reverse()) {
    if (upload.state === "waiting" || upload.state === "indexing") {
      const line = createLine(upload.name);
      inLane(() => follow(upload, line), never);
    }
  }
}

/** Send files and index them, one after the other. @param {File[]} files */
export function addDocuments(files) {
  if (files.length) say(`Adding ${plural(files.length, "document")}`);
  for (const file of files) {
    const line = createLine(file.name);
    inLane(() => add(file, line), never);
  }
}

/** @param {File} file @param {Line} line */
async function add(file, line) {
  line.tell("sending…", 0);
  for (;;) {
    try {
      return await follow(await uploadDocument(file), line);
    } catch (error) {
      if (!(error instanceof Busy)) return line.fail(/** @type {Error} */ (error).message);
      line.tell("waiting for the server…", 0);
      await new Promise((later) => setTimeout(later, error.wait));
    }
  }
}

/** @param {Upload} upload @param {Line} line @returns {Promise<void>} */
function follow(upload, line) {
  return new Promise((ended) => {
    // A stream that breaks is taken up again by the browser itself, unless the server says that there is none.
    const events = new EventSource(uploadEvents(upload.upload));
    const end = () => {
      events.close();
      ended();
    };
    events.onmessage = ({ data }) => {
      /** @type {Upload} */
      const now = JSON.parse(data);
      if (now.state === "done") {
        line.finish(now);
        ondone();
        end();
      } else if (now.state === "failed") {
        line.fail(now.error ?? "it could not be indexed");
        end();
      } else if (now.state === "indexing") {
        const of = now.pages_total;
        line.tell(of ? `page ${now.pages_done} of ${of}` : "reading…", of ? now.pages_done / of : 0);
      } else {
        line.tell(now.error ?? "waiting…", 0);
      }
    };
    events.onerror = () => {
      if (events.readyState !== EventSource.CLOSED) return line.tell("the server does not answer; trying again…");
      line.fail("the server does not say how far it is");
      end();
    };
  });
}

/** @typedef {ReturnType<typeof createLine>} Line */

/** A document's line among the uploads. @param {string} name */
function createLine(name) {
  const state = element("span", { className: "upload-state" });
  const bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${name}` });
  const line = element(
    "div",
    { className: "upload" },
    element("span", { className: "upload-name", title: name }, name),
    state,
    bar,
  );
  const box = byId("uploads");
  box.prepend(line);
  box.hidden = false;

  function close() {
    line.remove();
    box.hidden = !box.children.length;
  }

  /** @param {string} text @param {...Node} buttons */
  function end(text, ...buttons) {
    bar.remove();
    state.textContent = text;
    line.append(...buttons, iconButton("close", `Dismiss ${name}`, close));
  }

  return {
    /** @param {string} text @param {number} [share] */
    tell(text, share) {
      state.textContent = text;
      if (share !== undefined) bar.value = share;
    },
    /** @param {Upload} upload */
    finish(upload) {
      line.classList.add("done");
      const { doc_id: document, error } = upload;
      const pages = upload.pages_total ?? upload.pages_done;
      const open = element(
        "button",
        {
          type: "button",
          className: "plain",
          onclick: () => document && move({ document, page: 1, word: null }, { push: true }),
        },
        "Open",
      );
      end(error ?? (pages ? plural(pages, "page") : "in the index"), open);
      line.prepend(icon("done"));
      say(`${name} is added`);
    },
    /** @param {string} why */
    fail(why) {
      line.classList.add("failed");
      end(why);
      say(`${name} was not added: ${why}`);
    },
  };
}
