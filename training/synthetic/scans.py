"""Effects that make the picture of a page look scanned, photocopied, faxed or photographed; all (H, W, 3)."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ...engine.records import F32, U8
from ..pixel.crops import degrade
from .photographs import noise, shade, surface, tint

FAX_SHARE, BLEEDING_SHARE, PUNCHED_SHARE, COLOUR_SHARE = 0.2, 0.35, 0.2, 0.4


def scanned(pixels: U8, rng: random.Random) -> U8:
    """A page as from a scanner, photocopier or fax: grey paper, show-through, shadows, skew, holes, specks; uint8."""
    source = np.random.default_rng(rng.getrandbits(32))
    out = pixels.astype(np.float32)
    fax = rng.random() < FAX_SHARE
    if fax or rng.random() > COLOUR_SHARE:
        out = np.repeat(out @ np.array([[0.3], [0.59], [0.11]], np.float32), 3, axis=2)
    if rng.random() < BLEEDING_SHARE:
        # Show-through: the other side of the sheet, mirrored.
        back = np.asarray(
            Image.fromarray(pixels[:, ::-1]).convert("L").filter(ImageFilter.GaussianBlur(1.5)), np.float32
        )
        out -= np.roll(255 - back, rng.randrange(-40, 40), axis=0)[..., None] * rng.uniform(0.05, 0.18)
    if rng.random() < 0.7:
        paper = np.array([rng.uniform(200, 250), *[0.0] * 2], np.float32)
        paper[1:] = paper[0] - np.array([rng.uniform(0, 8), rng.uniform(0, 28)])
        out *= paper / 255
    out *= (1 - rng.choice((0, 0.04, 0.1)) * noise(source, out.shape[1], out.shape[0], 3, fall=0.6))[..., None]
    if not fax:
        out = add_shadows(out, rng)
    out = skew(out, rng)
    if rng.random() < PUNCHED_SHARE:
        out = punch_holes(out, rng)
    if fax:
        out = np.where(out.mean(axis=2, keepdims=True) > rng.uniform(130, 200), 255.0, 0.0) * np.ones(3, np.float32)
        specks = source.random(out.shape[:2]) < rng.choice((0.0005, 0.003))
        out[specks] = 255 - out[specks]
    return degrade(out.clip(0, 255).astype(np.uint8), rng)


def add_shadows(out: F32, rng: random.Random) -> F32:
    """Darken edges, as of a book's gutter or an open lid, or add a vertical streak; float32."""
    height, width = out.shape[:2]
    ys, xs = np.linspace(0, 1, height, dtype=np.float32)[:, None], np.linspace(0, 1, width, dtype=np.float32)[None]
    for away in rng.sample((xs, 1 - xs, ys, 1 - ys), rng.choice((0, 1, 1, 2, 4))):
        reach = rng.uniform(0.01, 0.12)
        out = out * (1 - rng.uniform(0.3, 0.95) * np.exp(-away / reach))[..., None]
    if rng.random() < 0.15:
        x = rng.randrange(width)
        out[:, x : x + rng.randrange(1, 3)] *= rng.uniform(0.5, 0.9)
    return out


def skew(out: F32, rng: random.Random) -> F32:
    """Rotate and shift the page a little over the scanner's lid, which is white, grey or black; float32."""
    lid = rng.choice(((255,) * 3, (20,) * 3, (225,) * 3))
    image = Image.fromarray(out.clip(0, 255).astype(np.uint8))
    rotated = image.rotate(rng.gauss(0, 1.2), Image.Resampling.BILINEAR, fillcolor=lid,
                          translate=(rng.randrange(-8, 9), rng.randrange(-8, 9)))  # fmt: skip
    return np.asarray(rotated, np.float32)


def punch_holes(out: F32, rng: random.Random) -> F32:
    """Draw two to four punch holes along the left edge; float32."""
    image = Image.fromarray(out.clip(0, 255).astype(np.uint8))
    pencil, (width, height) = ImageDraw.Draw(image), image.size
    count, r, x = rng.choice((2, 3, 4)), width * 0.012, width * rng.uniform(0.025, 0.05)
    dark = rng.choice((10, 40, 235))
    for i in range(count):
        y = height * (0.5 + (i - (count - 1) / 2) * rng.choice((0.13, 0.25)))
        pencil.ellipse((x - r, y - r, x + r, y + r), fill=(dark,) * 3)
    return np.asarray(image, np.float32)


def photographed(pixels: U8, rng: random.Random) -> U8:
    """A page as photographed by phone: in perspective on a table, lit from one side; uint8."""
    source = np.random.default_rng(rng.getrandbits(32))
    height, width = pixels.shape[:2]
    if rng.random() < 0.4:
        table = surface(rng, source, width, height).filter(ImageFilter.GaussianBlur(2))
    else:
        grain = noise(source, width, height, 2, fall=0.7)
        table = tint(np.asarray(grain, np.float32), shade(rng, 30, 150), shade(rng, 90, 220))
    edge = rng.uniform(0.02, 0.12)
    corners = [
        (width * (x + s * rng.uniform(0.3, 1.6) * edge), height * (y + t * rng.uniform(0.3, 1.6) * edge))
        for x, y, s, t in ((0, 0, 1, 1), (1, 0, -1, 1), (1, 1, -1, -1), (0, 1, 1, -1))
    ]
    rows = []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y, u), (0, 0, 0, x, y, 1, -v * x, -v * y, v)]
    system = np.array(rows, np.float64)
    matrix = tuple(np.linalg.solve(system[:, :8], system[:, 8]).tolist())
    page = Image.fromarray(pixels).transform(
        (width, height), Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BICUBIC
    )
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    shadow = mask.filter(ImageFilter.GaussianBlur(width * 0.012)).point(lambda v: v * 0.5)
    table.paste((15, 15, 18), (int(width * 0.008), int(width * 0.008)), shadow)
    table.paste(page, (0, 0), mask)
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    light = 0.9 + rng.uniform(-0.2, 0.2) * xs + rng.uniform(-0.2, 0.2) * ys
    warm = np.array([1, rng.uniform(0.9, 1), rng.uniform(0.75, 1)], np.float32)
    out = np.asarray(table, np.float32) * light[..., None] * warm
    return degrade(out.clip(0, 255).astype(np.uint8), rng)
