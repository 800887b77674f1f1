"""The table of formats that a model can be exported to."""

from keras_transfer.exporting.formats.format import Format
from keras_transfer.exporting.formats.litert import LiteRT
from keras_transfer.exporting.formats.onnx import Onnx
from keras_transfer.exporting.formats.openvino import OpenVINO
from keras_transfer.exporting.formats.saved_model import SavedModel
from keras_transfer.exporting.formats.stock import Stock

FORMATS: dict[str, Format] = {
    format.name: format
    for format in (Onnx(), SavedModel(), LiteRT(), OpenVINO(), Stock())
}
