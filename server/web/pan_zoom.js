/** Pan and zoom of a sheet in a frame, by keys, wheel, pinch, double click and dragging. */

const STEP = 1.3;
const ZOOM_MAX = 10;
const WHEEL_PER_STEP = 120;
const MARGIN_PX = 20;
/** A horizontal swipe of at least this length turns the page, if it is not zoomed. */
const SWIPE_PX = 60;

/**
 * @param {HTMLElement} frame
 * @param {HTMLElement} sheet a child of `frame`
 * @param {{onzoom: (zoom: number) => void, onswipe: (pages: number) => void}} callbacks
 */
export function createPanZoom(frame, sheet, { onzoom, onswipe }) {
  let ratio = 0.7;
  let zoom = 1;
  let x = 0;
  let y = 0;
  /** @type {Map<number, PointerEvent>} pressed pointers (fingers, mouse button) by id */
  const down = new Map();
  /** @type {{x: number, y: number} | null} */
  let pressedAt = null;
  let locked = false;

  /** The width at which the sheet fits the frame. */
  const fittingWidth = () =>
    Math.max(40, Math.min(frame.clientWidth - 2 * MARGIN_PX, (frame.clientHeight - 2 * MARGIN_PX) * ratio));

  function applyTransform() {
    const width = fittingWidth() * zoom;
    const height = width / ratio;
    const roomX = Math.max(0, (width - frame.clientWidth) / 2 + MARGIN_PX);
    const roomY = Math.max(0, (height - frame.clientHeight) / 2 + MARGIN_PX);
    x = zoom === 1 ? 0 : Math.min(roomX, Math.max(-roomX, x));
    y = zoom === 1 ? 0 : Math.min(roomY, Math.max(-roomY, y));
    sheet.style.width = `${width}px`;
    sheet.style.height = `${height}px`;
    sheet.style.transform = `translate(-50%, -50%) translate(${x}px, ${y}px)`;
    frame.classList.toggle("zoomed", zoom > 1);
  }

  /** Zoom by a factor; the point at (atX, atY) of the window stays in place.
   * @param {number} factor @param {number} [atX] @param {number} [atY] */
  function zoomBy(factor, atX, atY) {
    const frameBox = frame.getBoundingClientRect();
    const fromX = (atX ?? frameBox.x + frameBox.width / 2) - (frameBox.x + frameBox.width / 2);
    const fromY = (atY ?? frameBox.y + frameBox.height / 2) - (frameBox.y + frameBox.height / 2);
    const before = zoom;
    zoom = Math.min(ZOOM_MAX, Math.max(1, zoom * factor));
    x = fromX - ((fromX - x) * zoom) / before;
    y = fromY - ((fromY - y) * zoom) / before;
    applyTransform();
    if (zoom !== before) onzoom(zoom);
  }

  function fit() {
    zoom = 1;
    applyTransform();
    onzoom(zoom);
  }

  frame.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.shiftKey && !event.ctrlKey) panBy(-event.deltaY - event.deltaX, 0);
      else
        zoomBy(
          STEP ** (-event.deltaY / (event.ctrlKey ? WHEEL_PER_STEP / 6 : WHEEL_PER_STEP)),
          event.clientX,
          event.clientY,
        );
    },
    { passive: false },
  );

  frame.addEventListener("pointerdown", (event) => {
    if (locked || event.button) return;
    if (event.target !== frame && !sheet.contains(/** @type {Node} */ (event.target))) return;
    frame.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
    pressedAt = down.size === 1 ? { x: event.clientX, y: event.clientY } : null;
  });

  frame.addEventListener("pointermove", (event) => {
    const last = down.get(event.pointerId);
    if (!last) return;
    const other = [...down.values()].find((finger) => finger.pointerId !== event.pointerId);
    if (other) {
      const distance = (/** @type {PointerEvent} */ finger) =>
        Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
      zoomBy(
        distance(event) / distance(last),
        (event.clientX + other.clientX) / 2,
        (event.clientY + other.clientY) / 2,
      );
      panBy((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
    } else if (zoom > 1) {
      panBy(event.clientX - last.clientX, event.clientY - last.clientY);
    }
    down.set(event.pointerId, event);
    frame.classList.add("dragging");
  });

  for (const eventName of /** @type {const} */ (["pointerup", "pointercancel"])) {
    frame.addEventListener(eventName, (event) => {
      down.delete(event.pointerId);
      frame.classList.remove("dragging");
      if (eventName === "pointerup" && pressedAt && zoom === 1 && event.pointerType === "touch") {
        const [movedX, movedY] = [event.clientX - pressedAt.x, Math.abs(event.clientY - pressedAt.y)];
        if (Math.abs(movedX) > SWIPE_PX && Math.abs(movedX) > 2 * movedY) onswipe(movedX < 0 ? 1 : -1);
      }
      pressedAt = null;
    });
  }

  frame.addEventListener("dblclick", (event) => {
    if (locked) return;
    if (zoom > 1) fit();
    else zoomBy(2.5, event.clientX, event.clientY);
  });

  new ResizeObserver(applyTransform).observe(frame);

  /** @param {number} byX @param {number} byY */
  function panBy(byX, byY) {
    x += byX;
    y += byY;
    applyTransform();
  }

  return {
    fit,
    panBy,
    zoomIn: () => zoomBy(STEP),
    zoomOut: () => zoomBy(1 / STEP),
    isZoomed: () => zoom > 1,
    /** The width of the sheet in device pixels. */
    widthInPixels: () => fittingWidth() * zoom * devicePixelRatio,
    /** Set the aspect ratio of the sheet, width / height. @param {number} value */
    setAspectRatio(value) {
      ratio = value;
      applyTransform();
    },
    /** Ignore pointers while a region is being selected. @param {boolean} value */
    setLocked(value) {
      locked = value;
      down.clear();
    },
  };
}
