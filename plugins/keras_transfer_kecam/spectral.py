"""Fourier transforms of images for HorNet's global filters.

Keras's operations keep the real and the imaginary part as two tensors.
"""

from keras import ops


def rfft2d(x):
    """Transforms the last two axes of a real tensor.

    Args:
        x: `(batch, channels, height, width)`.

    Returns:
        Real and imaginary part, `(batch, channels, height, width // 2 + 1)`.
    """
    return _along_height(ops.rfft(x))


def irfft2d(pair, fft_length):
    """Undoes `rfft2d`.

    Args:
        pair: Real and imaginary part.
        fft_length: Height and width of the result.
    """
    height, width = fft_length
    real, imaginary = pair
    # The inverse is the conjugate of the transform of the conjugate.
    real, imaginary = _along_height((real, -imaginary))
    return ops.irfft(
        (real / height, -imaginary / height), fft_length=int(width)
    )


def mend(complex_dense):
    """Lets kecam's layer take a pair of tensors in place of a complex one.

    Args:
        complex_dense: The class; its weight holds both parts already.
    """
    build = complex_dense.build

    def build_for_pair(self, input_shape):
        build(self, input_shape[0])

    def call(self, pair):
        (a, b), (c, d) = pair, (self.complex_weight[0], self.complex_weight[1])
        return [a * c - b * d, a * d + b * c]

    def compute_output_shape(self, input_shape):
        return [tuple(shape) for shape in input_shape]

    complex_dense.build = build_for_pair
    complex_dense.call = call
    complex_dense.compute_output_shape = compute_output_shape


def _along_height(pair):
    swapped = tuple(ops.swapaxes(part, -1, -2) for part in pair)
    return tuple(ops.swapaxes(part, -1, -2) for part in ops.fft(swapped))
