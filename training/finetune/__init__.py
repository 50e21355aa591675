"""Fine-tunes a model on questions with the pages that answer them: rows in, a folder out that `--model` opens."""
