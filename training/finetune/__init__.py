"""Fine-tuning of pixel and jina-embeddings-v4 on questions with labelled pages: `docsearch train`, `docsearch mine`."""
