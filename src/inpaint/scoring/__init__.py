"""How well holes were filled, against methods that need no training, in numbers and figures."""
