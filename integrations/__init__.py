"""Retrievers for LangChain, LlamaIndex and Haystack: a hit is a document of the framework."""
