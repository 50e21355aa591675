"""Image files are documents: every TIFF frame is a page, upright, on white, 8-bit; decompression bombs are refused."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docsearch.indexer.discover import Document
from docsearch.indexer.render.renderer import (
    DocumentFailed,
    DocumentOpened,
    PageFailed,
    PageRendered,
    Renderer,
    RenderEvent,
)
from docsearch.indexer.render.unread import Unread

GREY_LEVELS = 2  # tolerance for a flat colour after JPEG compression and rescaling


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    with Renderer(dpi=96, max_pixels=1_000_000) as renderer:
        yield renderer


def render(renderer: Renderer, file: Path) -> list[RenderEvent]:
    return list(renderer.render([(Document(file.name, file, 0, 0), frozenset())]))


def pixels(renderer: Renderer, file: Path) -> list[np.ndarray]:
    return [event.image.pixels for event in render(renderer, file) if isinstance(event, PageRendered)]


def reason(renderer: Renderer, file: Path) -> str:
    [event] = [event for event in render(renderer, file) if isinstance(event, (DocumentFailed, PageFailed))]
    return event.reason


def near(found: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(found.astype(int) - np.array(colour)).max() <= GREY_LEVELS)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff", "gif", "bmp", "jp2", "j2k", "avif", "heic"])
def test_an_image_is_a_document_of_one_page(renderer: Renderer, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a.{suffix}"
    if suffix == "heic":
        pytest.importorskip("pillow_heif", reason="needs the extra heic").register_heif_opener()
    Image.new("RGB", (400, 300), (200, 30, 60)).save(file, quality=95)
    [page] = pixels(renderer, file)
    assert page.shape == (300, 400, 3)
    assert page.dtype == np.uint8
    assert near(page, (200, 30, 60))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_rendered_upright(renderer: Renderer, tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = np.full((300, 500, 3), 255, np.uint8)
    upright[:100, :100] = (255, 0, 0)
    upright[:100, -100:] = (0, 0, 255)
    # The pixels as a camera stores them: applying the orientation gives `upright`.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright),
        7: np.rot90(upright.swapaxes(0, 1), 2),
        8: np.rot90(upright, 3),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"a.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(file, exif=exif, quality=95)
    [page] = pixels(renderer, file)
    assert page.shape == (300, 500, 3)
    assert page[50, 50, 0] > 200 > 100 > page[50, 50, 2]
    assert page[50, -50, 2] > 200 > 100 > page[50, -50, 0]
    assert page[-50, 50].min() > 200


def test_every_picture_of_a_heic_file_is_a_page(renderer: Renderer, tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="needs the extra heic").register_heif_opener()
    pictures = [Image.new("RGB", (200, 300), (40 * n, 0, 0)) for n in range(3)]
    pictures[0].save(tmp_path / "a.heic", save_all=True, append_images=pictures[1:], quality=95)
    found = pixels(renderer, tmp_path / "a.heic")
    assert [near(page, (40 * n, 0, 0)) for n, page in enumerate(found)] == [True] * 3


def test_of_an_animated_gif_the_first_frame_is_read_and_the_others_are_reported(
    renderer: Renderer, tmp_path: Path
) -> None:
    frames = [Image.new("RGB", (200, 300), (80 * n, 0, 0)) for n in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    opened, page, *_ = render(renderer, tmp_path / "a.gif")
    assert isinstance(opened, DocumentOpened)
    assert isinstance(page, PageRendered)
    assert (opened.page_count, opened.unread) == (1, (Unread("frames", 2),))
    assert near(page.image.pixels, (0, 0, 0))


@pytest.mark.parametrize("suffix", ["gif", "bmp", "jp2", "avif", "heic"])
def test_a_truncated_picture_costs_itself_only(renderer: Renderer, tmp_path: Path, suffix: str) -> None:
    whole, broken = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    if suffix == "heic":
        pytest.importorskip("pillow_heif", reason="needs the extra heic").register_heif_opener()
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    assert reason(renderer, broken)
    assert len(pixels(renderer, whole)) == 1


def test_every_frame_of_a_tiff_is_a_page(renderer: Renderer, tmp_path: Path) -> None:
    frames = [Image.new("L", (200 + 50 * n, 300), 40 * n) for n in range(4)]
    frames[0].save(tmp_path / "a.tiff", save_all=True, append_images=frames[1:])
    events = render(renderer, tmp_path / "a.tiff")
    assert [event.page_count for event in events if isinstance(event, DocumentOpened)] == [4]
    rendered = [event.image.pixels for event in events if isinstance(event, PageRendered)]
    assert [page.shape for page in rendered] == [(300, 200 + 50 * n, 3) for n in range(4)]
    assert all(near(page, (40 * n,) * 3) for n, page in enumerate(rendered))


def test_only_the_first_frame_of_an_animation_is_a_page(renderer: Renderer, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (300, 300), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    events = render(renderer, tmp_path / "a.webp")
    [page] = [event.image.pixels for event in events if isinstance(event, PageRendered)]
    assert near(page, (255, 0, 0))
    [opened] = [event for event in events if isinstance(event, DocumentOpened)]
    assert opened.unread == (Unread("frames", 1),)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_rendered_white(renderer: Renderer, tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 150, 300))
    file = tmp_path / "a.png"
    (image.quantize() if mode == "PA" else image.convert(mode)).save(file)
    [page] = pixels(renderer, file)
    assert near(page[:, :140], (0, 0, 0))
    assert near(page[:, 160:], (255, 255, 255))


def test_light_print_on_no_ground_is_rendered_on_black(renderer: Renderer, tmp_path: Path) -> None:
    image = Image.new("RGBA", (300, 300), (255, 255, 255, 0))
    image.paste((250, 250, 250, 255), (100, 100, 200, 140))
    image.save(tmp_path / "a.png")
    [page] = pixels(renderer, tmp_path / "a.png")
    assert near(page[105:135, 105:195], (250, 250, 250))
    assert near(page[:90], (0, 0, 0))


@pytest.mark.parametrize("bits", [10, 12])
def test_grey_of_fewer_bits_in_a_file_of_16_is_stretched(renderer: Renderer, tmp_path: Path, bits: int) -> None:
    values = np.repeat(np.array([[0, 1 << (bits - 1), (1 << bits) - 1]], np.uint16), 100, axis=1).repeat(300, axis=0)
    Image.fromarray(values).save(tmp_path / "a.tiff")
    [page] = pixels(renderer, tmp_path / "a.tiff")
    assert [round(float(page[150, x].mean())) for x in (50, 150, 250)] == [0, 128, 255]


def test_a_tall_picture_has_the_width_of_a_sheet(renderer: Renderer, tmp_path: Path) -> None:
    Image.new("L", (1080, 14_000), 255).save(tmp_path / "a.png")
    [event] = [event for event in render(renderer, tmp_path / "a.png") if isinstance(event, PageRendered)]
    assert event.size_pt[0] == pytest.approx(8.27 * 72, abs=0.1)
    assert event.image.pixels.shape[0] * event.image.pixels.shape[1] <= 1_000_000, "as other pages"
    with Renderer(dpi=165, max_pixels=4_000_000, detail_pixels=32_000_000) as large:
        [event] = [event for event in render(large, tmp_path / "a.png") if isinstance(event, PageRendered)]
    assert event.image.detail is not None
    assert event.image.detail.shape == (14_000, 1080), "its own pixels"
    assert event.unread == ()


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bits_become_8_without_clipping(renderer: Renderer, tmp_path: Path, suffix: str) -> None:
    values = np.repeat(np.array([[0, 32768, 65535]], np.uint16), 100, axis=1).repeat(300, axis=0)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    [page] = pixels(renderer, tmp_path / f"a.{suffix}")
    assert [round(float(page[150, x].mean())) for x in (50, 150, 250)] == [0, 128, 255]


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr", "LAB", "F", "I"])
def test_every_pixel_mode_becomes_rgb(renderer: Renderer, tmp_path: Path, mode: str) -> None:
    image = Image.new("RGB", (300, 300), "white")
    image.paste((0, 0, 0), (0, 0, 150, 300))
    if mode == "LAB":
        values = np.zeros((300, 300, 3), np.uint8)
        values[:, 150:, 0] = 255
        image = Image.frombytes("LAB", (300, 300), values.tobytes())
    elif mode in ("F", "I"):
        image = image.convert("L").convert(mode)
    else:
        image = image.convert(mode)
    file = tmp_path / ("a.jpg" if mode == "YCbCr" else "a.tiff")
    image.save(file)
    [page] = pixels(renderer, file)
    assert page[:, :130].mean() < 5
    assert page[:, 170:].mean() > 250


def test_a_large_scan_is_scaled_to_its_sheet(renderer: Renderer, tmp_path: Path) -> None:
    scan = Image.new("L", (2480, 3508), 255)
    scan.paste(0, (0, 0, 1240, 3508))
    scan.save(tmp_path / "a.jpg", dpi=(300, 300))
    [event] = [event for event in render(renderer, tmp_path / "a.jpg") if isinstance(event, PageRendered)]
    assert event.size_pt == pytest.approx((595.2, 841.9), abs=0.1)
    assert event.image.pixels.shape == (1123, 794, 3)
    assert event.image.pixels[:, :380].max() <= 8
    assert event.image.pixels[:, 410:].min() >= 247


def test_a_decompression_bomb_is_refused_before_it_is_decoded(renderer: Renderer, tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(10_000_000))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(content)
    assert "60000 x 60000 pixels" in reason(renderer, tmp_path / "a.png")


def test_an_image_that_needs_too_much_memory_fails_alone(tmp_path: Path) -> None:
    Image.new("RGBA", (12_000, 12_000)).save(tmp_path / "a.png", compress_level=1)
    with Renderer(dpi=96, max_pixels=1_000_000, page_timeout_s=300, memory_limit_mb=400) as renderer:
        events = render(renderer, tmp_path / "a.png")
    assert [event.reason for event in events if isinstance(event, PageFailed)] == [
        "rendering the page needs more than 400 MB of memory"
    ]


def test_a_truncated_image_fails_with_the_reason(renderer: Renderer, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    assert "cannot be decoded" in reason(renderer, tmp_path / "a.png")


def test_a_file_that_is_not_an_image_fails_with_the_reason(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html>not found</html>")
    assert "neither a PDF nor an image" in reason(renderer, tmp_path / "a.jpg")


def test_content_rather_than_name_decides_the_type_of_a_file(renderer: Renderer, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "blue").save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.pdf")
    [page] = pixels(renderer, tmp_path / "a.pdf")
    assert near(page, (0, 0, 255))
