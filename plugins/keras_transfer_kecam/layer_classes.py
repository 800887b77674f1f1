"""kecam's own layers and initializers, which saved files may need.

The entry point `kecam.beit.HeadInitializer` leads to the attribute
`beit.HeadInitializer` of this module: the module of kecam that defines the
class, executed when it is asked for.
"""

from keras_transfer_kecam import upstream

MODULES = {
    "beit": "beit.beit",
    "botnet": "botnet.botnet",
    "cmt": "cmt.cmt",
    "common_layers": "common_layers",
    "edgenext": "edgenext.edgenext",
    "gpvit": "gpvit.gpvit",
    "hornet": "hornet.hornet",
    "levit": "levit.levit",
    "llama2": "llama2.llama2",
    "nat": "nat.nat",
    "nfnets": "nfnets.nfnets",
    "res_mlp": "mlp_family.res_mlp",
    "swin_transformer_v2": "swin_transformer_v2.swin_transformer_v2",
    "swin_transformer_v2_timm": "swin_transformer_v2.swin_transformer_v2_timm",
    "volo": "volo.volo",
}


def __getattr__(name):
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return upstream.module(MODULES[name])
