"""The optimizer of the default trainings."""

import keras
import tensorflow as tf

_MOMENTUM = 0.95
_STEPS = 5  # of the iteration: singular values from 0.003 to 1 end between 0.7 and 1.2
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the iteration's polynomial: x, x^3, x^5
_SCALE = 0.2  # root mean square of a step, by the learning rate: as large as one of AdamW
# Rows or columns: a kernel of fewer, from or to an image, has little to gain from orthogonal steps.
_LEAST_SIDE = 8


class Muon(keras.optimizers.AdamW):
    """Steps of equal strength in all directions that the momentum of a kernel has.

    The kernel of a convolution is taken as a matrix, a column for each of its last axis, and moved
    by the orthogonal matrix that is nearest to its Nesterov momentum (Jordan et al., 2024, "Muon:
    an optimizer for hidden layers in neural networks"), scaled as Liu et al. (2025, arXiv
    2502.16982) do, so that learning rate and weight decay of AdamW serve as they are. All else,
    biases and kernels from or to few channels, AdamW moves. Keras's own Muon leaves the kernels of
    convolutions to AdamW.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        if not _is_orthogonalised(variable.shape):
            super().update_step(gradient, variable, learning_rate)
            return
        momentum = self._momentums[self._get_variable_index(variable)]
        new = _MOMENTUM * momentum.value + (1 - _MOMENTUM) * gradient
        momentum.assign(new)
        ahead = _MOMENTUM * new + (1 - _MOMENTUM) * gradient
        matrix = tf.reshape(ahead, (-1, variable.shape[-1]))
        size = _SCALE * float(max(matrix.shape)) ** 0.5
        step = tf.reshape(size * orthogonalised(matrix), variable.shape)
        variable.assign_sub(tf.cast(learning_rate, step.dtype) * step)


def orthogonalised(matrix: tf.Tensor) -> tf.Tensor:
    """Make all singular values of a matrix, float32 (m, n), about 1; vectors stay as they are.

    By Newton and Schulz's iteration, whose polynomial is of Jordan et al.; see `Muon`.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = tf.transpose(matrix) if is_tall else matrix
    x /= tf.norm(x) + 1e-7  # a gradient of zeros stays zero
    first, third, fifth = _COEFFICIENTS
    for _ in range(_STEPS):
        square = tf.matmul(x, x, transpose_b=True)
        x = first * x + tf.matmul(third * square + fifth * tf.matmul(square, square), x)
    return tf.transpose(x) if is_tall else x


def _is_orthogonalised(shape: tf.TensorShape) -> bool:
    return len(shape) == 4 and min(shape[-2:]) >= _LEAST_SIDE
