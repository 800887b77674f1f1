"""OpenVINO, run by its own runtime in full precision."""

import contextlib
import json
import sys

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.format import check_sizes
from keras_transfer.exporting.formats.runner import Axes
from keras_transfer.exporting.formats.runner import Runner

# The default is bfloat16 where the CPU has it; logits then differ by 0.98.
_FULL_PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


class OpenVINO(Format):
    """Two files, `.xml` beside `.bin`, for Intel's processors.

    Compile it with `INFERENCE_PRECISION_HINT` set to `f32`: the default is
    bfloat16 where the processor has it.
    """

    name = "openvino"
    suffix = ".xml"
    packages = ("openvino",)
    reader = "openvino"
    extra = "openvino"
    # Its int8 is the work of nncf, which is no dependency of ours.
    precisions = ("float32", "float16")

    def write(
        self, model, path, description, precision="float32", calibration=None
    ):
        openvino = _import_openvino()
        plain = path.with_name(f"plain-{path.name}")
        model.export(str(plain), format="openvino", verbose=False)
        network = openvino.Core().read_model(plain)
        wanted = description.get("outputs", [description.get("output")])
        for output in network.outputs:
            # Several were keys, which are among the names of their tensor.
            known = [
                o["name"] for o in wanted if o["name"] in output.get_names()
            ]
            name = known[0] if len(wanted) > 1 else wanted[0]["name"]
            output.tensor.set_names({name})
        for key, value in description.items():
            network.set_rt_info(json.dumps(value), ["keras_transfer", key])
        openvino.save_model(
            network, path, compress_to_fp16=precision == "float16"
        )
        # Its weights are read where they lie, so it goes first.
        del network
        for file in self.files(plain):
            file.unlink()

    def files(self, path):
        return [path.with_suffix(".bin"), path]

    def open(self, path):
        openvino = _import_openvino()
        core = openvino.Core()
        network = core.read_model(str(path))
        # Before compilation, which computes constants of any size.
        check_sizes(
            _lengths(output.partial_shape)
            for operation in network.get_ops()
            for output in operation.outputs()
        )
        compiled = core.compile_model(network, "CPU", _FULL_PRECISION)
        if len(compiled.inputs) != 1 or not compiled.outputs:
            raise ValueError(
                f"it has {len(compiled.inputs)} inputs and "
                f"{len(compiled.outputs)} outputs, expected the images and "
                "the predictions"
            )
        outputs = compiled.outputs

        def run(images):
            found = compiled(images)
            return [found[output] for output in outputs]

        return Runner(
            run,
            _axes(compiled.inputs[0]),
            tuple(map(_axes, outputs)),
            tuple(min(output.get_names(), default="") for output in outputs),
        )

    def runtime(self):
        return f"openvino {_import_openvino().__version__}"


def _axes(port):
    return Axes(_lengths(port.partial_shape), port.element_type.to_dtype().name)


def _lengths(shape):
    if shape.rank.is_dynamic:
        return ()
    return tuple(n.get_length() if n.is_static else None for n in shape)


def _import_openvino():
    """Imports OpenVINO without its telemetry.

    Otherwise the import alone, and each conversion, is reported to a server
    until the user has called `opt_in_out --opt_out`.
    """
    if "openvino" not in sys.modules:
        with _absent("openvino_telemetry"):
            import openvino.tools.ovc  # noqa: F401
    return sys.modules["openvino"]


@contextlib.contextmanager
def _absent(name):
    before = sys.modules.get(name)
    sys.modules[name] = None
    try:
        yield
    finally:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
