"""What each exported format costs to start, to hold and to run.

Writes a model in every format and precision and runs each in processes of its
own, in turn, so that a busy machine is no format's fault alone. The folder
holds `train` beside `val`, each with one folder of photographs per class: int8
is calibrated on the former, outputs are compared with those of Keras on the
latter. Prints one table, and puts it between its two marks of a README:

    python examples/benchmarks/export.py photos/ --rounds 5 \\
        --out export.json --readme README.md
    python examples/benchmarks/export.py photos/ --model model.keras
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import reporting

CLIENT = pathlib.Path(__file__).with_name("export_client.py")
BEGIN = "<!-- Written by examples/benchmarks/export.py. -->"
# Format, precision, whether it is calibrated, what the table calls it.
ROWS = (
    ("stock", "float32", False, "`stock`"),
    ("tf_saved_model", "float32", False, "`tf_saved_model`"),
    ("openvino", "float32", False, "`openvino`"),
    ("openvino", "float16", False, "`openvino`, float16"),
    ("onnx", "float32", False, "`onnx`"),
    ("onnx", "float16", False, "`onnx`, float16"),
    ("onnx", "int8", True, "`onnx`, int8"),
    ("litert", "float32", False, "`litert`"),
    ("litert", "float16", False, "`litert`, float16"),
    ("litert", "int8", False, "`litert`, int8 weights"),
    ("litert", "int8", True, "`litert`, int8"),
)
NAMES = ("stock", "tf_saved_model", "openvino", "onnx", "litert")
COLUMNS = (
    "MB",
    "start, s",
    "starts sooner",
    "images/s, 1 at a time",
    "32 at a time",
    "peak memory, MB",
    "largest difference",
    "same class",
    "accuracy",
)


def classifier(photos, size):
    """MobileNet 0.75 with its ImageNet weights, its head trained."""
    import keras

    import keras_transfer as kt

    keras.utils.set_random_seed(0)
    train, validation = kt.data.from_directory(photos, image_size=size)
    backbone = kt.create_backbone(
        "mobilenet", alpha=0.75, input_shape=(size, size, 3)
    )
    model = kt.build_model(
        backbone,
        kt.heads.LinearHead(len(train.class_names), dropout=0.2),
        class_names=train.class_names,
    )
    kt.compile_for_transfer(model)
    kt.fit(model, train, epochs=10, verbose=0, shuffle=False)
    return model


def write_all(model, model_file, formats, photos, folder):
    """Writes the model in each format; returns format and path by label."""
    import keras_transfer as kt
    from keras_transfer.exporting.formats import FORMATS

    written = {"`.keras`": ("keras", model_file)}
    for number, (name, precision, calibrated, label) in enumerate(ROWS):
        target = FORMATS[name]
        if name not in formats:
            continue
        path = folder / f"exported-{number}{target.suffix}"
        options = {"data": photos / "val", "precision": precision}
        if calibrated:
            options["calibrate_on"] = photos / "train"
        try:
            kt.export(model, path, name, **options)
        except ValueError as error:  # It is too far from Keras.
            print(f"{label}: {error}", file=sys.stderr)
            continue
        written[label] = name, path
        print(f"Wrote {label}.", file=sys.stderr)
    return written


def size_of(path):
    files = [path, *path.rglob("*"), path.with_suffix(".bin")]
    return sum(f.stat().st_size for f in files if f.is_file()) / 1e6


def run(format, path, images_file, out=""):
    """Runs a file in a process of its own; returns its figures."""
    # OpenVINO reports its import to a server unless it runs in CI.
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CI": "true"}
    printed = subprocess.run(
        [sys.executable, CLIENT, format, path, images_file, out],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ).stdout
    return json.loads(printed.splitlines()[-1])


def measure(written, images_file, folder, rounds):
    """Returns the figures of all rounds and the outputs, by label."""
    import numpy as np

    figures = {label: [] for label in written}
    outputs = {}
    for number in range(rounds):
        for label in list(written)[:: 1 if number % 2 else -1]:
            format, path = written[label]
            out = "" if number else folder / "outputs.npy"
            figures[label].append(run(format, path, images_file, out))
            print(label, figures[label][-1], file=sys.stderr, flush=True)
            if out:
                outputs[label] = np.load(out)
    return figures, outputs


def results(written, figures, outputs, expected, labels):
    """Returns what the table tells, by label of the row."""
    import numpy as np

    base = figures["`.keras`"]
    rows = {}
    for label, (_, path) in written.items():
        runs, best = figures[label], outputs[label].argmax(-1)
        ratios = [
            a["start"] / b["start"] for a, b in zip(base, runs, strict=True)
        ]
        rows[label] = {
            "size": size_of(path),
            "sooner": statistics.median(ratios),
            "sooner_least": min(ratios),
            "difference": float(np.abs(outputs[label] - expected).max()),
            "same": int(np.sum(best == expected.argmax(-1))),
            "images": len(best),
            "accuracy": float(np.mean(best == labels)),
            "repeats": runs[0]["repeats"],
            **{
                key: statistics.median(run[key] for run in runs)
                for key in ("start", "batch_1", "batch_32", "memory")
            },
        }
    return rows


def table(rows):
    """Returns lines of Markdown; in brackets what is relative to `.keras`."""
    base = rows["`.keras`"]
    lines = [
        f"| | {' | '.join(COLUMNS)} |",
        f"| --- |{' --- |' * len(COLUMNS)}",
    ]
    for label, row in rows.items():

        def relative(key, digits, row=row):
            ratio = row[key] / base[key]
            return f"{row[key]:,.{digits}f} ({ratio:.2g} ×)"

        cells = (
            relative("size", 1),
            f"{row['start']:.2f}",
            f"{row['sooner']:.1f} × ({row['sooner_least']:.1f} at least)",
            relative("batch_1", 1),
            relative("batch_32", 1),
            relative("memory", 0),
            f"{row['difference']:.1g}",
            f"{row['same']} of {row['images']}",
            f"{row['accuracy']:.1%}",
        )
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def main(arguments):
    import numpy as np

    import keras_transfer as kt

    if arguments.model is None:
        model = classifier(arguments.photos, arguments.size)
    else:
        model = kt.load_model(arguments.model)
    paths = kt.data.list_images([arguments.photos / "val"])
    size = model.input_shape[1:3]
    images = np.stack([kt.data.load_image(path, size) for path in paths])
    names = kt.info(model).class_names
    folders = [p.relative_to(arguments.photos / "val").parts[0] for p in paths]
    labels = np.array([names.index(folder) for folder in folders])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        np.save(folder / "images.npy", images)
        kt.save_model(model, folder / "original.keras")
        written = write_all(
            model,
            folder / "original.keras",
            arguments.formats,
            arguments.photos,
            folder,
        )
        figures, outputs = measure(
            written, folder / "images.npy", folder, arguments.rounds
        )
        expected = model.predict(images, verbose=0)
        rows = results(written, figures, outputs, expected, labels)
    broken = [label for label, row in rows.items() if not row["repeats"]]
    note = (
        f"Medians of {arguments.rounds} rounds of fresh processes that took "
        f"turns, on {reporting.machine()}. In brackets: relative to `.keras`. "
        "Start: from that of Python to the first prediction. Differences and "
        f"classes: on {len(paths)} photographs; three repeats of 32 of them "
        f"were {f'not equal for {broken}' if broken else 'equal for all'}."
    )
    text = "\n".join([*table(rows), "", note])
    print(text)
    if arguments.out:
        record = {"machine": reporting.machine(), "rows": rows}
        record["rounds"] = figures
        arguments.out.write_text(json.dumps(record, indent=1) + "\n")
    if arguments.readme:
        reporting.write_readme(arguments.readme, BEGIN, text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, metavar="FILE.keras")
    parser.add_argument("--formats", choices=NAMES, nargs="+", default=NAMES)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE.json")
    parser.add_argument("--readme", type=pathlib.Path, metavar="FILE")
    main(parser.parse_args())
