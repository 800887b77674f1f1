import pytest

import keras_transfer as kt


def test_one_column_has_the_parameters_of_the_paper():
    backbone = kt.create_backbone("alexnet", weights=None)
    assert backbone.count_params() == 2_469_696
    assert backbone.output_shape == (None, 6, 6, 256)
    head = kt.heads.MLPHead(1000, (4096, 4096), pooling="flatten", dropout=0.5)
    assert kt.build_model(backbone, head).count_params() == 61_100_840


def test_the_compact_one_has_the_parameters_of_its_description():
    backbone = kt.create_backbone("alexnet_compact", weights=None)
    assert backbone.input_shape == (None, 280, 280, 3)
    head = kt.heads.MLPHead(1, (128, 128), pooling="flatten")
    assert kt.build_model(backbone, head).count_params() == 7_742_721


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("alexnet", {"conv_1": 55, "conv_2": 27, "conv_5": 13, "pool_5": 6}),
        (
            "alexnet_compact",
            {"conv_1": 92, "conv_2": 45, "conv_5": 22, "pool_5": 11},
        ),
    ],
)
def test_maps_have_the_published_sizes(name, sizes):
    backbone = kt.create_backbone(name, weights=None)
    for layer, size in sizes.items():
        assert backbone.get_layer(layer).output.shape[1:3] == (size, size)


@pytest.mark.parametrize(
    ("name", "reductions"),
    [
        ("alexnet", [8, 16, 16, 16, 32]),
        ("alexnet_compact", [6, 12, 12, 12, 24]),
    ],
)
def test_each_convolution_is_a_stage(name, reductions):
    backbone = kt.create_backbone(name, weights=None)
    declared = kt.stages_of(backbone)
    assert [stage.reduction for stage in declared] == reductions
    cut = kt.create_backbone(name, weights=None, cut_at="stage_2")
    assert [la.name for la in cut.layers if la.weights] == ["conv_1", "conv_2"]
