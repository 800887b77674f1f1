"""How often the layers of a model are called while Keras builds it.

Keras tries each call again until what it takes is there, and goes through a
nested model for every call of it: a list in the wrong order, or models that
call each other twice, take hours in a file of a few kilobytes.
"""

from typing import Any

from keras_transfer.saving.archive import limits
from keras_transfer.saving.archive import stock_names
from keras_transfer.saving.archive.error import DAMAGED
from keras_transfer.saving.archive.error import UNUSUAL
from keras_transfer.saving.archive.error import ModelFileError

_TENSOR = "__keras_tensor__"


def check_calls(config: dict[str, Any]) -> None:
    """Raises unless all calls of a model can be made, in reasonable time.

    Args:
        config: The configuration of a model, each object of which is allowed.

    Raises:
        ModelFileError: Names the layer that is called with nothing, or with
            what is never there, or says how many calls there are.
    """
    _Calls().of(config)


class _Calls:
    def __init__(self):
        self._made = 0

    def of(self, entry):
        """Counts the calls within an entry; returns those of one call."""
        # Initializers and the like are not called while a model is built.
        inside = int(entry["class_name"] not in stock_names.PARTS)
        for layer, calls in _parts(entry):
            one = self.of(layer)
            inside += calls * one
            self._made += calls * one
            if self._made > limits.CALLS:
                raise ModelFileError(
                    f"calls its layers more than {limits.CALLS} times, with "
                    "those in nested models.",
                    UNUSUAL,
                )
        return inside


def _parts(entry):
    """The objects right within an entry, each with its number of calls."""
    config = entry.get("config")
    if not isinstance(config, dict):
        return
    if _is_graph(entry):
        nodes = _check_order(config)
        for layer, own in zip(config["layers"], nodes, strict=True):
            yield layer, len(own)
        config = {k: v for k, v in config.items() if k != "layers"}
    elif entry["class_name"] == "Sequential":
        # Keras calls all that are there again for each that it adds.
        layers = config.get("layers")
        layers = layers if isinstance(layers, list) else []
        for number, layer in enumerate(layers):
            if isinstance(layer, dict) and "class_name" in layer:
                yield layer, len(layers) - number
        config = {k: v for k, v in config.items() if k != "layers"}
    pending = list(config.values())
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if isinstance(item.get("config"), dict) and "class_name" in item:
                yield item, 1
            else:
                pending += item.values()


def _is_graph(entry):
    config = entry.get("config")
    return (
        isinstance(config, dict)
        and isinstance(config.get("layers"), list)
        and "input_layers" in config
    )


def _check_order(config):
    """Follows Keras through the calls of a graph; returns those of layers."""
    nodes, made = [], {}
    for layer in config["layers"]:
        name = layer.get("name") if isinstance(layer, dict) else None
        if not isinstance(name, str) or "class_name" not in layer:
            raise ModelFileError("lists a layer without a name.", DAMAGED)
        if name in made:
            raise ModelFileError(f"lists two layers {name[:80]!r}.", UNUSUAL)
        # Inputs and models have outputs before they are called.
        made[name] = int(
            layer["class_name"] == "InputLayer" or _is_graph(layer)
        )
        nodes.append(
            [_sources(node, name) for node in layer.get("inbound_nodes", [])]
        )
    _check_known(nodes, made, config)
    names = list(made)
    tries = passes = 0
    most = limits.TRIES_PER_CALL * (sum(map(len, nodes)) + 100)
    waiting = {i: 0 for i, own in enumerate(nodes) if own}
    while waiting:
        progress = False
        passes += 1
        for index, done in list(waiting.items()):
            own = nodes[index]
            while done < len(own):
                tries += 1
                if any(made[name] <= at for name, at in own[done]):
                    break
                made[names[index]] += 1
                done += 1
                progress = True
            waiting[index] = done
            if done == len(own):
                del waiting[index]
        if not progress:
            first = names[next(iter(waiting))]
            raise ModelFileError(
                f"calls the layer {first[:80]!r} with what is never computed.",
                UNUSUAL,
            )
        if tries > most or passes * len(nodes) > limits.LAYERS_PASSED:
            raise ModelFileError(
                "lists its layers in an order in which they cannot be called.",
                UNUSUAL,
            )
    return nodes


def _check_known(nodes, made, config):
    for own in nodes:
        for sources in own:
            for name, _ in sources:
                if name not in made:
                    raise ModelFileError(
                        f"takes the output of the layer {name[:80]!r}, which "
                        "it does not list.",
                        DAMAGED,
                    )


def _sources(node, layer):
    """Layer and call of each tensor that a call takes."""
    if isinstance(node, list):
        found = [tensor[:2] for tensor in node if isinstance(tensor, list)]
        is_whole = len(found) == len(node)
    else:
        found = list(_tensors(node))
        is_whole = True
    is_proper = all(
        len(source) == 2
        and isinstance(source[0], str)
        and isinstance(source[1], int)
        and source[1] >= 0
        for source in found
    )
    # Keras writes no call without a tensor: it would be made at once.
    if not found or not is_whole or not is_proper:
        raise ModelFileError(
            f"calls the layer {layer[:80]!r} without a tensor, or with one of "
            "no layer.",
            UNUSUAL,
        )
    return [tuple(source) for source in found]


def _tensors(node):
    pending = [node]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if item.get("class_name") == _TENSOR:
                history = (item.get("config") or {}).get("keras_history")
                yield (history or [])[:2] if isinstance(history, list) else []
            else:
                pending += item.values()
