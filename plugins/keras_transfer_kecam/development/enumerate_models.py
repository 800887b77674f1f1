"""Reads kecam's sources and writes `catalogue.json`.

`python -m keras_transfer_kecam.development.enumerate_models`. Nothing of kecam
is executed. What can only be known by building a model, the smallest image
and the classes it needs, is measured by `survey`.
"""

import ast
import importlib.util
import json
import pathlib
import re

from keras_transfer_kecam.development import papers
from keras_transfer_kecam.sources import PACKAGE

TARGET = pathlib.Path(__file__).parent.parent / "catalogue.json"

_NOT_RECOGNITION = (
    "clip coco efficientdet gpt2 imagenet llama2 model_surgery pytorch_backend"
    " segment_anything stable_diffusion visualizing yolor yolov7 yolov8 yolox"
).split()
# A text model, and a name that two architectures of kecam share.
_LEFT_OUT = ("ViTTextLargePatch14",)
_RENAMED = {"ResNeXt101W_se": "resnext101w_se"}

_RELEASES = "https://github.com/leondgarse/keras_cv_attention_models/releases"
_EFFICIENTNET = (
    "https://github.com/leondgarse/keras_efficientnet_v2/releases/download/"
)
_EFFICIENTNET_TAGS = {
    "imagenet": "imagenet",
    "21k": "imagenet21k",
    "21k-ft1k": "imagenet21k-ft1k",
    "noisy_student": "noisy_student",
}


def main() -> None:
    """Writes the catalogue."""
    models = enumerate_models()
    # In kecam's order, which is from small to large in most families.
    lines = [json.dumps(model) for model in models]
    TARGET.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(lines)} models in {TARGET}")


def enumerate_models() -> list[dict]:
    """Returns the rows of the catalogue, read off the installed kecam."""
    spec = importlib.util.find_spec(PACKAGE)
    root = pathlib.Path(spec.submodule_search_locations[0])
    trees = {
        path.relative_to(root): ast.parse(path.read_text("utf-8"))
        for path in sorted(root.glob("*/*.py"))
        if path.parent.name not in _NOT_RECOGNITION
    }
    functions = {
        node.name: node
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    hashes = {}
    for path, tree in trees.items():
        hashes.update(_hashes(path, tree, (root / path).read_text("utf-8")))
    models = {}
    for path, tree in trees.items():
        module = ".".join(path.with_suffix("").parts)
        for node in tree.body:
            if _is_registered(node) and node.name not in _LEFT_OUT:
                for model in _models(module, node, functions, hashes):
                    models[model["name"]] = model
    for model in models.values():
        model["paper"] = papers.paper_of(root, model["constructor"])
    return list(models.values())


def _is_registered(node):
    return isinstance(node, ast.FunctionDef) and any(
        getattr(decorator, "id", "") == "register_model"
        for decorator in node.decorator_list
    )


def _hashes(path, tree, text):
    """`{kecam's model name: {tag: {url, hash}}}` of one file."""
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        table = getattr(node.targets[0], "id", "")
        if table == "PRETRAINED_DICT":
            (release,) = set(
                re.findall(
                    r"reload_model_weights\(\s*model, (?:pretrained_dict=)?"
                    r'PRETRAINED_DICT, (?:sub_release=)?"(\w+)"',
                    text,
                )
            )
            for name, tags in ast.literal_eval(node.value).items():
                url = f"{_RELEASES}/download/{release}/{name}"
                files = {tag: _file(url, tag, h) for tag, h in tags.items()}
                found[name] = {tag: f for tag, f in files.items() if f}
        elif table == "FILE_HASH_DICT":
            for kind, tags in ast.literal_eval(node.value).items():
                folder = "v2" if kind.startswith("v2") else "v1"
                url = f"{_EFFICIENTNET}effnet{folder}_pretrained/"
                found[f"efficientnet_{kind}"] = {
                    _EFFICIENTNET_TAGS[tag]: [
                        f"{url}efficientnet{kind}-{tag}.h5",
                        value,
                    ]
                    for tag, value in tags.items()
                }
    return found


def _file(url, tag, value):
    """`[url, md5]`, or that for each image size; nothing for files in parts."""
    if isinstance(value, dict):
        sizes = {
            str(size): _file(f"{url}_{size}", tag, md5)
            for size, md5 in value.items()
        }
        return {size: file for size, file in sizes.items() if file}
    if not isinstance(value, str):
        return None
    return [f"{url}_{tag}.h5", value]


def _models(module, node, functions, hashes):
    original = _model_name(node)
    name = _RENAMED.get(node.name, original.replace("-", "_")).lower()
    defaults = _defaults(node)
    model = {
        "name": name,
        "constructor": f"{module}.{node.name}",
        "size": defaults["input_shape"][0],
    }
    rate = _drop_rate(node, functions)
    if rate is not None:
        model["drop_connect_rate"] = rate
    if module.startswith("beit."):
        model["arguments"] = {"include_top": False}
    weights = {} if node.name in _RENAMED else hashes.get(original, {})
    if original.startswith("repvit"):
        original = original.removesuffix("_deploy")
    by_mode = {_mode(module, node, ""): {}}
    for tag, value in weights.items():
        by_mode.setdefault(_mode(module, node, tag), {})[tag] = value
    if len(by_mode) > 1:
        by_mode = {mode: tags for mode, tags in by_mode.items() if tags}
    for index, (mode, tags) in enumerate(by_mode.items()):
        suffix = "_imagenet21k" if index else ""
        yield {
            **model,
            "name": name + suffix,
            "preprocessing": mode,
            "weights": tags,
        }


def _mode(module, node, tag):
    """What kecam calls the rescale mode, which may depend on the weights."""
    if tag.startswith("imagenet21k") and (
        module in ("efficientnet.efficientnet_v2", "maxvit.maxvit")
    ):
        return "tf"
    if module == "efficientnet.efficientnet_v2":
        popped = re.search(
            r"kwargs\.pop\('rescale_mode', '(\w+)'\)", ast.unparse(node)
        )
        return popped[1] if popped else "torch"
    if module.startswith("beit.") or module in (
        "mlp_family.gated_mlp",
        "mlp_family.mlp_mixer",
    ):
        return "tf"
    return "raw01" if module.startswith("mobilevit.") else "torch"


def _model_name(node):
    """The constant behind `model_name=` in a constructor."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        for keyword in call.keywords:
            if keyword.arg == "model_name":
                constants = [
                    part.value
                    for part in ast.walk(keyword.value)
                    if isinstance(part, ast.Constant)
                    and part.value not in ("model_name", "_deploy", "")
                ]
                return constants[0]
    raise ValueError(f"{node.name} gives its model no name.")


def _defaults(node):
    """Values of the defaults that are needed here, by name."""
    names = [argument.arg for argument in node.args.args]
    pairs = zip(names[::-1], node.args.defaults[::-1], strict=False)
    return {
        name: ast.literal_eval(value)
        for name, value in pairs
        if name in ("input_shape", "drop_connect_rate")
    }


def _drop_rate(node, functions):
    """Default of `drop_connect_rate` in a constructor or what it calls."""
    pending, seen = [node], set()
    while pending:
        current = pending.pop(0)
        if current.name in seen:
            continue
        seen.add(current.name)
        value = _defaults(current).get("drop_connect_rate")
        if value is not None:
            return float(value)
        for call in ast.walk(current):
            name = getattr(getattr(call, "func", None), "id", "")
            spread = [k for k in getattr(call, "keywords", ()) if k.arg is None]
            if spread and name in functions:
                pending.append(functions[name])
    return None


if __name__ == "__main__":
    main()
