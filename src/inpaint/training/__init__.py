"""Training: losses, augmentation, batches, and the one loop."""
