"""What a plugin's own tests need to say."""

import keras_transfer as kt


def test_the_backbone_keeps_the_contract():
    kt.testing.check_backbone("edges/edge_net", weights="edges")
