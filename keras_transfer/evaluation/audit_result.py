"""What an audit found, as a table, a page and a cleaned list of files."""

import csv
import dataclasses
import os
from typing import Any

from keras_transfer.evaluation import page
from keras_transfer.evaluation.cleaning import cleaned_rows
from keras_transfer.evaluation.cleaning import label_of

# In the order of how much they spoil figures.
PROBLEMS = {
    "exact_copy_across_splits": "the same file in two splits",
    "near_copy_across_splits": "nearly the same photograph in two splits",
    "group_across_splits": "one group in two splits",
    "wrong_label": "label that is probably wrong",
    "exact_copy": "the same file twice",
    "near_copy": "nearly the same photograph twice",
    "blank": "blank",
    "outlier": "unlike all others",
    "unreadable": "no sound image",
}
_SHOWN = 12
_SIDE = (160, 160)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One photograph that is worth a look.

    Args:
        file: Its path within the folder.
        problem: One of the names in the table of `Audit`.
        partner: The photograph that it is a copy of or in one group with; the
            class that is more likely than its label; or why it is unreadable.
        score: How alike copies are, up to 1; the probability of a label that
            is probably wrong; the distance of an outlier; otherwise `None`.
    """

    file: str
    problem: str
    partner: str
    score: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class Audit:
    """What is wrong with photographs; `kt.audit` makes it.

    In a notebook it shows itself.

    Args:
        findings: What was found, the worst kind first.
        material: The photographs that were looked at.
        notes: Sentences about all of them.
        groups: What each belongs to, or `None`.

    Example:
    >>> import keras_transfer as kt
    >>> found = kt.audit("photos")
    >>> found.is_clean
    True
    >>> found.write_csv("audit.csv")
    """

    findings: tuple[Finding, ...]
    material: Any = dataclasses.field(repr=False)
    notes: tuple[str, ...] = ()
    groups: tuple[Any, ...] | None = dataclasses.field(repr=False, default=None)

    @property
    def is_clean(self) -> bool:
        """Whether no photograph needs a look."""
        return not self.findings

    def count(self, problem: str) -> int:
        """Returns how many photographs have a problem.

        Args:
            problem: Its name, as in `Finding`.

        Raises:
            ValueError: For a name of none.
        """
        if problem not in PROBLEMS:
            raise ValueError(
                f"Expected one of {list(PROBLEMS)}. Received: {problem!r}."
            )
        return sum(each.problem == problem for each in self.findings)

    def rows(self) -> list[tuple[str, int]]:
        """Returns each problem in words, with its number of photographs."""
        found = [(told, self.count(name)) for name, told in PROBLEMS.items()]
        return [(told, count) for told, count in found if count]

    def table(self) -> Any:
        """Returns the numbers as a table of rich, to be printed by it."""
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("problem")
        table.add_column("photographs", justify="right")
        for told, count in self.rows() or [("none found", 0)]:
            table.add_row(told, f"{count:,}")
        return table

    def write_csv(self, path: str | os.PathLike) -> None:
        """Writes what was found: file, problem, partner, score.

        Args:
            path: The file.
        """
        with _open(path) as file:
            rows = csv.writer(file)
            rows.writerow(["file", "problem", "partner", "score"])
            for each in self.findings:
                score = "" if each.score is None else f"{each.score:.4f}"
                rows.writerow([each.file, each.problem, each.partner, score])

    def fixed(self) -> list[tuple[str, str, str]]:
        """Returns file, label and split of the photographs that can stay.

        Of copies across splits the one that would be learned is left out, of
        others all but the first; of copies with different labels all. Blank
        and unreadable files go, and from training (where there are splits)
        those with a label that is probably wrong; held-out ones stay, as
        figures without the difficult ones would be too good. A group that
        crosses splits moves to where most of it is.
        """
        return cleaned_rows(self.material, self.findings, self.groups)

    def write_fixed(self, path: str | os.PathLike) -> None:
        """Writes the result of `fixed` as a CSV file.

        Args:
            path: The file.
        """
        with _open(path) as file:
            rows = csv.writer(file)
            rows.writerow(["file", "label", "split"])
            rows.writerows(self.fixed())

    def html(self, path: str | os.PathLike | None = None) -> str:
        """Returns one page with thumbnails that needs no network.

        Args:
            path: Where to write it as well. Defaults to `None`: nowhere.
        """
        text = page.document(f"Audit of {self._source()}", self.section())
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return text

    def section(self, pictures: bool = True) -> str:
        """Returns the part of a page that shows it, as HTML.

        Args:
            pictures: Whether with thumbnails. Defaults to True.
        """
        parts = [page.paragraph(note, "note") for note in self.notes]
        rows = self.rows()
        if rows:
            parts.append(page.table(("problem", "photographs"), rows))
        else:
            parts.append(page.paragraph("Nothing was found."))
        for name, told in PROBLEMS.items() if pictures else ():
            some = [each for each in self.findings if each.problem == name]
            if some:
                title = f"{told[0].upper()}{told[1:]}: {len(some):,}"
                more = len(some) - _SHOWN
                parts.append(f"<h3>{page.escaped(title)}</h3>\n")
                parts.append(page.photos(map(self._photo, some[:_SHOWN])))
                if more > 0:
                    parts.append(page.paragraph(f"And {more:,} more."))
        title = f"Audit of {len(self.material):,} photographs"
        return page.section(title, *parts)

    def _repr_html_(self):
        title = f"Audit of {self._source()}"
        return page.fragment(title, self.section(pictures=False))

    def _photo(self, each):
        place = {name: row for row, name in enumerate(self.material.names)}
        rows = [place.get(each.file), place.get(each.partner)]
        rows = [row for row in rows if row is not None]
        pictures = [
            (pixels, self.material.names[row])
            for row in rows
            for pixels in self.material.images([row], _SIDE, "rgb")
        ]
        lines = [each.file]
        if each.problem == "wrong_label":
            label = label_of(self.material, place[each.file])
            lines.append(
                f"labelled {label} ({each.score:.0%}), rather {each.partner}"
            )
        elif each.partner:
            lines.append(each.partner)
        if each.score is not None and "near" in each.problem:
            lines.append(f"alike by {each.score:.2f}")
        return page.photo(pictures, *lines)

    def _source(self):
        root = self.material.root
        return "photographs" if root is None else root.resolve().name


def _open(path):
    # Names of files may hold bytes of no character set.
    return open(
        path, "w", newline="", encoding="utf-8", errors="surrogateescape"
    )
