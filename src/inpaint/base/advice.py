"""What to try when something went wrong that more than one stage can find."""

LEARNED_NOTHING_ADVICE = (
    "try more train.epochs, another train.learning_rate (0.001 or lower), "
    "train.loss=hole_rmse_ssim, or holes of the kind that is scored (train.holes=random with "
    "train.hole_kinds); train.on_collapse=continue trains on regardless"
)
