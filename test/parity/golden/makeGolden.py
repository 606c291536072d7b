"""Makes the golden files beside this script: float64 results of PyTorch that the tests compare with.

    pip install torch==2.13.0 numpy && python test/parity/golden/makeGolden.py

Arrays are {"shape", "float64"}: base64 of little-endian float64 in row-major order; ids are plain lists.
Gates stand in PyTorch's order i f g o. Inputs and start weights are exact in float32, so a float32 device
starts from the same numbers.
"""

import json
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from goldenArrays import array, arrays, draw

SEED = 20240607
HERE = Path(__file__).parent


def round_to_float32(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.float().double())


def write(name, content):
    header = {"torch": torch.__version__, "seed": SEED, "gates": "ifgo", "script": Path(__file__).name}
    (HERE / name).write_text(json.dumps({**header, **content}, indent=1) + "\n")


LSTM_CASES = [
    dict(id="one layer", N=3, T=6, C=5, H=4, L=1, bi=False, bias=True, lengths=None, states=False),
    dict(id="one layer without bias, both directions", N=2, T=5, C=3, H=6, L=1, bi=True, bias=False, lengths=None, states=True),
    dict(id="three layers, initial states", N=4, T=7, C=5, H=8, L=3, bi=False, bias=True, lengths=None, states=True),
    dict(id="two layers, both directions, unequal lengths", N=5, T=9, C=7, H=5, L=2, bi=True, bias=True, lengths=[3, 9, 1, 9, 6], states=True),
    dict(id="three layers, both directions, unequal lengths, no states", N=4, T=8, C=2, H=9, L=3, bi=True, bias=True, lengths=[2, 7, 8, 1], states=False),
    dict(id="one sequence of one step", N=1, T=1, C=1, H=1, L=1, bi=False, bias=True, lengths=None, states=True),
]

PROJECTION_CASES = [
    dict(id="projection, one layer", N=3, T=6, C=5, H=7, P=3, L=1, bi=False, bias=True, lengths=None, states=False),
    dict(id="projection to one channel without bias, initial states", N=2, T=5, C=3, H=6, P=1, L=1, bi=False, bias=False, lengths=None, states=True),
    dict(id="projection, three layers, initial states", N=4, T=7, C=5, H=8, P=7, L=3, bi=False, bias=True, lengths=None, states=True),
    dict(id="projection, two layers, both directions, unequal lengths", N=5, T=9, C=7, H=6, P=4, L=2, bi=True, bias=True, lengths=[3, 9, 1, 9, 6], states=True),
]


def lstm_case(id, N, T, C, H, L, bi, bias, lengths, states, P=0):
    lstm = nn.LSTM(C, H, L, bias=bias, batch_first=True, bidirectional=bi, proj_size=P)
    round_to_float32(lstm)
    D = 2 if bi else 1
    x = draw(N, T, C).requires_grad_()
    h0, c0 = (draw(L * D, N, S) if states else torch.zeros(L * D, N, S) for S in (P or H, H))
    h0.requires_grad_(), c0.requires_grad_()
    if lengths is None:
        y, (hn, cn) = lstm(x, (h0, c0))
    else:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        packed_y, (hn, cn) = lstm(packed, (h0, c0))
        y, _ = pad_packed_sequence(packed_y, batch_first=True, total_length=T)
    dy, dhn, dcn = draw(N, T, D * (P or H)), draw(L * D, N, P or H), draw(L * D, N, H)
    ((y * dy).sum() + (hn * dhn).sum() + (cn * dcn).sum()).backward()
    return {
        "id": id,
        "config": {
            "inputSize": C, "hiddenSize": H, "numLayers": L, "bidirectional": bi, "bias": "double" if bias else "none",
            **({"projectionSize": P} if P else {}),
        },
        "batchSize": N,
        "timeSteps": T,
        "lengths": lengths,
        "weights": arrays(lstm.named_parameters()),
        "inputs": arrays([("x", x), ("h0", h0), ("c0", c0), ("dy", dy), ("dhn", dhn), ("dcn", dcn)]),
        "outputs": arrays([("y", y), ("hn", hn), ("cn", cn)]),
        "gradients": arrays([("dx", x.grad), ("dh0", h0.grad), ("dc0", c0.grad)]),
        "weightGradients": arrays((name, p.grad) for name, p in lstm.named_parameters()),
    }


class Tagger(nn.Module):
    """A class of every step: embedding, LSTM, linear head."""

    def __init__(self, vocab, size, hidden, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocab, size)
        self.lstm = nn.LSTM(size, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, tokens):
        return self.fc(self.lstm(self.embedding(tokens))[0])


class Regressor(nn.Module):
    """Numbers from the last hidden states of both directions."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, outputs)

    def forward(self, x):
        _, (hn, _) = self.lstm(x)
        return self.fc(torch.cat([hn[-2], hn[-1]], dim=1))


def train(model, optimizer, batches, loss_of, clip):
    """Losses before each step, and the norms before clipping."""
    losses, norms = [], []
    for batch in batches:
        optimizer.zero_grad()
        loss = loss_of(model, *batch)
        loss.backward()
        norms.append(clip_grad_norm_(model.parameters(), clip).item())
        losses.append(loss.item())
        optimizer.step()
    return losses, norms


def adam_run():
    V, N, T, steps = 20, 4, 10, 20
    model = Tagger(V, 8, 16, V)
    round_to_float32(model)
    start = arrays(model.named_parameters())
    batches = [(torch.randint(V, (N, T)), torch.randint(V, (N, T))) for _ in range(steps)]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_of = lambda model, x, y: nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten())
    losses, norms = train(model, optimizer, batches, loss_of, 1.0)
    return {
        "vocabSize": V, "size": 8, "hiddenSize": 16, "batchSize": N, "timeSteps": T,
        "optimizer": {"learningRate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "clip": {"globalNorm": 1.0}},
        "x": [x.flatten().tolist() for x, _ in batches],
        "y": [y.flatten().tolist() for _, y in batches],
        "losses": losses, "norms": norms, "start": start, "end": arrays(model.named_parameters()),
    }


def sgd_run():
    N, T, C, H, K, steps = 3, 6, 4, 7, 2, 20
    model = Regressor(C, H, K)
    round_to_float32(model)
    start = arrays(model.named_parameters())
    batches = [(draw(N, T, C), draw(N, K)) for _ in range(steps)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    loss_of = lambda model, x, y: nn.functional.mse_loss(model(x), y)
    losses, norms = train(model, optimizer, batches, loss_of, 0.5)
    return {
        "inputSize": C, "hiddenSize": H, "units": K, "batchSize": N, "timeSteps": T,
        "optimizer": {"learningRate": 0.05, "momentum": 0.9, "nesterov": True, "clip": {"globalNorm": 0.5}},
        "x": [array(x) for x, _ in batches],
        "y": [array(y) for _, y in batches],
        "losses": losses, "norms": norms, "start": start, "end": arrays(model.named_parameters()),
    }


torch.manual_seed(SEED)
write("lstm.json", {"cases": [lstm_case(**case) for case in LSTM_CASES]})
write("training.json", {"adam": adam_run(), "sgd": sgd_run()})
write("lstmProjection.json", {"cases": [lstm_case(**case) for case in PROJECTION_CASES]})
