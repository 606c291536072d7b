"""Makes losses.json: losses and gradients of PyTorch in float64 (of the pinball loss: scikit-learn's), with the
gradient at the predictions or logits.

    pip install torch==2.13.0 numpy scikit-learn==1.9.1 && python test/parity/golden/makeLosses.py

Three sequences of 4, 2 and 3 steps; predictions [3, 4, channels] and targets [3, 4, ...] are padded, and PyTorch is
given the live rows alone. Inputs are exact in float32. Arrays are plain nested lists.
"""

import json
from pathlib import Path

import sklearn
import torch
from sklearn.metrics import mean_pinball_loss
from torch.nn import functional as F

from goldenArrays import draw

SEED = 20261121
LENGTHS = [4, 2, 3]
torch.manual_seed(SEED)
mask = torch.arange(4)[None, :] < torch.tensor(LENGTHS)[:, None]


def rounded(tensor):
    return tensor.float().double()


def case(name, loss, predictions, targets, of_live_rows):
    """`loss` as the package takes it; `of_live_rows(predictions, targets)` the same in PyTorch."""
    z = predictions.clone().requires_grad_(True)
    value = of_live_rows(z[mask], targets[mask])
    value.backward()
    return {
        "id": name,
        "loss": loss,
        "predictions": predictions.tolist(),
        "targets": targets.tolist(),
        "value": value.item(),
        "gradient": z.grad.tolist(),
    }


def distributions(*shape):
    values = torch.rand(*shape)
    return rounded(values / values.sum(-1, keepdim=True))


def pinball(quantiles):
    def loss(z, t):
        z = z.view(-1, t.shape[-1], len(quantiles))
        parts = []
        for i, q in enumerate(quantiles):
            d = t - z[..., i]
            part = torch.maximum(q * d, (q - 1) * d).mean()
            reference = mean_pinball_loss(t.numpy(), z[..., i].detach().numpy(), alpha=q)
            assert abs(part.item() - reference) < 1e-14
            parts.append(part)
        return torch.stack(parts).mean()

    return loss


def gaussian(full):
    def loss(z, t):
        z = z.view(-1, t.shape[-1], 2)
        return F.gaussian_nll_loss(z[..., 0], t, torch.exp(z[..., 1]), full=full)

    return loss


K = 5
numbers, wanted = 2 * draw(3, 4, K), 2 * draw(3, 4, K)
ids = torch.randint(0, K, (3, 4))
with_ignored = ids.clone()
with_ignored[0, 1] = -100
with_ignored[2, 0] = -100
weights = rounded(torch.tensor([0.5, 2.0, 1.25, 0.1, 3.0]))
held = 2 * draw(3, 4, 4)
held[0, 0, 1] = -20.0
cases = [
    case("mse", {"kind": "mse"}, numbers, wanted, F.mse_loss),
    case("mae", {"kind": "mae"}, numbers, wanted, F.l1_loss),
    case("huber", {"kind": "huber", "delta": 0.75}, numbers, wanted, lambda z, t: F.huber_loss(z, t, delta=0.75)),
    case("logCosh", {"kind": "logCosh"}, numbers, wanted, lambda z, t: torch.log(torch.cosh(z - t)).mean()),
    case("gaussianNll, a variance below the least", {"kind": "gaussianNll", "full": False}, held, draw(3, 4, 2), gaussian(False)),
    case("gaussianNll, full", {"kind": "gaussianNll", "full": True}, draw(3, 4, 4), draw(3, 4, 2), gaussian(True)),
    case("quantile", {"kind": "quantile", "quantiles": [0.1, 0.5, 0.75]}, draw(3, 4, 6), draw(3, 4, 2), pinball([0.1, 0.5, 0.75])),
    case("binaryCrossEntropy of several labels", {"kind": "binaryCrossEntropy"}, numbers, rounded(torch.rand(3, 4, K)), F.binary_cross_entropy_with_logits),
    case("crossEntropy", {"kind": "crossEntropy"}, numbers, ids, F.cross_entropy),
]
for smoothing in (None, 0.1):
    for weighed in (None, weights):
        for ignore in (None, -100):
            options = {"label_smoothing": smoothing or 0.0, "weight": weighed}
            loss = {"kind": "crossEntropy"}
            if smoothing is not None:
                loss["labelSmoothing"] = smoothing
            if weighed is not None:
                loss["classWeights"] = weighed.tolist()
            if ignore is not None:
                loss["ignoreIndex"] = ignore
            if len(loss) == 1:
                continue
            name = "crossEntropy by ids, " + ", ".join(key for key in loss if key != "kind")
            used = with_ignored if ignore is not None else ids
            cases.append(case(name, loss, numbers, used, lambda z, t, o=options: F.cross_entropy(z, t, **o)))
        loss = {"kind": "crossEntropy", "labelSmoothing": smoothing or 0.0}
        if weighed is not None:
            loss["classWeights"] = weighed.tolist()
        name = f"crossEntropy by distributions, smoothing {smoothing or 0}, {'' if weighed is not None else 'no '}weights"
        options = {"label_smoothing": smoothing or 0.0, "weight": weighed}
        cases.append(case(name, loss, numbers, distributions(3, 4, K), lambda z, t, o=options: F.cross_entropy(z, t, **o)))

header = {"torch": torch.__version__, "sklearn": sklearn.__version__, "seed": SEED, "script": Path(__file__).name, "lengths": LENGTHS}
(Path(__file__).parent / "losses.json").write_text(json.dumps({**header, "cases": cases}) + "\n")
