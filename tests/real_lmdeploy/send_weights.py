"""Sends the weights of a tiny model of another seed to a server's /update_weights. Runs in LMDeploy's environment."""

import sys
import tempfile
from pathlib import Path

import requests
import torch
from lmdeploy.utils import FlattenedTensorBucket, serialize_state_dict
from safetensors.torch import load_file

from benchmate.model.serving.tiny_model import make_tiny_model

url, seed = sys.argv[1], int(sys.argv[2])
torch.multiprocessing.set_sharing_strategy("file_system")  # the server is no child of this process
with tempfile.TemporaryDirectory() as folder:
    make_tiny_model(Path(folder), seed=seed)
    tensors = list(load_file(Path(folder) / "model.safetensors").items())
half = len(tensors) // 2
for number, part in enumerate((tensors[:half], tensors[half:])):
    bucket = FlattenedTensorBucket(named_tensors=part)
    data = {"flattened_tensor": bucket.flattened_tensor, "metadata": bucket.metadata}
    body = {
        "serialized_named_tensors": serialize_state_dict(data),
        "load_format": "flattened_bucket",
        "finished": number == 1,
    }
    answer = requests.post(f"{url}/update_weights", json=body, timeout=60)
    assert answer.ok, answer.text
