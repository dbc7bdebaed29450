"""Muon: orthogonal steps for the kernels of convolutions, AdamW's for all else."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from inpaint.training.muon import Muon, orthogonalised

RATE = 0.002


def stepped(
    optimizer: type[keras.optimizers.AdamW], gradients: list[np.ndarray]
) -> list[np.ndarray]:
    """Weights of ones after a step along each gradient; no weight decay."""
    weights = [keras.Variable(np.ones_like(each)) for each in gradients]
    moved = optimizer(RATE, weight_decay=0.0)
    moved.apply([tf.constant(each) for each in gradients], weights)
    return [weight.numpy() for weight in weights]


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(144, 16), (16, 16), (8, 72)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_singular_values_become_about_one_and_vectors_stay(
    rng: np.random.Generator, shape: tuple[int, int], scale: float
) -> None:
    matrix = normal(rng, *shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    result = orthogonalised(tf.constant(scale * matrix)).numpy()
    assert values.max() > 1.5 * values.min()
    in_its_vectors = left.T @ result @ right.T
    new_values = np.diag(in_its_vectors)
    assert ((new_values > 0.65) & (new_values < 1.25)).all()
    np.testing.assert_allclose(in_its_vectors, np.diag(new_values), atol=1e-3)


def test_a_gradient_of_zeros_moves_nothing() -> None:
    kernel = np.zeros((3, 3, 16, 16), np.float32)
    np.testing.assert_array_equal(stepped(Muon, [kernel])[0], np.ones_like(kernel))


def test_a_kernel_is_moved_by_an_orthogonal_matrix_against_its_gradient(
    rng: np.random.Generator,
) -> None:
    gradient = normal(rng, 3, 3, 16, 32)
    step = (1 - stepped(Muon, [gradient])[0]) / RATE
    expected = orthogonalised(tf.constant(gradient.reshape(144, 32))).numpy()
    size = 0.2 * 144**0.5
    np.testing.assert_allclose(step.reshape(144, 32), size * expected, rtol=1e-2, atol=1e-3)
    # So large that learning rates mean the same as for AdamW, whose steps are some 0.2.
    assert 0.13 < np.sqrt(np.square(step).mean()) < 0.25


def test_steps_remember_gradients(rng: np.random.Generator) -> None:
    gradients = normal(rng, 2, 3, 3, 8, 8)
    weight = keras.Variable(np.zeros((3, 3, 8, 8), np.float32))
    optimizer = Muon(RATE, weight_decay=0.0)
    before = weight.numpy()
    for gradient in gradients:
        before = weight.numpy()
        optimizer.apply([tf.constant(gradient)], [weight])
    last = (before - weight.numpy()).ravel()
    alone = (1 - stepped(Muon, [gradients[1]])[0]).ravel()
    assert 0.3 < np.corrcoef(last, alone)[0, 1] < 0.99


@pytest.mark.parametrize("shape", [(16,), (3, 3, 3, 16), (3, 3, 16, 1), (16, 16)])
def test_all_else_is_moved_as_by_adamw(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    kernel, other = normal(rng, 3, 3, 8, 8), normal(rng, *shape)
    by_muon, by_adamw = (stepped(each, [kernel, other]) for each in (Muon, keras.optimizers.AdamW))
    np.testing.assert_array_equal(by_muon[1], by_adamw[1])
    assert not np.array_equal(by_muon[0], by_adamw[0])


def test_weights_decay_as_by_adamw() -> None:
    weight = keras.Variable(np.ones((3, 3, 8, 8), np.float32))
    optimizer = Muon(RATE, weight_decay=0.1)
    optimizer.apply([tf.zeros((3, 3, 8, 8))], [weight])
    np.testing.assert_allclose(weight.numpy(), 1 - 0.1 * RATE, rtol=1e-6)
