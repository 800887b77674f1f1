"""Papers of the families, as kecam's documentation names them."""

import ast
import functools
import pathlib
import re

# Where kecam's own documentation names the paper of another family, or none.
_PAPERS = {
    "fastvit": "https://arxiv.org/abs/2303.14189",
    "ghostnet.ghostnet_v2": "https://arxiv.org/abs/2211.12905",
    "resnet_family.resnet_deep": "https://arxiv.org/abs/1812.01187",
    "aotnet": "https://arxiv.org/abs/1512.03385",
    "efficientnet.efficientnet_edgetpu": "https://arxiv.org/abs/2003.02838",
    "efficientnet.efficientnet_v1": "https://arxiv.org/abs/1905.11946",
    "mobilevit.mobilevit_v2": "https://arxiv.org/abs/2206.02680",
    "nat.dinat": "https://arxiv.org/abs/2209.15001",
    "resnet_family.resnet_quad": "https://arxiv.org/abs/1512.03385",
}
# What kecam's documentation calls a module where it describes several.
_DOCUMENTED_AS = {
    "convnext.convnext_v2": ("v2",),
    "efficientformer.efficientformer_v2": ("v2",),
    "efficientnet.efficientnet_v2": ("v2",),
    "efficientvit.efficientvit_b": ("b",),
    "efficientvit.efficientvit_m": ("m",),
    "mlp_family.gated_mlp": ("gmlp",),
    "mlp_family.res_mlp": ("resmlp",),
    "mlp_family.wave_mlp": ("wavemlp",),
    "mobilenetv3_family.fbnetv3": ("fbnet",),
    "resnet_family.regnet": ("regnety",),
}


def paper_of(root: pathlib.Path, constructor: str) -> str:
    """Returns the address of the paper of a family.

    Args:
        root: Folder of kecam's sources.
        constructor: Dotted name of one of the family's models.

    Raises:
        ValueError: If the family's documentation names none.
    """
    module = constructor.rpartition(".")[0]
    package, _, last = module.partition(".")
    if module in _PAPERS or package in _PAPERS:
        return _PAPERS.get(module) or _PAPERS[package]
    found = _documented(root / package)
    for key in _DOCUMENTED_AS.get(module, ()) or (last, "v1", ""):
        if key in found:
            return found[key]
    raise ValueError(f"No paper of {module} among {found}.")


@functools.cache
def _documented(package):
    """`{what is documented: address}` of all that a package has papers of."""
    tree = ast.parse((package / "__init__.py").read_text("utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            variable = getattr(node.targets[0], "id", "")
            paper = re.search(
                r"arxiv\.org/(?:pdf|abs)/(\d+\.\d+)", ast.unparse(node.value)
            )
            if paper and variable.endswith("head_doc__"):
                key = variable.strip("_").removesuffix("head_doc").strip("_")
                found[key] = f"https://arxiv.org/abs/{paper[1]}"
    return found
