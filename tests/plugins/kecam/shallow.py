"""Networks of kecam with fewer blocks than they have, which take less time.

The oracle's process uses it as well: it needs nothing but Python.
"""

import contextlib
import functools
import inspect
import types

# What kecam's functions call the number of blocks, of all or of each stage.
DEPTHS = (
    "num_blocks",
    "depthes",
    "depth",
    "num_layers",
    "serial_depths",
    "parallel_depth",
)


@contextlib.contextmanager
def shallow(constructor, blocks):
    """Lets a constructor build at most so many blocks in each stage.

    It passes the number to a function for its whole family, which is another
    one meanwhile.

    Args:
        constructor: A function of one of kecam's modules.
        blocks: How many, or 0 for as many as there are.
    """
    module = inspect.unwrap(constructor).__globals__
    saved = dict(module)
    if blocks:
        for name, value in saved.items():
            if isinstance(value, types.FunctionType):
                module[name] = _bounded(value, blocks)
    try:
        yield
    finally:
        module.update(saved)


def _bounded(function, blocks):
    signature = inspect.signature(function)
    parameters = signature.parameters
    depths = [name for name in DEPTHS if name in parameters]
    is_family = "input_shape" in parameters or "kwargs" in parameters
    if not depths or not is_family:
        return function

    @functools.wraps(function)
    def call(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        for name in depths:
            asked = bound.arguments[name]
            if isinstance(asked, int):
                bound.arguments[name] = min(asked, blocks)
            elif isinstance(asked, (list, tuple)):
                bound.arguments[name] = [min(n, blocks) for n in asked]
        return function(*bound.args, **bound.kwargs)

    return call
