"""Makes optimizers.json beside this script: fifty steps of each of PyTorch's optimizers in float64.

    pip install torch==2.13.0 numpy && python test/parity/golden/makeOptimizers.py

Arrays are {"shape", "float64"}: base64 of little-endian float64 in row-major order. All cases start from the same
weights, which are exact in float32, and go through the same batches again and again.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from goldenArrays import array, arrays, draw

SEED = 20261121
STEPS = 50
N, T, C, H, K, BATCHES = 3, 5, 3, 4, 2, 4
HERE = Path(__file__).parent


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(C, H, batch_first=True)
        self.fc = nn.Linear(H, K)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


def groups(model, **of_bias):
    bias = [p for name, p in model.named_parameters() if "bias" in name]
    rest = [p for name, p in model.named_parameters() if "bias" not in name]
    return [{"params": rest}, {"params": bias, **of_bias}]


optim = torch.optim
CASES = [
    ("SGD", lambda m: optim.SGD(m.parameters(), lr=0.05), {}),
    ("SGD with momentum and weight decay", lambda m: optim.SGD(m.parameters(), lr=0.02, momentum=0.9, weight_decay=0.01), {"norm": 0.5}),
    ("SGD with Nesterov momentum", lambda m: optim.SGD(m.parameters(), lr=0.02, momentum=0.9, nesterov=True), {"value": 0.05}),
    ("Adam", lambda m: optim.Adam(m.parameters(), lr=0.01), {}),
    ("Adam with weight decay", lambda m: optim.Adam(m.parameters(), lr=0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.02), {"norm": 0.3}),
    ("AMSGrad", lambda m: optim.Adam(m.parameters(), lr=0.02, betas=(0.9, 0.9), amsgrad=True), {}),
    ("AdamW", lambda m: optim.AdamW(m.parameters(), lr=0.01, weight_decay=0.1), {"norm": 0.3}),
    ("AdamW with groups", lambda m: optim.AdamW(groups(m, lr=0.002, weight_decay=0), lr=0.01, weight_decay=0.1), {}),
    ("RMSprop", lambda m: optim.RMSprop(m.parameters(), lr=0.005, alpha=0.9), {}),
    ("centered RMSprop with momentum", lambda m: optim.RMSprop(m.parameters(), lr=0.002, alpha=0.9, eps=1e-3, momentum=0.5, centered=True, weight_decay=0.01), {}),
    ("Adagrad", lambda m: optim.Adagrad(m.parameters(), lr=0.05), {}),
    ("Adagrad with an initial accumulator", lambda m: optim.Adagrad(m.parameters(), lr=0.1, initial_accumulator_value=0.1, weight_decay=0.01), {}),
    ("ASGD", lambda m: optim.ASGD(m.parameters(), lr=0.05, lambd=0.01, alpha=0.75, t0=20), {"average": "asgd"}),
    ("Adam with an exponential moving average", lambda m: optim.Adam(m.parameters(), lr=0.01), {"average": "ema"}),
    ("Adam, three batches to an update", lambda m: optim.Adam(m.parameters(), lr=0.02), {"accumulate": 3}),
]


def run(name, make, options, start, batches):
    model = Regressor()
    model.load_state_dict(start)
    optimizer = make(model)
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    accumulate = options.get("accumulate", 1)
    losses, norms = [], []
    for step in range(STEPS * accumulate):
        x, y = batches[step % BATCHES]
        loss = nn.functional.mse_loss(model(x), y)
        (loss / accumulate).backward()
        losses.append(loss.item())
        if (step + 1) % accumulate:
            continue
        if "value" in options:
            norms.append(clip_grad_norm_(model.parameters(), float("inf")).item())
            clip_grad_value_(model.parameters(), options["value"])
        else:
            norms.append(clip_grad_norm_(model.parameters(), options.get("norm", float("inf"))).item())
        optimizer.step()
        optimizer.zero_grad()
        ema.update_parameters(model)
    result = {"id": name, "losses": losses, "norms": norms, "end": arrays(model.named_parameters())}
    if options.get("average") == "asgd":
        result["average"] = arrays((n, optimizer.state[p]["ax"]) for n, p in model.named_parameters())
    if options.get("average") == "ema":
        result["average"] = arrays(ema.module.named_parameters())
    return result


torch.manual_seed(SEED)
first = Regressor()
with torch.no_grad():
    for parameter in first.parameters():
        parameter.copy_(parameter.float().double())
start = {name: value.clone() for name, value in first.state_dict().items()}
batches = [(draw(N, T, C), draw(N, K)) for _ in range(BATCHES)]
content = {
    "torch": torch.__version__, "seed": SEED, "gates": "ifgo", "script": Path(__file__).name,
    "inputSize": C, "hiddenSize": H, "units": K, "batchSize": N, "timeSteps": T, "steps": STEPS,
    "start": arrays(start.items()),
    "x": [array(x) for x, _ in batches], "y": [array(y) for _, y in batches],
    "cases": [run(name, make, options, start, batches) for name, make, options in CASES],
}
(HERE / "optimizers.json").write_text(json.dumps(content, indent=1) + "\n")
