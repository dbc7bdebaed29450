"""A trainer that goes on from the state of another one."""

import pytest

from inpaint.training.batches import Batch
from inpaint.training.loop import Trainer
from tests.unit.training.conftest import Train
from tests.unit.training.example import is_equal, tiny_network


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "muon"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("augmentation", ["none", "input"])
def test_a_restored_trainer_goes_on_bit_for_bit(
    train: Train, batches: list[Batch], optimizer: str, precision: str, augmentation: str
) -> None:
    """With dropout and random rotations, whose states go on too."""
    settings = train | {
        "optimizer": optimizer,
        "precision": precision,
        "augmentation": augmentation,
        "epochs": 3,
    }
    undisturbed = Trainer(tiny_network(dropout=0.2), settings, 4)
    losses = [undisturbed.train_epoch(batches)]
    state = undisturbed.state()
    losses += [undisturbed.train_epoch(batches) for _ in range(2)]

    another = Trainer(tiny_network(seed=1, dropout=0.2), settings, 4)
    another.restore(state)
    assert is_equal(another.state(), state)
    assert [another.train_epoch(batches) for _ in range(2)] == losses[1:]
    assert is_equal(another.state(), undisturbed.state())
    assert is_equal(another.model.get_weights(), undisturbed.model.get_weights())


def test_a_state_of_another_network_is_refused(train: Train) -> None:
    trainer = Trainer(tiny_network(), train, 4)
    with pytest.raises(ValueError, match="shorter"):
        trainer.restore(trainer.state()[:-1])
