"""What there is to train on and to restore: images, their holes, and both as stages left them."""
