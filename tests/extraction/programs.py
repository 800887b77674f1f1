"""Random programs: models drawn by Hypothesis, and what they compute.

A program is a list of calls. It is built as a Functional model; what it
computes is found by making the same calls on arrays, which needs no graph.
"""

import dataclasses
from typing import Any

import keras
from hypothesis import strategies as st
from keras import layers

WIDTH = 4


@dataclasses.dataclass
class Program:
    """A model over vectors, not built yet.

    Args:
        num_inputs: How many inputs it has.
        steps: `(what, arguments)`. What is called is a kind of layer, a nested
            program, or the number of an earlier step, whose layer or model is
            called again. The arguments are positions among all values so far,
            the inputs first.
    """

    num_inputs: int
    steps: list[tuple[Any, list[int]]]

    @property
    def outputs(self) -> list[int]:
        """Positions of the values that no step uses: the graph holds it all."""
        used = {i for _, arguments in self.steps for i in arguments}
        return [
            i for i in range(self.num_inputs, self.num_values) if i not in used
        ]

    @property
    def num_values(self) -> int:
        return self.num_inputs + sum(
            self.width_of(step) for step in range(len(self.steps))
        )

    def called_in(self, step):
        """What a step calls, if need be by way of an earlier step."""
        what = self.steps[step][0]
        return self.called_in(what) if isinstance(what, int) else what

    def width_of(self, step):
        what = self.called_in(step)
        return len(what.outputs) if isinstance(what, Program) else 1


class Built:
    """A program with its layers and its model."""

    def __init__(self, program, name="model"):
        self.program = program
        self.called = []
        for number, (what, _) in enumerate(program.steps):
            if isinstance(what, int):
                self.called.append(self.called[what])
            elif isinstance(what, Program):
                self.called.append(Built(what, f"inner_{number}"))
            else:
                self.called.append(_layer(what, number))
        inputs = [
            keras.Input((WIDTH,), name=f"in{i}")
            for i in range(program.num_inputs)
        ]
        values, _ = self._run(inputs)
        outputs = [values[i] for i in program.outputs]
        self.model = keras.Model(inputs, outputs, name=name)

    def run(self, arrays):
        """Returns what every call computes, by its path."""
        return self._run(arrays)[1]

    def _run(self, inputs):
        values, by_path, counts = list(inputs), {}, {}
        for called, (_, arguments) in zip(
            self.called, self.program.steps, strict=True
        ):
            tensors = [values[i] for i in arguments]
            is_nested = isinstance(called, Built)
            layer = called.model if is_nested else called
            number = counts.get(layer.name, 0)
            counts[layer.name] = number + 1
            path = layer.name + (f":{number}" if number else "")
            if is_nested and not isinstance(tensors[0], keras.KerasTensor):
                inside, found = called._run(tensors)
                outputs = [inside[i] for i in called.program.outputs]
                by_path |= {f"{path}/{p}": v for p, v in found.items()}
            else:
                outputs = layer(tensors if len(tensors) > 1 else tensors[0])
                if not isinstance(outputs, (list, tuple)):
                    outputs = [outputs]
            if len(outputs) == 1:
                by_path[path] = outputs[0]
            else:
                by_path |= {f"{path}[{i}]": v for i, v in enumerate(outputs)}
            values += outputs
        return values, by_path


def _layer(kind, number):
    if kind == "dense":
        return layers.Dense(WIDTH, "tanh", name=f"dense_{number}")
    if kind == "norm":
        return layers.BatchNormalization(name=f"norm_{number}")
    return layers.Add(name=f"add_{number}")


@st.composite
def programs(draw, depth=2):
    """Draws programs: branches, sharing, nesting, several inputs, outputs."""
    program = Program(draw(st.integers(1, 2)), [])
    for number in range(draw(st.integers(1, 4))):
        kinds = ["dense", "norm", "add"]
        kinds += ["again"] * bool(number) + ["nested"] * bool(depth)
        what = draw(st.sampled_from(kinds))
        if what == "nested":
            what = draw(programs(depth - 1))
        elif what == "again":
            what = draw(st.integers(0, number - 1))
        value = st.integers(0, program.num_values - 1)
        program.steps.append((what, []))
        called = program.called_in(number)
        arity = 2 if called == "add" else 1
        if isinstance(called, Program):
            arity = called.num_inputs
        program.steps[number][1].extend(draw(value) for _ in range(arity))
    for i in range(program.num_inputs):
        if all(i not in arguments for _, arguments in program.steps):
            program.steps.append(("dense", [i]))
    return program
