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


def write_office(folder: Path, url: str) -> list[Path]:
    """Write Office documents that refer to `url`, as pictures, templates, linked sheets, fields and macros."""
    files = []

    def put(name: str, members: dict[str, str] | str) -> None:
        files.append(folder / name)
        if isinstance(members, str):
            files[-1].write_text(members)
            return
        with zipfile.ZipFile(files[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)

    put("picture.docx", _docx(DOCX_PICTURE, DOCX_LINK.format(kind="image", url=url)))
    put("template.docx", _docx("", DOCX_LINK.format(kind="attachedTemplate", url=url)))
    put("field.docx", _docx(DOCX_FIELD.format(url=url), ""))
    put("picture.odt", _odf("text", ODT_PICTURE.format(url=url)))
    put("section.odt", _odf("text", ODT_SECTION.format(url=url)))
    put("object.odt", _odf("text", ODT_OBJECT.format(url=url)))
    put("sheet.ods", _odf("spreadsheet", ODS_LINK.format(url=url)))
    put("formula.ods", _odf("spreadsheet", ODS_FORMULA.format(url=url)))
    put("slide.odp", _odf("presentation", ODP_PICTURE.format(url=url)))
    put("macro.odt", _odf("text", "<text:p>pump</text:p>", ODF_EVENT))
    put("page.doc", f"<html><body>pump<img src='{url}'><link rel=stylesheet href='{url}'></body></html>")
    put("page.xls", f"<html><body><table><tr><td>pump<td><img src='{url}'></table></body></html>")
    put("entity.odt", {**_odf("text", ""), "content.xml": ENTITY.format(url=url) + "<x>&x;</x>"})
    put("background.odt", _odf("text", ODT_BACKGROUND.format(url=url)))
    put("video.odp", _odf("presentation", ODP_VIDEO.format(url=url)))
    put("database.ods", _odf("spreadsheet", ODS_LINK.format(url=url).replace("pump", "pump two")))
    put("frames.docx", _docx("", DOCX_LINK.format(kind="frame", url=url)))
    put("subdocument.docx", _docx('<w:subDoc r:id="rId7"/>', DOCX_LINK.format(kind="subDocument", url=url)))
    put("include.rtf", RTF_FIELD.replace("INCLUDEPICTURE", "INCLUDETEXT").replace("URL", url))
    put("field.rtf", RTF_FIELD.replace("URL", url))
    put("object.rtf", RTF_TEMPLATE.replace("URL", url))
    return files


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DOCX_LINK = (
    f'<Relationship Id="rId7" Type="{RELATIONS}/{{kind}}" Target="{{url}}" TargetMode="External"/>'  # an external part
)
DOCX_PICTURE = (
    f'<w:p><w:r><w:drawing><wp:inline xmlns:wp="{DRAWING}/wordprocessingDrawing"><wp:extent cx="900000" cy="900000"/>'
    f'<wp:docPr id="1" name="x"/><a:graphic xmlns:a="{DRAWING}/main"><a:graphicData uri="{DRAWING}/picture">'
    f'<pic:pic xmlns:pic="{DRAWING}/picture"><pic:nvPicPr><pic:cNvPr id="1" name="x"/><pic:cNvPicPr/></pic:nvPicPr>'
    f'<pic:blipFill><a:blip xmlns:r="{RELATIONS}" r:link="rId7"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
    '<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="900000" cy="900000"/></a:xfrm><a:prstGeom prst="rect"/>'
    "</pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
)
DOCX_FIELD = (
    '<w:p><w:r><w:fldChar w:fldCharType="begin" w:dirty="true"/></w:r><w:r><w:instrText>INCLUDEPICTURE "{url}" \\d'
    '</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
)
FRAME = '<draw:frame svg:width="3cm" svg:height="3cm" svg:x="1cm" svg:y="1cm">{}</draw:frame>'
IMAGE = '<draw:image xlink:href="{url}" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>'
ODT_PICTURE = f"<text:p>pump {FRAME.format(IMAGE)}</text:p>"
ODT_SECTION = (
    '<text:section text:name="s"><text:section-source xlink:href="{url}" xlink:type="simple"/><text:p>pump</text:p>'
    "</text:section>"
)
FLOATING = '<draw:floating-frame xlink:href="{url}" xlink:type="simple"/>'
ODT_BACKGROUND = (
    '<text:p>pump</text:p><style:style xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" style:name="x">'
    '<style:paragraph-properties><style:background-image xlink:href="{url}"/></style:paragraph-properties>'
    "</style:style>"
)
PLUGIN = '<draw:plugin xlink:href="{url}" xlink:type="simple" draw:mime-type="video/mp4"/>'
ODP_VIDEO = f'<draw:page draw:name="a">{FRAME.format(PLUGIN)}</draw:page>'
ODT_OBJECT = f"<text:p>{FRAME.format(FLOATING)}</text:p>"
ODS_LINK = (
    '<table:table table:name="a"><table:table-source xlink:href="{url}" xlink:type="simple" table:table-name="b" '
    'table:refresh-delay="PT1S"/><table:table-row><table:table-cell><text:p>pump</text:p></table:table-cell>'
    "</table:table-row></table:table>"
)
ODS_FORMULA = (
    '<table:table table:name="a"><table:table-row><table:table-cell table:formula="of:=WEBSERVICE(&quot;{url}&quot;)"/>'
    "<table:table-cell table:formula=\"of:='{url}'#$a.A1\"/></table:table-row></table:table>"
)
ODP_PICTURE = f'<draw:page draw:name="a">{FRAME.format(IMAGE)}</draw:page>'
ODF_EVENT = (
    '<office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" '
    'script:event-name="dom:load" xlink:href="vnd.sun.star.script:Tools.Misc.LoadDialog?language=Basic&amp;'
    'location=application" xlink:type="simple"/></office:event-listeners></office:scripts>'
)
RTF_FIELD = r'{\rtf1 pump {\field{\*\fldinst INCLUDEPICTURE "URL" \\d}{\fldrslt x}}}'
RTF_TEMPLATE = r"{\rtf1{\*\template URL}pump}"


def _docx(body: str, links: str) -> dict[str, str]:
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    types = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/>'
        '<Override PartName="/word/settings.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.settings+xml"/></Types>'
    )
    root = f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="word/document.xml"/>'
    settings = f'<Relationship Id="rId2" Type="{RELATIONS}/settings" Target="settings.xml"/>'
    return {
        "[Content_Types].xml": types,
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{root}</Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATIONS}"><w:body><w:p><w:r><w:t>pump</w:t>'
        f"</w:r></w:p>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{settings}{links}'
        "</Relationships>",
        "word/settings.xml": f'<w:settings xmlns:w="{WORD}" xmlns:r="{RELATIONS}"><w:attachedTemplate r:id="rId7"/>'
        "</w:settings>",
        "word/_rels/settings.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
    }


def _odf(kind: str, body: str, scripts: str = "") -> dict[str, str]:
    names = {
        **{name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "text", "table", "script")},
        "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
        "xlink": "http://www.w3.org/1999/xlink",
        "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
        "of": "urn:oasis:names:tc:opendocument:xmlns:of:1.2",
    }
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in names.items())
    content = (
        f'<office:document-content {spaces} office:version="1.2">{scripts}<office:body><office:{kind}>{body}'
        f"</office:{kind}></office:body></office:document-content>"
    )
    media = f"application/vnd.oasis.opendocument.{kind}"
    entry = "manifest:file-entry manifest:full-path"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<{entry}="/" manifest:media-type="{media}"/><{entry}="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>"
    )
    return {"mimetype": media, "META-INF/manifest.xml": manifest, "content.xml": content}
