"""Makes heads.json: ten training steps of PyTorch in float64 of an embedding and an LSTM with two heads: a class for each
step by the embedding's own table (tied weights), and two numbers for each sequence from the mean of its live states.

    pip install torch==2.13.0 numpy && python test/parity/golden/makeHeads.py

The loss is crossEntropy of the first head + 0.2 * mse of the second one. Arrays are {"shape", "float64"}: base64 of
little-endian float64 in row-major order; ids are plain lists. Start weights and targets are exact in float32.
"""

import base64
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_

SEED = 20261121
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
V, E, N, T = 9, 6, 4, 5
LENGTHS = [5, 2, 4, 5]
WEIGHTS = {"tag": 1.0, "length": 0.2}
STEPS, RATE, MOMENTUM = 10, 0.25, 0.9


def array(tensor):
    values = np.ascontiguousarray(tensor.detach().numpy(), dtype="<f8")
    return {"shape": list(values.shape), "float64": base64.b64encode(values.tobytes()).decode()}


def arrays(named):
    return {name: array(tensor) for name, tensor in named}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, E)
        self.lstm = nn.LSTM(E, E, batch_first=True)
        self.tag = nn.ModuleDict({"fc": nn.Linear(E, V)})
        self.length = nn.ModuleDict({"fc": nn.Linear(E, 2)})
        self.tag["fc"].weight = self.embedding.weight

    def forward(self, x):
        h, _ = self.lstm(self.embedding(x))  # forwards in time: padding reaches no live step
        pooled = (h * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return self.tag["fc"](h), self.length["fc"](pooled)


torch.manual_seed(SEED)
mask = torch.arange(T)[None, :] < torch.tensor(LENGTHS)[:, None]
model = Model()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(parameter.float().double())
start = arrays(model.named_parameters())
optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)
xs, tags, lengths, losses, norms, heads = [], [], [], [], [], {"tag": [], "length": []}
for _ in range(STEPS):
    x, tag, length = torch.randint(V, (N, T)), torch.randint(V, (N, T)), torch.randn(N, 2).float().double()
    z, y = model(x)
    parts = {"tag": F.cross_entropy(z[mask], tag[mask]), "length": F.mse_loss(y, length)}
    loss = sum(WEIGHTS[name] * part for name, part in parts.items())
    optimizer.zero_grad()
    loss.backward()
    norms.append(clip_grad_norm_(model.parameters(), 1e9).item())
    optimizer.step()
    losses.append(loss.item())
    for name, part in parts.items():
        heads[name].append(part.item())
    xs.append(x.flatten().tolist())
    tags.append(tag.flatten().tolist())
    lengths.append(array(length))

content = {
    "torch": torch.__version__,
    "seed": SEED,
    "script": Path(__file__).name,
    "vocabSize": V,
    "size": E,
    "batchSize": N,
    "timeSteps": T,
    "lengths": LENGTHS,
    "weights": WEIGHTS,
    "optimizer": {"learningRate": RATE, "momentum": MOMENTUM, "nesterov": False},
    "x": xs,
    "tag": tags,
    "length": lengths,
    "start": start,
    "losses": losses,
    "headLosses": heads,
    "norms": norms,
    "end": arrays(model.named_parameters()),
}
(Path(__file__).parent / "heads.json").write_text(json.dumps(content, indent=1) + "\n")
