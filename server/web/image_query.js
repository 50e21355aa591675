/** Images to search by: stored while the page is open, scaled down before they are sent. */

const LONGEST_SIDE = 1400;
const JPEG_QUALITY = 0.9;

/** @type {Map<number, Blob>} */
const images = new Map();

/**
 * Store an image; resolves to its number. Rejects files that the browser cannot decode.
 * @param {Blob} file
 */
export async function storeImage(file) {
  const bitmap = await createImageBitmap(file);
  const shrink = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * shrink));
  canvas.height = Math.max(1, Math.round(bitmap.height * shrink));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white"; // background of transparent images
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  /** @type {Blob | null} */
  const small = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
  if (!small) throw new Error("the image is empty");
  const number = images.size + 1;
  images.set(number, small);
  return number;
}

/** The stored image of this number; undefined after the page was reloaded. @param {number} number */
export const storedImage = (number) => images.get(number);

/**
 * @param {number} number
 * @returns {Promise<string>}
 */
export async function imageAsBase64(number) {
  const image = images.get(number);
  if (!image) throw new Error("The image was lost when the page was reloaded. Choose it again.");
  const bytes = new Uint8Array(await image.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
