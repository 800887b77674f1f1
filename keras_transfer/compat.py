"""Every use of private Keras API, each with the public road that was tried.

Checked on Keras 3.15.1.
"""

import contextlib
import importlib
import inspect
import threading

import keras
from keras.src.backend.common import global_state
from keras.src.legacy.saving import saving_options
from keras.src.legacy.saving import saving_utils
from keras.src.models import functional
from keras.src.optimizers import base_optimizer
from keras.src.saving import serialization_lib
from keras.src.trainers import compile_utils

_NAMES = "object_name_uids"
_lock = threading.RLock()


@contextlib.contextmanager
def canonical_names():
    """Names layers built inside as in a fresh process; restores the counters.

    Public alternatives: `keras.utils.clear_session` also clears the user's own
    state; renaming layers after the build leaves the old number in the paths
    of their variables, by which optimizer state is found again.
    """
    with _lock:
        before = global_state.get_global_attribute(_NAMES)
        global_state.set_global_attribute(_NAMES, None)
        try:
            yield
        finally:
            global_state.set_global_attribute(_NAMES, before)


def is_graph(operation) -> bool:
    """Whether the operation is a model with a static graph of its own.

    A `Sequential` has one only once it is built.
    """
    if isinstance(operation, keras.Sequential):
        return getattr(operation, "_functional", None) is not None
    return isinstance(operation, keras.Model) and hasattr(
        operation, "_nodes_by_depth"
    )


def calls_its_graph(model) -> bool:
    """Whether calling a model with a graph is running that graph.

    Public alternative: none; `keras.Model` is another class than that of a
    Functional model, which has no public name.
    """
    return type(model).call in (
        functional.Functional.call,
        keras.Sequential.call,
    )


def graph_nodes(model) -> list:
    """The calls that lead from a model's inputs to its outputs, in order.

    Each node has `operation`, `input_tensors` and `outputs`. There is no
    public view of a Functional model's edges; `operations` lists only the
    vertices.

    Args:
        model: A model with a static graph, or whatever has `inputs` and
            `outputs` that are symbolic tensors.
    """
    boundary = {id(tensor) for tensor in model.inputs}
    ordered, done = [], set()
    # Iterative depth-first search: graphs are deeper than Python's stack.
    stack = [(tensor, False) for tensor in reversed(model.outputs)]
    while stack:
        tensor, inputs_done = stack.pop()
        if id(tensor) in boundary:
            continue
        node = producer(tensor)
        if id(node) in done:
            continue
        if inputs_done:
            done.add(id(node))
            ordered.append(node)
            continue
        stack.append((tensor, True))
        stack.extend((t, False) for t in reversed(node.input_tensors))
    return ordered


def node_arguments(node, replace) -> tuple[tuple, dict]:
    """The arguments that a call was recorded with, `(args, kwargs)`.

    Public alternative: none; a replayed layer would lose all arguments but
    its input.

    Args:
        node: One of `graph_nodes`.
        replace: Called with each leaf of the arguments, symbolic tensors among
            them; returns what stands in its place.
    """
    return node.arguments.convert(replace)


def takes_training(operation) -> bool:
    """Whether `training` can be passed to a call of the operation.

    Public alternative: the signature of `call`, which says it as well, but not
    of layers that pass it on.
    """
    return getattr(operation, "_call_has_training_arg", False)


def producer(tensor):
    """The call that a symbolic tensor comes from.

    Public alternative: none; a tensor does not say where it comes from.
    """
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]


def call_position(node) -> int:
    """How many calls its operation had, in whatever model, before this one.

    Public alternative: `Layer.output` knows the first call only.
    """
    return node.operation._inbound_nodes.index(node)


@contextlib.contextmanager
def training_restored():
    """Gives the layers that run afterwards the `training` of before.

    A layer that is called with `training=False` leaves it behind for all that
    follows in the same outer call. Public alternative: none.
    """
    context = global_state.get_global_attribute("current_call_ctx")
    before = context.get_value("training") if context else None
    try:
        yield
    finally:
        if context:
            context.set_value("training", before)


def sublayers(layer) -> list:
    """The layer itself and all layers inside it, outermost first.

    Public alternative: `Model.layers` exists on models only, and a composite
    custom layer has no list of its parts.
    """
    return list(layer._flatten_layers())


def direct_sublayers(layer) -> list:
    """The layers that a layer holds itself, in the order of their creation.

    Public alternative: `Model.layers` exists on models only.
    """
    return list(layer._layers)


def own_trainable_variables(layer) -> list:
    """The variables of this layer alone that it created as trainable.

    Public alternative: `trainable_variables` leaves out those whose flag is
    off, so that they could never be found again.
    """
    return list(layer._trainable_variables)


def lora_bases(layer) -> list:
    """The weights of this layer that LoRA keeps fixed beside its own.

    Public alternative: `layer.kernel` is then the sum of both, a tensor, and
    the flags of a frozen layer no longer tell the one from the other.
    """
    if not getattr(layer, "lora_enabled", False):
        return []
    bases = (getattr(layer, name, None) for name in ("_kernel", "_embeddings"))
    return [base for base in bases if isinstance(base, keras.Variable)]


def remove_adapter(layer) -> None:
    """Takes LoRA's weights away from a layer that has been merged.

    Public alternative: none; `quantize` alone removes weights of a layer, and
    a locked tracker refuses to.
    """
    layer._tracker.unlock()
    for kind in ("kernel", "embeddings"):
        for name in (f"lora_{kind}_a", f"lora_{kind}_b"):
            if hasattr(layer, name):
                delattr(layer, name)
    layer._tracker.lock()
    layer.lora_enabled = False
    layer.lora_rank = layer.lora_alpha = None


def own_variables(layer) -> list:
    """The weights of this layer alone, without those of its sublayers.

    Public alternative: `weights` includes the sublayers'.
    """
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def optimizer_state(optimizer) -> tuple[dict, dict]:
    """The state of a built stock optimizer as `(counters, slots)`.

    `counters` maps a name to a scalar variable shared by all weights (the step
    counter, Nadam's product); `slots` maps a name to a list with one variable,
    or None, per weight. Names are those of the attributes.

    Public alternative: `Optimizer.variables` is a flat list that does not say
    which weight a variable belongs to.
    """
    own = {id(variable) for variable in optimizer.variables}
    num_weights = len(optimizer._trainable_variables)
    counters, slots = {}, {}
    for name, value in vars(optimizer).items():
        if name in ("_variables", "_learning_rate"):
            continue
        if isinstance(value, keras.Variable):
            counters[name] = value
        elif isinstance(value, list) and len(value) == num_weights:
            held = [item for item in value if item is not None]
            if held and all(id(item) in own for item in held):
                slots[name] = list(value)
    return counters, slots


def optimizer_weights(optimizer) -> list:
    """The model weights that a stock optimizer was built on, in order.

    Public alternative: none; `Optimizer.variables` lists only its own.
    """
    return list(optimizer._trainable_variables)


def step_counter(optimizer) -> keras.Variable:
    """The variable that counts calls of `apply`.

    Public alternative: `Optimizer.iterations` counts whole accumulation
    windows, so that it cannot tell an untouched optimizer from one that is in
    its first window.
    """
    return optimizer._iterations


def steps_taken(optimizer) -> int:
    """The value of `step_counter`; `int` cannot read a mirrored variable."""
    return int(keras.ops.convert_to_numpy(step_counter(optimizer)))


def moving_averages(optimizer) -> list:
    """The averages that `use_ema` keeps, one or None per weight.

    Public alternative: `finalize_variable_values` writes all of them, by
    position, into whatever list of weights it is given.
    """
    return list(getattr(optimizer, "_model_variables_moving_average", ()))


def gradient_accumulators(optimizer) -> list:
    """The partial sums of gradient accumulation, one or None per weight.

    Public alternative: none.
    """
    return list(getattr(optimizer, "_accumulated_gradients", ()))


def learning_rate_source(optimizer):
    """The variable, schedule or callable that gives the learning rate.

    Public alternative: `Optimizer.learning_rate` evaluates a schedule at once;
    `get_config` fails for a schedule class that is not registered.
    """
    return optimizer._learning_rate


def weight_key(optimizer, variable):
    """What an optimizer knows a weight by, the same on every replica.

    Public alternative: `id` differs between the views that TensorFlow's
    replicas have of one weight.
    """
    return optimizer._var_key(variable)


def copy_weight_decay_exclusions(source, target) -> None:
    """Excludes from weight decay what another optimizer excludes.

    Public alternative: `exclude_from_weight_decay` is write-only and no part
    of an optimizer's config.
    """
    for name in (
        "_exclude_from_weight_decay",
        "_exclude_from_weight_decay_pattern",
    ):
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))


def undecayed_names(optimizer) -> str | None:
    """The pattern of names that an optimizer excludes from weight decay.

    Public alternative: as for `copy_weight_decay_exclusions`.
    """
    found = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    return None if found is None else found.pattern


def clip_by_global_norm(gradients, norm) -> list:
    """Scales gradients so that their common norm is at most `norm`.

    Public alternative: a sum of `keras.ops` calls gives other last bits than
    the stock optimizer's own function.
    """
    return base_optimizer.clip_by_global_norm(gradients, norm)


class Averages:
    """Mixin: shows the `averages` of an optimizer as `SwapEMAWeights` reads.

    That callback zips two private lists of a stock optimizer, and finds out
    by the existence of the second whether there are averages. Public
    alternative: none. Tracked lists would count as optimizer state.
    """

    @property
    def _trainable_variables(self):
        if not self.use_ema:
            return self.active_variables()
        return [variable for variable, _ in self.averages()]

    @_trainable_variables.setter
    def _trainable_variables(self, variables):
        pass

    @property
    def _model_variables_moving_average(self):
        if not self.use_ema:
            raise AttributeError("The optimizer keeps no moving averages.")
        return [average for _, average in self.averages()]

    @_model_variables_moving_average.setter
    def _model_variables_moving_average(self, variables):
        pass


class ActiveVariables:
    """Mixin: lets Keras see an optimizer's `active_variables` as its own list.

    `LossScaleOptimizer` zips gradients against `_trainable_variables`, which
    Keras fills once, in `build`. Public alternative: none. The setter ignores
    what Keras assigns; a tracked list of weights would count as optimizer
    state, and JAX would donate their buffers twice.
    """

    @property
    def _trainable_variables(self):
        return self.active_variables()

    @_trainable_variables.setter
    def _trainable_variables(self, variables):
        pass


def replace_optimizer(model, optimizer) -> None:
    """Gives a compiled model another optimizer, here and in its saved config.

    Public alternative: `compile` forgets metrics, and during `fit` it takes
    away the function that `fit` is about to call.
    """
    model.optimizer = optimizer
    model._compile_config.config["optimizer"] = optimizer


@contextlib.contextmanager
def optimizer_kept(model):
    """Gives a model its optimizer and step functions back after a block.

    Public alternative: none that keeps the functions: `compile` makes new
    ones, and forgets metrics.
    """
    config = model._compile_config.config
    kept = model.optimizer, config["optimizer"]
    names = ("train_function", "test_function", "predict_function")
    functions = {name: getattr(model, name) for name in names}
    try:
        yield
    finally:
        model.optimizer, config["optimizer"] = kept
        for name, function in functions.items():
            setattr(model, name, function)


def metric_directions(model) -> dict:
    """How each metric of a compiled model improves, by its name in the logs.

    The values are "up", "down", or None where the metric does not say; the
    losses fall. What was compiled by name is there from the first batch on.

    Public alternatives: `EarlyStopping` asks the metrics in this way, but
    tells nobody and knows no names of several outputs; a metric does not say
    its direction in public.
    """
    directions = {}
    for metric in model.metrics:
        if not isinstance(metric, compile_utils.CompileMetrics):
            is_loss = isinstance(metric, keras.metrics.Mean) and (
                metric.name == "loss" or metric.name.endswith("_loss")
            )
            directions[metric.name] = "down" if is_loss else direction(metric)
        elif metric.built:
            plain = metric._flat_metrics, ""
            weighted = metric._flat_weighted_metrics, "weighted_"
            for groups, prefix in (plain, weighted):
                _add_directions(directions, groups, prefix)
    return directions


def _add_directions(directions, groups, prefix):
    """Adds groups of metrics under the names that `CompileMetrics` invents."""
    for group in filter(None, groups):
        output = f"{group.output_name}_" if group.output_name else ""
        for metric in group.metrics:
            name = f"{output}{metric.name}"
            if prefix and name in directions:
                name = f"{output}{prefix}{metric.name}"
            number, unique = 0, name
            while unique in directions:
                number, unique = number + 1, f"{name}_{number + 1}"
            directions[unique] = direction(metric)


def direction(metric) -> str | None:
    """How a metric says that it improves: "up", "down", or None.

    Public alternative: none; see `metric_directions`.
    """
    return getattr(metric, "_direction", None)


def compiled_loss(model, y, y_pred, sample_weight):
    """The loss that a model was compiled with, of these labels and outputs.

    Public alternative: `Model.compute_loss` adds the losses of regularizers
    each time it is called; `Model.loss` may be a bare name that says nothing
    of the shape of labels.
    """
    return model._compile_loss(y, y_pred, sample_weight)


def record_trainable_flags(model) -> None:
    """Tells Keras that the flags of a compiled model were changed knowingly.

    Public alternative: `compile`. Without it Keras may warn that the change
    has no effect; the warning is unreachable in 3.15.1.
    """
    model._compiled_trainable_state = {
        layer: layer.trainable for layer in model._flatten_layers()
    }


def begin_at_epoch(model, epoch) -> None:
    """Lets a `fit` that has just begun start at an epoch; `None` forgets it.

    Public alternative: `initial_epoch` of `fit`, which must be known before
    the callbacks speak. `BackupAndRestore` does the same, and forgets nothing.
    """
    model._initial_epoch = epoch


def model_being_saved():
    """The outermost model whose configuration is just being asked for, or None.

    A layer is asked for its own configuration and told neither where it stands
    nor what for. Public alternatives: a subclass of `keras.Model` with a
    `get_config` of its own is lost when somebody wraps the model, and every
    file would need our class; `save_model` could hand the model over, but
    `model.save` and `ModelCheckpoint` do not pass through it; a record that is
    kept whenever flags are written misses `layer.kernel.trainable = False`.
    """
    return _outermost_model("get_config", "self")


def model_being_loaded():
    """The outermost model whose weights are just being read, or None.

    A layer is handed its own weights and told nothing of the model around it.
    Public alternatives: `load_model` could finish what it has loaded, but
    `keras.saving.load_model` does not pass through it; `from_config` and the
    symbolic call of the layer come before the model exists.
    """
    return _outermost_model("_load_state", "saveable")


def model_whose_weights_are_saved():
    """The outermost model whose weights are just being written, or None.

    As for `model_being_loaded`; a layer is asked for its own weights only.
    """
    return _outermost_model("_save_state", "saveable")


def _outermost_model(function, variable):
    """The model that a variable holds in the outermost call of a function."""
    found = None
    for frame in _callers():
        owner = frame.f_locals.get(variable)
        if frame.f_code.co_name == function and isinstance(owner, keras.Model):
            found = owner
    return found


def calling_callback_list(callback):
    """The `CallbackList` that is just calling a callback's method, or None.

    A callback is told the model and the parameters of `fit`, but neither which
    callbacks run beside it nor in which order. Public alternatives: `fit`
    wrapped to sort its callbacks serves only models that we compiled, and
    knows nothing of the progress bar that Keras adds; a `CallbackList` that
    the user passes would have to be made by hand in every script; a schedule
    that decides at the next `on_epoch_begin` is too late, since `fit` leaves
    the loop as soon as `EarlyStopping` has asked for it.
    """
    for frame in _callers():
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList) and any(
            other is callback for other in owner.callbacks
        ):
            return owner
    return None


def _callers():
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


def torch_random():
    """torch's random number functions, on the torch backend; else None.

    Public alternative: Keras has no access to the generator that torch layers
    and loaders without a seed draw from.
    """
    if keras.backend.backend() != "torch":
        return None
    return importlib.import_module("torch").random


def uninitialized_variables() -> list:
    """The variables made in a `keras.StatelessScope` that hold no value yet.

    The list is Keras's own: what is taken out of it never gets one. Public
    alternative: none; the scope tells of no variable until its value is asked
    for, and the next scope to end initializes those that were given up.
    """
    return global_state.get_global_attribute(
        "uninitialized_variables", [], set_to_default=True
    )


def calls(layer) -> list:
    """The symbolic calls of a layer so far, in whatever model.

    Public alternative: `Layer.output` knows the first call only.
    """
    return list(layer._inbound_nodes)


def model_from_legacy_config(config):
    """Builds the model of an `.h5` file from its configuration, safe mode on.

    Public alternatives: `keras.models.model_from_json` reads the format of
    `.keras` files only; `keras.saving.load_model` also assigns the weights, by
    their order, which is what `.h5` files are converted for.
    """
    with (
        saving_options.keras_option_scope(use_legacy_config=True),
        serialization_lib.SafeModeScope(True),
    ):
        return saving_utils.model_from_config(config)
