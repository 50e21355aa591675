"""Makes documents that refer to an address and a file outside themselves, in every way that their formats know."""

from __future__ import annotations

import zipfile
from email.message import EmailMessage
from pathlib import Path

REFERENCES = (
    "<img src='{url}'>",
    "<img srcset='{url} 2x' src='{url}'>",
    "<picture><source srcset='{url}'><img src='{url}'></picture>",
    "<link rel=stylesheet href='{url}'>",
    "<link rel=prefetch href='{url}'>",
    "<style>@import url({url});</style>",
    "<style>body{{background-image:url({url})}}</style>",
    "<style>@font-face{{font-family:x;src:url({url})}}body{{font-family:x}}</style>",
    "<p style='background:url({url})'>text</p>",
    "<ul style='list-style-image:url({url})'><li>text</ul>",
    "<iframe src='{url}'></iframe>",
    "<object data='{url}'></object>",
    "<embed src='{url}'>",
    "<video src='{url}' poster='{url}'></video>",
    "<audio src='{url}'></audio>",
    "<script src='{url}'></script>",
    "<script>new Image().src='{url}'; fetch('{url}')</script>",
    "<meta http-equiv=refresh content='0;url={url}'>",
    "<base href='{url}'><img src='x.png'>",
    "<svg xmlns='http://www.w3.org/2000/svg'><image href='{url}' width='9' height='9'/></svg>",
    "<table background='{url}'><tr><td>text</table>",
    "<form action='{url}'><input type=image src='{url}'></form>",
)
DRAWINGS = (
    "<image href='{url}' width='90' height='90'/>",
    "<image xlink:href='{url}' width='90' height='90'/>",
    "<use href='{url}#x'/>",
    "<use xlink:href='{url}#x'/>",
    "<style>@import url({url});</style>",
    "<style>rect{{fill:url({url}#x)}}</style><rect width='90' height='90'/>",
    "<rect width='90' height='90' filter='url({url}#x)'/>",
    "<rect width='90' height='90' mask='url({url}#x)'/>",
    "<path d='M0 0H9' marker-end='url({url}#x)'/>",
    "<foreignObject width='90' height='90'><img xmlns='http://www.w3.org/1999/xhtml' src='{url}'/></foreignObject>",
    "<script href='{url}'/>",
    "<script>fetch('{url}')</script>",
    "<a href='{url}'><text y='9'>a</text></a>",
    "<text font-family='x' y='9'>a</text><style>@font-face{{font-family:x;src:url({url})}}</style>",
    "<pattern id='p'><image href='{url}' width='9' height='9'/></pattern><rect fill='url(#p)' width='9' height='9'/>",
    "<filter id='f'><feImage href='{url}'/></filter><rect filter='url(#f)' width='9' height='9'/>",
    "<animate href='{url}' attributeName='x' from='0' to='9' dur='1s'/>",
    "<set href='{url}'/>",
    "<cursor href='{url}'/>",
    "<tref xlink:href='{url}#x'/>",
)
SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='90' height='90'>{}</svg>"
)
ENTITY = "<!DOCTYPE svg [<!ENTITY x SYSTEM '{url}'>]>"


def write_all(folder: Path, url: str) -> list[Path]:
    """Write the documents that refer to `url` into `folder`; return them."""
    files = []

    def put(name: str, content: str | bytes) -> None:
        files.append(folder / name)
        files[-1].write_bytes(content.encode() if isinstance(content, str) else content)

    for number, template in enumerate(REFERENCES):
        page = f"<html><body><p>pump</p>{template.format(url=url)}</body></html>"
        put(f"{number}.html", page)
        put(f"{number}.md", f"pump\n\n![x]({url})\n\n{template.format(url=url)}\n")
        mail = EmailMessage()
        mail["Subject"] = "pump"
        mail.set_content(page, subtype="html")
        put(f"{number}.eml", bytes(mail))
        files.append(_epub(folder / f"{number}.epub", page))
    for number, template in enumerate(DRAWINGS):
        put(f"{number}.svg", SVG.format(template.format(url=url)))
    put("entity.svg", ENTITY.format(url=url) + SVG.format("<text y='9'>&x;</text>"))
    put("style.svg", f"<?xml-stylesheet href='{url}'?>" + SVG.format("<text y='9'>pump</text>"))
    put("entity.fb2", ENTITY.format(url=url) + "<FictionBook><body><p>&x;</p></body></FictionBook>")
    put("include.xhtml", ENTITY.format(url=url) + f"<html><body>&x;<img src='{url}'/></body></html>")
    return files


def _epub(file: Path, page: str) -> Path:
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    package = (
        '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("META-INF/container.xml", container)
        book.writestr("book.opf", package)
        book.writestr("a.xhtml", page)
    return file
