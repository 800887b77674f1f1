"""What is known of declared stages beside those that strides reveal."""

# Ends that detection finds at each reduction of the image.
DETECTED = {
    # The last pooling holds no weights, so it joins the block before it.
    "vgg16": {
        1: "block1_conv2",
        2: "block2_conv2",
        4: "block3_conv3",
        8: "block4_conv3",
        32: "block5_pool",
    },
    "inception_v3": {
        2: "activation_2",
        4: "activation_4",
        8: "mixed2",
        16: "mixed7",
        32: "mixed10",
    },
    "resnet50": {
        2: "conv1_relu",
        4: "conv2_block3_out",
        8: "conv3_block4_out",
        16: "conv4_block6_out",
        32: "conv5_block3_out",
    },
    "efficientnet_b0": {
        1: "normalization",
        2: "block2a_expand_activation",
        4: "block2b_add",
        8: "block3b_add",
        16: "block5c_add",
        32: "top_activation",
    },
    "mobilenet_v2": {
        2: "block_1_expand_relu",
        4: "block_2_add",
        8: "block_5_add",
        16: "block_12_add",
        32: "out_relu",
    },
    "convnext_tiny": {
        4: "add_2",
        8: "add_5",
        16: "add_14",
        32: "layer_normalization",
    },
    "densenet121": {
        2: "conv1_relu",
        4: "conv2_block6_concat",
        8: "conv3_block12_concat",
        16: "conv4_block24_concat",
        32: "relu",
    },
    "resnet50_v2": {
        2: "conv1_conv",
        4: "conv2_block2_out",
        8: "conv3_block3_out",
        16: "conv4_block5_out",
        32: "post_relu",
    },
    "xception": {
        2: "block1_conv2_act",
        4: "add",
        8: "add_1",
        16: "add_10",
        32: "block14_sepconv2_act",
    },
    "efficientnet_v2_b0": {
        2: "block1a_project_activation",
        4: "block2b_add",
        8: "block3b_add",
        16: "block5e_add",
        32: "top_activation",
    },
    "nasnet_mobile": {2: "stem_bn1", 32: "activation_187"},
}

# Where the declaration knows better: what it has and detection has not, what
# detection has in its place, and why.
BETTER = {
    "vgg": (
        {"block1_pool", "block2_pool", "block3_pool", "block4_pool"},
        r"block[1-4]_conv[2-4]",
        "a block of the paper ends with its pooling",
    ),
    "convnext": (
        {"stem"},
        None,
        "the stem has the resolution of the first stage, yet is one itself",
    ),
    "efficientnet_b0": (
        {"block1a_project_bn"},
        "normalization|block2a_expand_activation",
        "statistics of images are no stage; the stem ends with its block",
    ),
    "efficientnet_b": (
        set(),
        "normalization",
        "statistics of images are no stage",
    ),
    "inception_resnet_v2": (
        {"block35_10_ac", "block17_20_ac"},
        "mixed_5b|mixed_6a",
        "residuals are added by a layer that detection does not know",
    ),
    "mobilenet_v2": (
        {"expanded_conv_project_BN"},
        "block_1_expand_relu",
        "the stem ends with its block",
    ),
    "mobilenet_v3_small": (
        {"expanded_conv_project_bn"},
        "re_lu_2",
        "the first stage ends with its block",
    ),
    "mobilenet_v3_large": (
        {"conv_activation"},
        "expanded_conv_add",
        "a narrow network lacks that addition",
    ),
    "nasnet": (
        {"reduction_concat_stem_1", "normal_concat"},
        None,
        "a cell reads the two cells before it",
    ),
}


def difference(name):
    """The most specific entry of BETTER for a backbone, or `None`."""
    prefixes = [prefix for prefix in BETTER if name.startswith(prefix)]
    return BETTER[max(prefixes, key=len)] if prefixes else (set(), None, "")
