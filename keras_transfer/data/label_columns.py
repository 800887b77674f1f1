"""What is to be learned, in the columns of a table."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from keras_transfer.data.columns import Columns
from keras_transfer.data.folder_names import composed
from keras_transfer.data.splitting import Samples
from keras_transfer.names import natural_order

_SEPARATORS = ("|", ";", ",", " ")


@dataclasses.dataclass
class Labels:
    """What is to be learned, by the columns that hold it.

    Args:
        task: `"classification"`, `"multi_label"` or `"regression"`.
        argument: The argument that named the columns.
        columns: The columns.
        class_names: Names of classes, labels or numbers; known after `read`.
        separator: What stands between labels in one column, or `None`.
        units: Unit of each number by its column.
    """

    task: str
    argument: str
    columns: list[str]
    class_names: list[str] | None = None
    separator: str | None = None
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def asked(
        cls,
        label: str | None,
        labels: str | Sequence[str] | None,
        separator: str | None,
        target: str | Sequence[str] | None,
        units: Mapping[str, str] | None,
        class_names: Sequence[str] | None,
    ) -> "Labels":
        """Returns what the arguments of `from_table` ask for.

        Raises:
            ValueError: None or several of label, labels and target are given.
        """
        given = {"label": label, "labels": labels, "target": target}
        given = {name: value for name, value in given.items() if value}
        if len(given) != 1:
            raise ValueError(
                "Expected one of label= (the class), labels= (several labels "
                "at once) and target= (numbers). "
                f"Received: {', '.join(given) or 'none of them'}."
            )
        ((argument, value),) = given.items()
        columns = [value] if isinstance(value, str) else list(value)
        task = {"label": "classification", "labels": "multi_label"}
        task = task.get(argument, "regression")
        if separator is not None and (
            task != "multi_label" or len(columns) != 1 or not separator
        ):
            raise ValueError(
                "separator= is for labels= of one column. Received: "
                f"{argument}={value!r}, separator={separator!r}."
            )
        if units and (unknown := set(units) - set(columns)):
            raise ValueError(
                f"units= names {sorted(unknown)[0]!r}, which is no target. "
                f"Expected some of {columns}."
            )
        names = None if class_names is None else [*map(composed, class_names)]
        return cls(task, argument, columns, names, separator, units or {})

    def read(self, columns: Columns) -> np.ndarray:
        """Returns the labels of all rows; numbers are not scaled yet.

        Raises:
            ValueError: A column holds something else.
        """
        if self.task == "classification":
            return self._classes(columns.texts(self.columns[0]), columns.name)
        if self.task == "regression":
            self.class_names = self.columns
            read = [columns.numbers(name) for name in self.columns]
            return np.stack(read, axis=1)
        if self.separator is not None:
            return self._separated(columns)
        if len(self.columns) == 1:
            self._ask_for_separator(columns)
        self._choose(self.columns, columns.name)
        read = [columns.truths(name) for name in self.class_names]
        return np.stack(read, axis=1)

    def _classes(self, texts, table):
        found = sorted(set(texts.tolist()), key=natural_order)
        self._choose(found, table)
        if len(found) < 2:
            raise ValueError(
                f"The column {self.columns[0]!r} of {table} holds one class, "
                f"{found}; telling classes apart takes two or more."
            )
        numbers = {name: place for place, name in enumerate(self.class_names)}
        return np.array([numbers[text] for text in texts], dtype="int32")

    def _choose(self, found, table):
        """Takes the order of `class_names`, where it is given."""
        if self.class_names is None:
            self.class_names = list(found)
        if sorted(self.class_names) != sorted(found):
            missing = sorted(set(found) ^ set(self.class_names))
            raise ValueError(
                f"class_names={self.class_names} and the labels of {table}, "
                f"{list(found)}, differ in {missing[0]!r}. Expected the same "
                "names, each once."
            )

    def _separated(self, columns):
        (name,) = self.columns
        texts = columns.frame[name].fillna("").astype(str)
        tags = [
            {composed(tag.strip()) for tag in text.split(self.separator)} - {""}
            for text in texts
        ]
        found = sorted(set().union(*tags), key=natural_order)
        if len(found) < 2:
            self._ask_for_separator(columns)
        self._choose(found, columns.name)
        return np.array(
            [[name in own for name in self.class_names] for own in tags],
            dtype="float32",
        )

    def _ask_for_separator(self, columns):
        (name,) = self.columns
        texts = columns.frame[name].astype(str)
        found = [
            s for s in _SEPARATORS if texts.str.contains(s, regex=False).any()
        ]
        shown = f", which holds {found[0]!r}" if found else ""
        raise ValueError(
            f"labels= names the one column {name!r}{shown}. Expected several "
            "columns of 0 and 1; or separator= with what stands between the "
            f"labels, such as separator={(found or ['|'])[0]!r}."
        )

    def scaled(
        self, parts: dict[str, Samples]
    ) -> tuple[dict[str, Samples], dict[str, list] | None]:
        """Returns the parts with scaled numbers, and how they were scaled.

        Args:
            parts: The photographs; those of `"train"` decide.

        Raises:
            ValueError: A number is the same for all training photographs.
        """
        if self.task != "regression":
            return parts, None
        known = parts["train"].labels
        mean, std = known.mean(axis=0), known.std(axis=0)
        for name, spread in zip(self.columns, std, strict=True):
            if not spread > 0:
                raise ValueError(
                    f"The target {name!r} is the same for all training "
                    "photographs, so that there is nothing to learn. Leave it "
                    "out of target=."
                )
        scaled = {
            role: dataclasses.replace(
                part, labels=((part.labels - mean) / std).astype("float32")
            )
            for role, part in parts.items()
        }
        return scaled, {
            "names": list(self.columns),
            "units": [self.units.get(name) for name in self.columns],
            "mean": mean.tolist(),
            "std": std.tolist(),
        }
