"""Names under which keras_transfer registers classes that files may hold."""

REGISTERED = frozenset(
    f"keras_transfer>{name}"
    for name in (
        "ActivationPooling",
        "AttentionPoolHead",
        "AttentionPooling",
        "AuxiliaryBranch",
        "AuxiliaryHead",
        "AuxiliaryModel",
        "ClassToken",
        "Extractor",
        "GeneralizedMeanPooling",
        "LinearHead",
        "MLPHead",
        "ModelInfo",
        "RecordingExtractor",
        "TokensToGrid",
        "TransferLossScaleOptimizer",
        "TransferOptimizer",
    )
)
