/** Pictures that are searched by: kept while the page is open, made small enough to send. */

const LONGEST_SIDE = 1400;
const JPEG_QUALITY = 0.9;

/** @type {Map<number, Blob>} */
const pictures = new Map();

/**
 * Keep a picture; returns its number. Rejects what the browser cannot show as a picture.
 * @param {Blob} file
 */
export async function keepPicture(file) {
  const bitmap = await createImageBitmap(file);
  const shrink = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * shrink));
  canvas.height = Math.max(1, Math.round(bitmap.height * shrink));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "white"; // what is transparent lies on paper
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  /** @type {Blob | null} */
  const small = await new Promise((made) => canvas.toBlob(made, "image/jpeg", JPEG_QUALITY));
  if (!small) throw new Error("the picture is empty");
  const number = pictures.size + 1;
  pictures.set(number, small);
  return number;
}

/** The kept picture of this number; undefined after the page was loaded anew. @param {number} number */
export const keptPicture = (number) => pictures.get(number);

/**
 * @param {number} number
 * @returns {Promise<string>}
 */
export async function pictureInBase64(number) {
  const picture = pictures.get(number);
  if (!picture) throw new Error("That picture is gone since the page was loaded anew. Choose it again.");
  const bytes = new Uint8Array(await picture.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
