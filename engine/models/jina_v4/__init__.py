"""jina-embeddings-v4 on stock transformers and peft: text and pages in one space, as single vectors and multi-vectors.

Günther et al., "jina-embeddings-v4: Universal Embeddings for Multimodal Multilingual Retrieval", 2025 (arXiv
2506.18902). One Qwen2.5-VL network embeds text and images; each task has a LoRA adapter (Hu et al., "LoRA: Low-Rank
Adaptation of Large Language Models", 2021).
"""
