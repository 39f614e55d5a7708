"""Reaching a model: network, tokenizer, serving and the chat client."""
