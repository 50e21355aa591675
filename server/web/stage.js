/** Shows a sheet in a frame: as large as fits, or zoomed by keys, wheel, pinch and double click, and dragged about. */

const STEP = 1.3;
const MOST = 10;
const WHEEL_PER_STEP = 120;
const MARGIN_PX = 20;
/** A quick sideways stroke of the finger over a page that fits turns it. */
const SWIPE_PX = 60;

/**
 * @param {HTMLElement} frame
 * @param {HTMLElement} sheet a child of `frame`
 * @param {{onzoom: (zoom: number) => void, onswipe: (pages: number) => void}} heard
 */
export function createStage(frame, sheet, { onzoom, onswipe }) {
  let ratio = 0.7;
  let zoom = 1;
  let x = 0;
  let y = 0;
  /** @type {Map<number, PointerEvent>} fingers and buttons that are down */
  const down = new Map();
  /** @type {{x: number, y: number} | null} */
  let pressedAt = null;
  let held = false;

  /** The width of the sheet when it fits. */
  const fitting = () =>
    Math.max(40, Math.min(frame.clientWidth - 2 * MARGIN_PX, (frame.clientHeight - 2 * MARGIN_PX) * ratio));

  function place() {
    const width = fitting() * zoom;
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

  /** Zoom by a factor; the point at (atX, atY) of the window stays where it is.
   * @param {number} factor @param {number} [atX] @param {number} [atY] */
  function zoomBy(factor, atX, atY) {
    const frameBox = frame.getBoundingClientRect();
    const fromX = (atX ?? frameBox.x + frameBox.width / 2) - (frameBox.x + frameBox.width / 2);
    const fromY = (atY ?? frameBox.y + frameBox.height / 2) - (frameBox.y + frameBox.height / 2);
    const before = zoom;
    zoom = Math.min(MOST, Math.max(1, zoom * factor));
    x = fromX - ((fromX - x) * zoom) / before;
    y = fromY - ((fromY - y) * zoom) / before;
    place();
    if (zoom !== before) onzoom(zoom);
  }

  function fit() {
    zoom = 1;
    place();
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
    if (held || event.button) return;
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
      const apart = (/** @type {PointerEvent} */ finger) =>
        Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
      zoomBy(apart(event) / apart(last), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
      panBy((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
    } else if (zoom > 1) {
      panBy(event.clientX - last.clientX, event.clientY - last.clientY);
    }
    down.set(event.pointerId, event);
    frame.classList.add("dragging");
  });

  for (const ending of /** @type {const} */ (["pointerup", "pointercancel"])) {
    frame.addEventListener(ending, (event) => {
      down.delete(event.pointerId);
      frame.classList.remove("dragging");
      if (ending === "pointerup" && pressedAt && zoom === 1 && event.pointerType === "touch") {
        const [moved, strayed] = [event.clientX - pressedAt.x, Math.abs(event.clientY - pressedAt.y)];
        if (Math.abs(moved) > SWIPE_PX && Math.abs(moved) > 2 * strayed) onswipe(moved < 0 ? 1 : -1);
      }
      pressedAt = null;
    });
  }

  frame.addEventListener("dblclick", (event) => {
    if (held) return;
    if (zoom > 1) fit();
    else zoomBy(2.5, event.clientX, event.clientY);
  });

  new ResizeObserver(place).observe(frame);

  /** @param {number} byX @param {number} byY */
  function panBy(byX, byY) {
    x += byX;
    y += byY;
    place();
  }

  return {
    fit,
    panBy,
    larger: () => zoomBy(STEP),
    smaller: () => zoomBy(1 / STEP),
    isZoomed: () => zoom > 1,
    /** The width of the sheet in pixels of the screen. */
    pixels: () => fitting() * zoom * devicePixelRatio,
    /** Take a sheet of other proportions: width by height. @param {number} proportions */
    setRatio(proportions) {
      ratio = proportions;
      place();
    },
    /** While a region is being drawn, the pointer moves nothing. @param {boolean} hold */
    hold(hold) {
      held = hold;
      down.clear();
    },
  };
}
