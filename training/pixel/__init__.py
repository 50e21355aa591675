"""Training, export and evaluation of the embedded model `pixel`."""
