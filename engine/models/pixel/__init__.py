"""The embedded model: a small convolutional network that spots words on a page picture."""
