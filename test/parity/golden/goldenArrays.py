"""What the scripts beside it share: float64 throughout, and arrays as JSON.

Arrays are {"shape", "float64"}: base64 of little-endian float64 in row-major order.
"""

import base64

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def array(tensor):
    values = np.ascontiguousarray(tensor.detach().numpy(), dtype="<f8")
    return {"shape": list(values.shape), "float64": base64.b64encode(values.tobytes()).decode()}


def arrays(named):
    return {name: array(tensor) for name, tensor in named}


def draw(*shape):
    """Normal numbers that are exact in float32."""
    return torch.randn(*shape).float().double()
