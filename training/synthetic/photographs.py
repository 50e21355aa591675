"""Photographs for synthetic pages: JPEG streams extracted from PDFs, or scenes made of noise and shaded shapes."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pymupdf
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

GIVEN_PHOTO_SHARE = 0.7
"""How often a photograph is one of the extracted ones, if there are any."""
MIN_SIDE_PX, MAX_SIDE_PX, MAX_BYTES = 120, 480, 100_000
"""Larger pictures are scaled down, because they slow the drawing of pages."""
MIN_ENTROPY_BITS, MIN_GREY_ENTROPY_BITS = 4.9, 2.8
"""Least entropy of the histogram of 4,096 colours (16 if grey): drawings and charts have less."""
MAX_COLOUR_SHARE = 0.22
"""Share of pixels in the most frequent colour: drawings on white paper have more."""
MAX_PER_DOCUMENT = 12
NoisePlane = NDArray[np.float32]


def photos(folder: Path | None, limit: int = 400) -> list[bytes]:
    """Distinct JPEG streams, of PDFs below `folder`, that have the colours of photographs; none without a folder."""
    out: dict[bytes, None] = {}
    for path in sorted(folder.rglob("*.pdf")) if folder else ():
        if len(out) >= limit:
            break
        try:
            with pymupdf.open(path) as document:
                out |= dict.fromkeys(_of_document(document))
        except (RuntimeError, ValueError):
            continue
    return [*out][:limit]


def _of_document(document: pymupdf.Document) -> list[bytes]:
    out: list[bytes] = []
    for xref in range(1, document.xref_length()):
        if len(out) >= MAX_PER_DOCUMENT:
            break
        try:
            stream = _jpeg(document, xref)
        except pymupdf.mupdf.FzErrorBase:
            continue
        if stream and is_photograph(stream):
            out.append(smaller(stream))
    return out


def smaller(stream: bytes) -> bytes:
    """The JPEG itself, or if it is larger than MAX_BYTES, one scaled down to MAX_SIDE_PX."""
    if len(stream) <= MAX_BYTES:
        return stream
    with Image.open(io.BytesIO(stream)) as image:
        image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _jpeg(document: pymupdf.Document, xref: int) -> bytes:
    """The stream of a PDF object that is a plain JPEG image; empty for other objects."""
    if document.xref_get_key(xref, "Subtype")[1] != "/Image":
        return b""
    if document.xref_get_key(xref, "Filter")[1].strip("[] ") != "/DCTDecode":
        return b""
    if document.xref_get_key(xref, "Decode")[0] != "null":
        return b""
    return bytes(document.xref_stream_raw(xref))


def is_photograph(stream: bytes) -> bool:
    """Whether a JPEG stream is RGB or grey, large enough, and as rich in colours as a photograph."""
    try:
        with Image.open(io.BytesIO(stream)) as image:
            if image.format != "JPEG" or image.mode not in ("RGB", "L") or min(image.size) < MIN_SIDE_PX:
                return False
            image.draft("RGB", (256, 256))
            grey = image.mode == "L"
            pixels = np.asarray(image.convert("RGB").resize((128, 128))).astype(np.int32) >> 4
    except OSError:
        return False
    counts = np.bincount((pixels[..., 0] << 8 | pixels[..., 1] << 4 | pixels[..., 2]).ravel(), minlength=4096)
    shares = counts[counts > 0] / counts.sum()
    bits = -(shares * np.log2(shares)).sum()
    return bool(bits >= (MIN_GREY_ENTROPY_BITS if grey else MIN_ENTROPY_BITS) and shares.max() <= MAX_COLOUR_SHARE)


def noise(random_source: np.random.Generator, width: int, height: int, start: int, *, fall: float) -> NoisePlane:
    """Fractal value noise, (H, W) float32 in 0 to 1: octaves from `start` cells per side, each weighted by `fall`."""
    total = np.zeros((height, width), np.float32)
    cells, weight = start, 1.0
    while cells <= max(width, height):
        grid = random_source.random((max(2, cells * height // width), max(2, cells)), np.float32)
        total += weight * np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))
        cells, weight = cells * 2, weight * fall
    total -= total.min()
    return np.asarray(total / max(float(total.max()), 1e-6), np.float32)


def random_photo(rng: random.Random, shape: float, side: float) -> bytes:
    """A random scene as JPEG; `shape` is its width divided by its height, `side` about its width in pixels."""
    width = int(min(max(side * rng.uniform(0.8, 1.4), 150), 380))
    height = max(40, min(400, int(width / shape)))
    source = np.random.default_rng(rng.getrandbits(32))
    scene = rng.choice((landscape, landscape, people, people, buildings, things, surface))
    image = scene(rng, source, width, height)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
    pixels = np.asarray(image, np.float32)
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    dark = 1 - rng.choice((0, 0.2, 0.5)) * np.clip((xs**2 + ys**2) / 2, 0, 1)
    light = 1 + rng.uniform(-0.25, 0.25) * xs
    pixels = pixels * (dark * light)[..., None] + source.normal(0, rng.uniform(1, 8), (height, width, 1))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if rng.random() < 0.22:
        image = image.convert("L")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=rng.randrange(45, 92))
    return out.getvalue()


def tint(plane: NoisePlane, dark: tuple[float, ...], light: tuple[float, ...]) -> Image.Image:
    """Map a plane (H, W), 0 to 1, to colours between `dark` and `light`."""
    low, high = np.array(dark, np.float32), np.array(light, np.float32)
    return Image.fromarray(np.clip(low + (high - low) * plane[..., None], 0, 255).astype(np.uint8))


def shade(rng: random.Random, low: int = 0, high: int = 255) -> tuple[int, int, int]:
    """A random colour of low saturation, with components around a level between `low` and `high`."""
    level = rng.randrange(low, high)
    r, g, b = (min(255, max(0, level + rng.randrange(-35, 36))) for _ in range(3))
    return r, g, b


def landscape(rng: random.Random, source: np.random.Generator, width: int, height: int) -> Image.Image:
    """A sky with clouds over one to three ridges."""
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    sky = rng.choice(
        (((70, 120, 190), (215, 230, 240)), ((90, 95, 110), (190, 190, 195)), ((50, 40, 90), (250, 170, 90)))
    )
    image = tint(down, *sky)
    clouds = np.clip(noise(source, width, height, 3, fall=0.6) * 2.2 - 1.1, 0, 1) * rng.uniform(0, 1)
    image.paste((245, 245, 245), (0, 0), Image.fromarray((clouds * 230).astype(np.uint8)))
    level, layers = rng.uniform(0.25, 0.6), rng.randrange(1, 4)
    ground = rng.choice(((60, 90, 40), (120, 100, 60), (40, 70, 90), (150, 140, 120), (50, 60, 50)))
    for layer in range(layers):
        near = (layer + 1) / layers
        rough = noise(source, width, 2, rng.choice((3, 6, 12)), fall=rng.uniform(0.35, 0.6))[0]
        edge = (level + (rough - 0.5) * rng.uniform(0.05, 0.35)) * height
        mask = np.arange(height)[:, None] > edge[None, :]
        plane = noise(source, width, height, rng.choice((4, 10, 24)), fall=rng.uniform(0.6, 0.95))
        far = [c + (sky[1][i] - c) * (1 - near) * 0.7 for i, c in enumerate(ground)]
        image.paste(tint(plane, tuple(c * 0.35 for c in far), tuple(min(255, c * 1.5) for c in far)), (0, 0),
                    Image.fromarray((mask * 255).astype(np.uint8)))  # fmt: skip
        level += (1 - level) * rng.uniform(0.2, 0.5)
    return image


def glow(width: int, height: int, x: float, y: float, rx: float, ry: float) -> NoisePlane:
    """Shading of an ellipse lit from the upper left, (H, W) float32: 1 at the lit side, 0 beyond the far side."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.sqrt(((xs - x + rx * 0.4) / (rx * 1.7)) ** 2 + ((ys - y + ry * 0.4) / (ry * 1.7)) ** 2)
    return np.asarray(np.clip(1.05 - away, 0, 1), np.float32)


def backdrop(rng: random.Random, source: np.random.Generator, width: int, height: int) -> Image.Image:
    """A blurred background: soft blotches, discs of light, or a studio wall."""
    plane = noise(source, width, height, rng.choice((2, 3, 5)), fall=0.45)
    image = tint(plane, shade(rng, 10, 120), shade(rng, 110, 250))
    pencil = ImageDraw.Draw(image)
    for _ in range(rng.choice((0, 0, 6, 15))):
        x, y, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.03, 0.12) * width
        pencil.ellipse((x - r, y - r, x + r, y + r), fill=shade(rng, 60, 255))
    return image.filter(ImageFilter.GaussianBlur(width * 0.025))


def solid(image: Image.Image, rng: random.Random, box: tuple[float, float, float, float], colour: tuple[int, ...],
          *, square: float = 0.0) -> None:  # fmt: skip
    """Paste a shaded ellipse, or if `square`, a block with corners of that radius, with soft edges."""
    x0, y0, x1, y1 = box
    width, height = image.size
    mask = Image.new("L", (width, height))
    if square:
        ImageDraw.Draw(mask).rounded_rectangle(box, square, fill=255)
    else:
        ImageDraw.Draw(mask).ellipse(box, fill=255)
    lit = glow(width, height, (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2)
    image.paste(tint(lit, tuple(c * 0.3 for c in colour), tuple(min(255, c * 1.25) for c in colour)), (0, 0),
                mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5))))  # fmt: skip


def people(rng: random.Random, source: np.random.Generator, width: int, height: int) -> Image.Image:
    """One to four heads and shoulders in front of a blurred backdrop."""
    image = backdrop(rng, source, width, height)
    count = rng.choice((1, 1, 1, 2, 3, 4)) if width > height else rng.choice((1, 1, 2))
    for i in range(count):
        tall = height * rng.uniform(0.17, 0.27) / (1 + 0.12 * count)
        x, y = width * (i + rng.uniform(0.4, 0.6)) / count, height * rng.uniform(0.3, 0.45)
        wide = tall * rng.uniform(0.68, 0.8)
        skin = rng.choice(((235, 190, 160), (215, 165, 130), (165, 115, 80), (105, 70, 50), (245, 210, 185)))
        cloth, hair = shade(rng, 10, 220), rng.choice(((30, 22, 18), (75, 50, 30), (150, 110, 60), (170, 170, 170)))
        solid(image, rng, (x - wide * 2.3, y + tall * 1.25, x + wide * 2.3, y + tall * 8), cloth, square=wide * 1.3)
        solid(image, rng, (x - wide * 0.45, y + tall * 0.5, x + wide * 0.45, y + tall * 1.6), skin, square=2)
        drop = rng.uniform(0.2, 1.1)
        solid(image, rng, (x - wide * 1.15, y - tall * 1.2, x + wide * 1.15, y + tall * drop), hair)
        solid(image, rng, (x - wide * 0.88, y - tall * 0.8, x + wide * 0.88, y + tall), skin)
        pencil = ImageDraw.Draw(image)
        eye = max(1.0, wide * 0.13)
        for side in (-0.38, 0.38):
            pencil.ellipse(
                (x + side * wide - eye, y - eye * 0.8, x + side * wide + eye, y + eye * 0.6), fill=(40, 30, 25)
            )
            pencil.line((x + side * wide - eye * 1.5, y - eye * 2, x + side * wide + eye * 1.5, y - eye * 2), fill=hair)
        pencil.line((x, y, x - wide * 0.1, y + tall * 0.3), fill=tuple(int(c * 0.7) for c in skin))
        pencil.ellipse((x - wide * 0.32, y + tall * 0.5, x + wide * 0.32, y + tall * 0.62), fill=(165, 80, 75))
    return image


def buildings(rng: random.Random, source: np.random.Generator, width: int, height: int) -> Image.Image:
    """Blocks with rows of windows in a landscape."""
    image = landscape(rng, source, width, height)
    for _ in range(rng.randrange(3, 10)):
        wide, x = width * rng.uniform(0.1, 0.35), rng.uniform(-0.1, 0.95) * width
        top, base = rng.uniform(0.05, 0.6) * height, height * rng.uniform(0.8, 1.05)
        wall = shade(rng, 30, 230)
        solid(image, rng, (x, top, x + wide, base), wall, square=1)
        pencil = ImageDraw.Draw(image)
        step = wide / rng.randrange(3, 9)
        pane = shade(rng, 10, 250)
        for r in range(int((base - top) / step / 1.2)):
            for c in range(int(wide / step)):
                px, py = x + c * step + step * 0.2, top + r * step * 1.2 + step * 0.3
                lit = pane if rng.random() < 0.8 else (240, 220, 150)
                pencil.rectangle((px, py, px + step * 0.6, py + step * 0.6), fill=lit)
    return image


def things(rng: random.Random, source: np.random.Generator, width: int, height: int) -> Image.Image:
    """Shaded objects with shadows on a table."""
    image = backdrop(rng, source, width, height)
    for _ in range(rng.randrange(2, 9)):
        r, x, y = rng.uniform(0.08, 0.3) * height, rng.uniform(0, width), rng.uniform(0.4, 0.9) * height
        tall = r * rng.uniform(0.6, 2)
        shadow = Image.new("L", image.size)
        ImageDraw.Draw(shadow).ellipse((x - r, y + tall * 0.6, x + r * 2, y + tall * 1.2), fill=150)
        image.paste((15, 15, 15), (0, 0), shadow.filter(ImageFilter.GaussianBlur(r * 0.2)))
        square = rng.choice((0.0, 2.0, r * 0.4))
        solid(image, rng, (x - r, y - tall, x + r, y + tall), shade(rng, 30, 255), square=square)
    return image


def surface(rng: random.Random, source: np.random.Generator, width: int, height: int) -> Image.Image:
    """A texture, as of leaves, stone, cloth, tissue under a microscope, or a crowd."""
    first = noise(source, width, height, rng.choice((3, 8, 20)), fall=rng.uniform(0.5, 1.0))
    if rng.random() < 0.4:
        first = np.abs(np.sin(first * rng.uniform(6, 25))).astype(np.float32)
    image = tint(first, shade(rng, 0, 110), shade(rng, 120, 255))
    second = noise(source, width, height, rng.choice((4, 12)), fall=0.6)
    spots = Image.fromarray((np.clip(second * 4 - 2, 0, 1) * 200).astype(np.uint8))
    image.paste(shade(rng, 20, 230), (0, 0), spots)
    return image
