"""The names that this plugin provides, listed without kecam or Keras."""

from keras_transfer_kecam import catalogue

# Classes of kecam that saved files may need, by the module that has them.
CLASSES = {
    "beit": (
        "PositionalEncodingFourierRot",
        "MultiHeadRelativePositionalEmbedding",
        "HeadInitializer",
        "PatchConv2DWithResampleWeights",
    ),
    "botnet": ("RelativePositionalEmbedding",),
    "cmt": ("BiasPositionalEmbedding",),
    "common_layers": (
        "EvoNormalization",
        "AntiAliasDownsampleInitializer",
        "UnfoldFiltersInitializer",
        "CompatibleExtractPatches",
    ),
    "edgenext": ("PositionalEncodingFourier",),
    "gpvit": ("PureWeigths",),
    "hornet": ("ComplexDense",),
    "levit": ("MultiHeadPositionalEmbedding",),
    "llama2": (
        "PositionalEncodingFourierRot1D",
        "RMSNorm",
        "KVCache",
    ),
    "nat": ("MultiHeadRelativePositionalKernelBias",),
    "nfnets": (
        "ScaledStandardizedConv2D",
        "ZeroInitGain",
    ),
    "res_mlp": ("ChannelAffine",),
    "swin_transformer_v2": (
        "ExpLogitScale",
        "MlpPairwisePositionalEmbedding",
        "WindowAttentionMask",
    ),
    "swin_transformer_v2_timm": (
        "DivideScale",
        "PairWiseRelativePositionalEmbedding",
        "WindowAttentionMask",
    ),
    "volo": (
        "BiasLayer",
        "PositionalEmbedding",
        "ClassToken",
        "MixupToken",
    ),
}


def backbones() -> dict[str, str]:
    """Returns where the specification of each backbone is, by name."""
    return {
        name: f"keras_transfer_kecam.specs:{name}"
        for name in catalogue.models()
    }


def classes() -> dict[str, str]:
    """Returns where each class is, by module and name."""
    names = (f"{m}.{name}" for m, names in CLASSES.items() for name in names)
    return {n: f"keras_transfer_kecam.layer_classes:{n}" for n in names}
