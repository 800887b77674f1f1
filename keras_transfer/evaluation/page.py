"""The frame of a page that is one file: its style, sections and tables."""

import base64
import html
import io
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from keras_transfer.names import printable

_STYLE = """
.kt{--ink:#1d2430;--soft:#5b6573;--line:#dde2e8;--paper:#fff;--card:#f6f8fa;
--c0:#4477aa;--c1:#ee6677;--c2:#228833;--c3:#aa3377;--c4:#997700;
color:var(--ink);background:var(--paper);line-height:1.5;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media (prefers-color-scheme:dark){.kt{--ink:#e7ebf0;--soft:#a3adba;
--line:#39424e;--paper:#14181d;--card:#1d232a;--c0:#77aadd;--c1:#ee8899;
--c2:#66bb77;--c3:#dd88bb;--c4:#ccbb44}}
.kt *{box-sizing:border-box}
.kt main{max-width:64rem;margin:0 auto;padding:1rem}
.kt h1{font-size:1.5rem;margin:.5rem 0 .25rem;overflow-wrap:anywhere}
.kt h2{font-size:1.15rem;margin:2rem 0 .5rem}
.kt h3{font-size:1rem;margin:1rem 0 .25rem}
.kt p{margin:.4rem 0;max-width:46rem}
.kt .soft{color:var(--soft)}
.kt .wide{overflow-x:auto}
.kt table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.kt th,.kt td{padding:.3rem .7rem;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line);overflow-wrap:anywhere;
color:inherit;background:none}
.kt th{font-weight:600;color:var(--soft)}
.kt td:first-child,.kt th:first-child{min-width:6rem;padding-left:0}
.kt .wide+.wide{margin-top:1rem}
.kt td.n,.kt th.n{text-align:right;white-space:nowrap}
@media (max-width:30rem){.kt td,.kt th{padding:.3rem .35rem}
.kt td:first-child,.kt th:first-child{min-width:4rem}}
.kt .matrix td{text-align:right;min-width:3rem}
.kt .charts{display:grid;gap:1rem;
grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr))}
.kt figure{margin:0;max-width:30rem}
.kt figcaption{font-weight:600;font-size:.95rem}
.kt svg{width:100%;height:auto;display:block}
.kt svg text{font-size:11px;fill:var(--soft)}
.kt .grid{stroke:var(--line)}
.kt .ideal{stroke:var(--soft);stroke-dasharray:4 4}
.kt .bar{stroke:var(--c0);stroke-width:1.5;opacity:.5}
.kt .curve{fill:none;stroke-width:2}
.kt .c0{stroke:var(--c0)}.kt .c1{stroke:var(--c1)}.kt .c2{stroke:var(--c2)}
.kt .c3{stroke:var(--c3)}.kt .c4{stroke:var(--c4)}
.kt .dot.c0{fill:var(--c0)}.kt .dot.c1{fill:var(--c1)}
.kt .dot.c2{fill:var(--c2)}.kt .dot.c3{fill:var(--c3)}
.kt .dot.c4{fill:var(--c4)}
.kt .k0{background:var(--c0)}.kt .k1{background:var(--c1)}
.kt .k2{background:var(--c2)}.kt .k3{background:var(--c3)}
.kt .k4{background:var(--c4)}
.kt .legend{list-style:none;margin:0;padding:0 0 0 2.5rem;display:flex;
flex-wrap:wrap;gap:.2rem 1rem;font-size:.85rem}
.kt .key{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;
border-radius:2px}
.kt .photos{display:grid;gap:1rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,17rem),1fr))}
.kt .photo{background:var(--card);border-radius:8px;padding:.6rem;
font-size:.85rem;overflow-wrap:anywhere}
.kt .photo div{display:flex;gap:.4rem}
.kt .photo img{flex:1 1 0;min-width:0;max-width:50%;border-radius:4px;
object-fit:contain;align-self:flex-start}
.kt .big{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:1rem 0}
.kt .big b{display:block;font-size:1.7rem;line-height:1.2}
"""


def escaped(text: Any) -> str:
    """Returns a text as it stands in HTML, whatever its characters."""
    return html.escape(printable(str(text)))


def document(title: str, body: str) -> str:
    """Returns a whole page.

    Args:
        title: In the browser's bar and as heading.
        body: What is below the heading, as HTML.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, '
        f'initial-scale=1">\n<title>{escaped(title)}</title>\n'
        f"<style>body{{margin:0}}{_STYLE}</style>\n</head>\n"
        f'<body class="kt">\n<main>\n<h1>{escaped(title)}</h1>\n{body}\n'
        "</main>\n</body>\n</html>\n"
    )


def fragment(title: str, body: str) -> str:
    """Returns the same to be part of a notebook."""
    return (
        f'<div class="kt"><style>{_STYLE}</style><main><h1>{escaped(title)}'
        f"</h1>{body}</main></div>"
    )


def section(title: str, *parts: str) -> str:
    """Returns a heading with what is below it, as HTML."""
    return f"<section>\n<h2>{escaped(title)}</h2>\n{''.join(parts)}</section>\n"


def paragraph(text: str, kind: str = "soft") -> str:
    """Returns a paragraph of plain text, as HTML."""
    return f'<p class="{kind}">{escaped(text)}</p>\n'


def headline(values: Iterable[tuple[str, str]]) -> str:
    """Returns a few figures in large type, as HTML."""
    items = "".join(
        f"<div><b>{escaped(value)}</b>{escaped(name)}</div>"
        for name, value in values
    )
    return f'<div class="big">{items}</div>\n'


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1
) -> str:
    """Returns a table that scrolls by itself on a narrow screen, as HTML.

    Args:
        columns: Headings.
        rows: A value for each column.
        left: Number of columns that are text; the others are numbers.
    """

    def cells(kind, row):
        return "".join(
            f"<{kind}>{escaped(cell)}</{kind}>"
            if place < left
            else f'<{kind} class="n">{escaped(cell)}</{kind}>'
            for place, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{cells("th", columns)}</tr>'
        f"</thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )


def matrix(counts: np.ndarray, names: Sequence[str]) -> str:
    """Returns a confusion matrix, shaded by the share of its row, as HTML."""
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    heads = "".join(f'<th class="n">{escaped(name)}</th>' for name in names)
    rows = []
    for i, name in enumerate(names):
        cells = "".join(
            f'<td style="background:rgba({_shade(i == j)},'
            f'{0.6 * shares[i, j]:.2f})">{counts[i, j]}</td>'
            for j in range(len(names))
        )
        rows.append(f"<tr><th>{escaped(name)}</th>{cells}</tr>\n")
    return (
        '<div class="wide"><table class="matrix">\n<thead><tr><th>true \\ '
        f"predicted</th>{heads}</tr></thead>\n<tbody>\n{''.join(rows)}"
        "</tbody>\n</table></div>\n"
    )


def _shade(is_right):
    return "68,119,170" if is_right else "238,102,119"


def chart(title: str, drawing: str) -> str:
    """Returns a chart with its title, as HTML."""
    return (
        f"<figure><figcaption>{escaped(title)}</figcaption>{drawing}</figure>\n"
    )


def charts(*items: str) -> str:
    """Returns charts side by side where there is room, as HTML."""
    return f'<div class="charts">\n{"".join(items)}</div>\n'


def photo(pictures: Sequence[tuple[np.ndarray, str]], *lines: str) -> str:
    """Returns photographs with text below them, as HTML.

    Args:
        pictures: Pixels as uint8, each with a text for those who cannot see.
        lines: What is told of them.
    """
    shown = "".join(
        f'<img src="{data_address(pixels)}" alt="{escaped(text)}">'
        for pixels, text in pictures
    )
    text = "".join(f"<br>{escaped(line)}" for line in lines)
    return f'<div class="photo"><div>{shown}</div>{text[4:]}</div>\n'


def photos(items: Iterable[str]) -> str:
    """Returns photographs in a grid, as HTML."""
    return f'<div class="photos">\n{"".join(items)}</div>\n'


def data_address(pixels: np.ndarray) -> str:
    """Returns a picture as an address that holds the picture itself."""
    file = io.BytesIO()
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    picture = Image.fromarray(np.asarray(pixels, "uint8"))
    picture.convert("RGB").save(file, "JPEG", quality=85)
    text = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/jpeg;base64,{text}"
