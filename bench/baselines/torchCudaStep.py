"""PyTorch on the GPU, for `npm run bench:cuda`. Usage: torchCudaStep.py eager|graph, then a JSON command a line
(torchPieces.serve).

PyTorch is given what suits it: a batch that lies on the GPU, time-major, its fused Adam, no loss read back, in half
precision a network of half numbers throughout, and, as 'graph', the whole step captured once and replayed (capturable
Adam, clipping without a read by the host).
"""

import sys
import time

import numpy as np
import torch

from torchPieces import read_batch, read_network, read_safetensors, serve

CAPTURE = sys.argv[1] == "graph"
DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def set_precision(precision):
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
    return DTYPES.get(precision, torch.float32)


def clip_on_device(parameters, limit):
    gradients = [parameter.grad for parameter in parameters]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp(max=1.0))


def clip_and_update(parameters):
    """A function that clips and updates, and the optimizer."""
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True, capturable=CAPTURE)

    def update():
        if CAPTURE:
            clip_on_device(parameters, 1.0)
        else:
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()

    return update, optimizer


def captured(step):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def train_step(command):
    """The outcome is the losses of the first three steps, taken one by one; in half precision of the first alone."""
    dtype = set_precision(command["precision"])
    network = read_network(command["shape"], command["inputs"]).cuda().to(dtype)
    x, y = read_batch(command["shape"], command["inputs"])
    x, y = x.cuda().to(dtype), y.cuda()
    update, optimizer = clip_and_update(list(network.parameters()))

    def step():
        optimizer.zero_grad(set_to_none=not CAPTURE)
        loss = torch.nn.functional.cross_entropy(network(x)[0].float(), y)
        loss.backward()
        update()
        return loss

    losses = [step().item() for _ in range(3)]
    return (captured(step) if CAPTURE else step), (losses if dtype == torch.float32 else losses[:1])


def update_alone(command):
    """Ten tensors, as many as a two-layer LSTM with a head has."""
    count = command["parameters"] // 10
    parameters = [torch.randn(count, device="cuda", requires_grad=True) for _ in range(10)]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    update, _ = clip_and_update(parameters)
    return (captured(update) if CAPTURE else update), []


def copy_alone(command):
    if CAPTURE:
        return None, {"unable": "one form is enough"}
    source = torch.randn(command["parameters"], device="cuda")
    target = torch.empty_like(source)
    return (lambda: target.copy_(source)), []


class WordNetwork(torch.nn.Module):
    def __init__(self, words):
        super().__init__()
        vocab, hidden, rate = words["vocabSize"], words["hiddenSize"], words["dropout"]
        self.embedding = torch.nn.Embedding(vocab, hidden)
        self.dropout = torch.nn.Dropout(rate)
        self.lstm = torch.nn.LSTM(hidden, hidden, words["numLayers"], dropout=rate)
        self.fc = torch.nn.Linear(hidden, vocab)

    def forward(self, tokens, states=None):
        y, states = self.lstm(self.dropout(self.embedding(tokens)), states)
        return self.fc(self.dropout(y)), states


def loss_of(network, tokens, targets, states):
    logits, states = network(tokens, states)
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten()), states


def fit(command):
    """A run is an epoch from zero states; the outcome is the loss of the first batch without dropout."""
    if CAPTURE:
        return None, {"unable": "an epoch of fit is compared with the eager form"}
    dtype = set_precision(command["precision"])
    words = command["words"]
    time_steps, batch_size = words["timeSteps"], words["batchSize"]
    network = WordNetwork(words)
    weights = read_safetensors(command["inputs"]["weightsPath"])
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    network.cuda().to(dtype)
    ids = torch.from_numpy(np.fromfile(words["tokensPath"], dtype="<i4").astype(np.int64)).cuda()

    def streams(tokens):
        length = (len(tokens) - 1) // batch_size
        rows = [tokens[n * length : (n + 1) * length + 1] for n in range(batch_size)]
        return torch.stack(rows, dim=1)

    network.eval()
    with torch.inference_mode():
        first = streams(ids[: batch_size * time_steps + 1])
        loss, _ = loss_of(network, first[:-1], first[1:], None)
    network.train()
    update, optimizer = clip_and_update(list(network.parameters()))
    text = streams(ids)
    steps = (len(text) - 1) // time_steps

    def epoch():
        states = None
        for k in range(steps):
            start = k * time_steps
            tokens = text[start : start + time_steps]
            targets = text[start + 1 : start + time_steps + 1]
            optimizer.zero_grad()
            loss, states = loss_of(network, tokens, targets, states)
            loss.backward()
            states = tuple(state.detach() for state in states)
            update()

    return epoch, [loss.item()]


SUITES = {"train-step": train_step, "update": update_alone, "copy": copy_alone, "fit": fit}


def set_up(command):
    torch.cuda.empty_cache()
    return SUITES[command["suite"]](command)


def run(once, repetitions):
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repetitions):
        once()
    torch.cuda.synchronize()
    return [(time.perf_counter() - start) * 1e3 / repetitions]


if not torch.cuda.is_available():
    sys.exit("this PyTorch has no GPU")
torch.manual_seed(0)
serve({"torch": torch.__version__, "torchCudnn": str(torch.backends.cudnn.version())}, set_up, run)
