"""The network of the Intern-S1 family, in plain PyTorch; `huggingface.py` gives it that library's face.

Its modules need the extra `network` (PyTorch, transformers, safetensors). Import them where they are used.
"""
