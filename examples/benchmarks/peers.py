"""The training of `cached_fit.py` as other libraries do it.

The same MobileNet 0.75 with the same ImageNet weights, frozen, the same head,
optimizer and number of epochs; each as the library's own guide has it.
`pip install keras-transfer[bench]` brings them.
"""

import functools
import pathlib

from sides import ALPHA
from sides import BATCH
from sides import CLASSES
from sides import DROPOUT
from sides import HEAD_RATE
from sides import last_accuracy


def keras_hub(folder, size, epochs, schedule, seed):
    """KerasHub's `ImageClassifier`, around the network of keras.applications.

    KerasHub has no MobileNet v1 of its own, and downloads its weights.
    """
    import keras
    import keras_hub

    train, validation = (
        keras.utils.image_dataset_from_directory(
            pathlib.Path(folder, part), image_size=(size, size), seed=seed
        )
        for part in ("train", "val")
    )
    backbone = keras.applications.MobileNet(
        alpha=ALPHA, include_top=False, input_shape=(size, size, 3)
    )
    backbone.trainable = False
    rescale = keras.layers.Rescaling(1 / 127.5, offset=-1)
    model = keras_hub.models.ImageClassifier(
        backbone, CLASSES, dropout=DROPOUT, activation="softmax"
    )
    model.compile(keras.optimizers.Adam(HEAD_RATE), metrics=["accuracy"])
    train, validation = (
        data.map(lambda images, labels: (rescale(images), labels)).prefetch(2)
        for data in (train, validation)
    )
    return lambda: last_accuracy(
        model.fit(train, validation_data=validation, epochs=epochs, verbose=0)
    )


def timm(folder, size, epochs, schedule, seed):
    """A loop in PyTorch as its tutorial on transfer learning has it."""
    import torch
    from torchvision import datasets
    from torchvision import transforms

    torch.manual_seed(seed)
    prepare = transforms.Compose(
        [
            transforms.Resize((size, size)),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )
    train, validation = (
        torch.utils.data.DataLoader(
            datasets.ImageFolder(pathlib.Path(folder, part), prepare),
            batch_size=BATCH,
            shuffle=part == "train",
            num_workers=2,
            persistent_workers=True,
        )
        for part in ("train", "val")
    )
    model = _timm_mobilenet()
    _copy_weights(model, size)
    model.requires_grad_(False)
    head = model.get_classifier().requires_grad_(True)
    # As Keras draws it: timm's own draw, as large for 2 classes as for 1,000,
    # takes far more epochs to forget.
    torch.nn.init.xavier_uniform_(head.weight)
    torch.nn.init.zeros_(head.bias)
    optimizer = torch.optim.Adam(head.parameters(), lr=HEAD_RATE)
    loss = torch.nn.CrossEntropyLoss()

    def classify(images):
        # What `trainable=False` is to Keras: statistics stay as they are.
        with torch.no_grad():
            features = model.eval().forward_features(images)
        return model.train().forward_head(features)

    def run():
        for _ in range(epochs):
            for images, labels in train:
                optimizer.zero_grad()
                loss(classify(images), labels).backward()
                optimizer.step()
            model.eval()
            right = 0
            with torch.no_grad():
                for images, labels in validation:
                    right += (model(images).argmax(1) == labels).sum().item()
        return right / len(validation.dataset)

    return run


def _timm_mobilenet():
    """timm's `mobilenetv1_100`, narrowed, with the padding of TensorFlow."""
    from timm.models import efficientnet
    from torch import nn

    blocks = [
        ["dsa_r1_k3_s1_c64"],
        ["dsa_r2_k3_s2_c128"],
        ["dsa_r2_k3_s2_c256"],
        ["dsa_r6_k3_s2_c512"],
        ["dsa_r2_k3_s2_c1024"],
    ]
    return efficientnet.EfficientNet(
        efficientnet.decode_arch_def(blocks),
        num_classes=CLASSES,
        num_features=0,
        round_chs_fn=functools.partial(
            efficientnet.round_channels, multiplier=ALPHA
        ),
        pad_type="same",
        norm_layer=functools.partial(nn.BatchNorm2d, eps=1e-3),
        act_layer=nn.ReLU6,
        drop_rate=DROPOUT,
    )


def _copy_weights(model, size):
    """Gives timm's network the ImageNet weights that Keras keeps."""
    import keras
    import torch

    source = keras.applications.MobileNet(
        alpha=ALPHA, include_top=False, input_shape=(size, size, 3)
    )
    kernels = [layer for layer in source.layers if len(layer.weights) == 1]
    norms = [layer for layer in source.layers if layer.name.endswith("_bn")]
    modules = [*model.modules()]
    convolutions = [m for m in modules if isinstance(m, torch.nn.Conv2d)]
    normalizations = [m for m in modules if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for layer, module in zip(kernels, convolutions, strict=True):
            (kernel,) = layer.get_weights()
            is_depthwise = module.groups > 1
            axes = (2, 3, 0, 1) if is_depthwise else (3, 2, 0, 1)
            module.weight.copy_(torch.tensor(kernel.transpose(axes)))
        for layer, module in zip(norms, normalizations, strict=True):
            gamma, beta, mean, variance = layer.get_weights()
            module.weight.copy_(torch.tensor(gamma))
            module.bias.copy_(torch.tensor(beta))
            module.running_mean.copy_(torch.tensor(mean))
            module.running_var.copy_(torch.tensor(variance))
