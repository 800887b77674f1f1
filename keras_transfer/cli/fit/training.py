"""The training run of `keras-transfer fit`."""

import argparse
import pathlib
import sys
import time
from collections.abc import Sequence

import keras

import keras_transfer as kt
from keras_transfer.callbacks.best_epoch import BestEpoch
from keras_transfer.cli.fit import class_report
from keras_transfer.cli.fit import report as fit_report
from keras_transfer.cli.fit.checks import Network
from keras_transfer.cli.fit.class_report import print_result
from keras_transfer.cli.fit.interruption import StopOnInterrupt
from keras_transfer.cli.fit.photographs import folders_of
from keras_transfer.cli.fit.photographs import is_table
from keras_transfer.cli.fit.photographs import photographs_of
from keras_transfer.cli.fit.photographs import table_of
from keras_transfer.cli.fit.schedule import find_schedule
from keras_transfer.names import printable

INTERRUPTED = 130  # 128 + SIGINT, as shells count.


def train(
    arguments: argparse.Namespace,
    network: Network,
    outputs: Sequence[pathlib.Path],
) -> int:
    """Trains, saves the best epoch, and prints how good it is.

    Args:
        arguments: Those of `fit`.
        network: The backbone to train on.
        outputs: The model file, the picture, the table of metrics, the
            picture of the range test where a learning rate is to be found,
            and last the page where one is asked for.

    Returns:
        The exit code.

    Raises:
        ValueError: If the backbone or the photographs cannot be used, before
            training; or if the loss became NaN.
    """
    with fit_report.shared_features(arguments):
        return _train(arguments, network, outputs)


def _train(arguments, network, outputs):
    keras.utils.set_random_seed(arguments.seed)
    schedule = find_schedule(arguments.schedule)
    # Before the photographs, as checking many of them takes long.
    backbone = kt.create_backbone(
        network.spec.name,
        weights=network.weights,
        input_shape=network.input_shape,
        cut_at=arguments.cut_at,
        **network.options,
    )
    images, validation = _read_images(arguments, network)
    model = _build(arguments, backbone, images)
    _print_plan(network, images, validation)
    plan = printable(schedule.describe(model, arguments.epochs), keep="\n")
    print(f"\n{plan}\n", flush=True)
    if arguments.learning_rate == "auto":
        _find_learning_rate(arguments, model, images, schedule, outputs[3])
    parts = images, validation
    folds = fit_report.cross_validated(arguments, model, parts)
    best, history = BestEpoch(), keras.callbacks.History()
    start = time.perf_counter()
    failure = None
    try:
        with StopOnInterrupt() as stop:
            kt.fit(
                model,
                images,
                validation_data=validation,
                cache=_cache(arguments),
                epochs=arguments.epochs,
                # In a log file, a bar would be a line for every batch.
                verbose=1 if sys.stdout.isatty() else 2,
                callbacks=[schedule, best, stop, history],
            )
    except (KeyboardInterrupt, kt.NaNLossError) as error:
        failure = error
    seconds = time.perf_counter() - start
    is_interrupted = isinstance(failure, KeyboardInterrupt)
    if best.best is not None or is_interrupted:
        title = _title(network, arguments)
        _save(model, best, history.history, outputs, title)
    if is_interrupted:
        _print_interruption(best, outputs)
        return INTERRUPTED
    if failure is not None:
        message = _explain_divergence(arguments, failure.epoch, best, outputs)
        raise ValueError(message) from failure
    print_result(
        model, best.best, history.history, validation, images.test, seconds
    )
    if arguments.report:
        fit_report.write_report(
            outputs[-1],
            arguments,
            model,
            parts,
            history.history,
            best.best,
            folds,
        )
    print(f"\nWritten: {', '.join(map(printable, outputs))}")
    return 0


def _cache(arguments):
    if arguments.cache == "none":
        return False
    # Augmented images are new in every epoch; a message would be noise.
    is_off = arguments.cache == "auto" and arguments.augment
    return False if is_off else arguments.cache


def _read_images(arguments, network):
    augment = None
    if arguments.augment:
        augment = kt.data.augmentation(seed=arguments.seed)
    read, photographs = kt.data.from_directory, photographs_of
    if is_table(arguments):
        read, photographs = kt.data.from_table, table_of
    return read(
        **photographs(arguments),
        image_size=network.input_shape[:2],
        batch_size=arguments.batch_size,
        validation_split=arguments.validation_split,
        seed=arguments.seed,
        augment=augment,
        bad_files=arguments.bad_files,
    )


def _build(arguments, backbone, images):
    names = images.class_names or images.targets["names"]
    options = {"dropout": arguments.dropout, "task": images.task}
    if arguments.head == "linear":
        head = kt.heads.LinearHead(len(names), **options)
    else:
        head = kt.heads.MLPHead(
            len(names), hidden_units=arguments.hidden_units, **options
        )
    model = kt.build_model(
        backbone,
        head,
        class_names=images.class_names,
        targets=images.targets,
    )
    rate = arguments.learning_rate
    return kt.compile_for_transfer(
        model, "adam", learning_rate=None if rate == "auto" else rate
    )


def _find_learning_rate(arguments, model, images, schedule, picture):
    curve = kt.find_learning_rate(
        model,
        images,
        schedule=schedule,
        batch_size=arguments.batch_size,
        cache=_cache(arguments),
        seed=arguments.seed,
    )
    curve.plot(picture)
    print(f"Found by a range test: {curve}\n", flush=True)
    arguments.learning_rate = curve.suggestion
    model.optimizer.learning_rate = curve.suggestion


def _print_plan(network, images, validation):
    names = images.class_names or images.targets["names"]
    kinds = {"multi_label": "labels", "regression": "numbers"}
    kind = kinds.get(images.task, "classes")
    shown = printable(", ".join(names[:10])) + (
        " ..." if len(names) > 10 else ""
    )
    height, width, _ = network.input_shape
    parts = {"training": images, "validation": validation, "test": images.test}
    counts = [
        f"{len(part.file_paths):,} {name}"
        for name, part in parts.items()
        if part is not None
    ]
    listed = " and ".join(filter(None, [", ".join(counts[:-1]), counts[-1]]))
    print(
        f"{listed} images of {len(names)} {kind}: {shown}\n"
        f"{network.label}, {height}x{width} pixels, weights "
        f"{network.weights or 'random'}"
    )


def _save(model, best, history, outputs, title):
    if hasattr(model, "jax_state_sync"):
        # On JAX the variables are updated late while `fit` runs.
        model.jax_state_sync()
    best.restore()
    path, picture, table = outputs[:3]
    kt.save_model(model, path)
    if history:
        class_report.draw_history(picture, history, best.best, title)
        class_report.write_history_csv(table, history)


def _title(network, arguments):
    return f"{network.label} on {folders_of(arguments)[0].resolve().name}"


def _print_interruption(best, outputs):
    if best.best is None:
        print(
            "\nInterrupted before the first epoch ended: the weights as they "
            f"were are in {outputs[0]}",
            file=sys.stderr,
        )
        return
    print(
        f"\nInterrupted: the weights of epoch {best.best}, the best so far, "
        f"are in {outputs[0]}",
        file=sys.stderr,
    )


def _explain_divergence(arguments, epoch, best, outputs):
    kept = "Nothing was saved."
    if best.best is not None:
        kept = f"The weights of epoch {best.best} are in {outputs[0]}."
    return (
        f"The loss became NaN in epoch {epoch}. {kept} Try a lower "
        f"learning rate, such as --learning-rate "
        f"{arguments.learning_rate / 10:g}."
    )
