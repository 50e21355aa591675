"""jina-embeddings-v4 on stock transformers and peft: text and pages in one space, single vectors and multi-vectors."""
