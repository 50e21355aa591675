"""Training: fine-tuning on a user's own questions, the embedded model `pixel`, and synthetic pages for it."""
