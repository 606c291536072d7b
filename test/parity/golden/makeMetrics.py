"""Makes metrics.json: scores of scikit-learn on random classes, labels, scores and numbers, with and without weights.

    pip install numpy scikit-learn==1.9.1 && python test/parity/golden/makeMetrics.py

Inputs are exact in float32; logits are given, probabilities follow from them in float64.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics as m

SEED = 20261121
random = np.random.default_rng(SEED)
ROWS, K = 40, 5


def floats(*shape):
    return random.normal(size=shape).astype(np.float32).astype(np.float64)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def prf(t, p, averages, weights):
    names = {"precision": m.precision_score, "recall": m.recall_score, "f1": m.f1_score}
    return {
        name: {a: score(t, p, average=a, zero_division=0, sample_weight=weights) for a in averages}
        for name, score in names.items()
    }


def multiclass(weights):
    logits = floats(ROWS, K)
    logits[:, 3] -= 9  # a class that is hardly ever predicted
    logits[::7, 1] = logits[::7, 2]  # ties
    targets = random.integers(0, K, ROWS)
    p = logits.argmax(-1)
    probabilities = softmax(logits)
    report = m.precision_recall_fscore_support(targets, p, labels=range(K), zero_division=0, sample_weight=weights)
    return {
        "logits": logits.tolist(),
        "targets": targets.tolist(),
        "accuracy": m.accuracy_score(targets, p, sample_weight=weights),
        **prf(targets, p, ["micro", "macro", "weighted"], weights),
        "classReport": dict(zip(["precision", "recall", "f1", "support"], [list(map(float, part)) for part in report])),
        "confusionMatrix": m.confusion_matrix(targets, p, labels=range(K), sample_weight=weights).tolist(),
        "topK": {str(k): m.top_k_accuracy_score(targets, logits, k=k, labels=range(K), sample_weight=weights) for k in (1, 2, 3)},
        "rocAuc": {a: m.roc_auc_score(targets, probabilities, multi_class="ovr", average=a, sample_weight=weights) for a in ("macro", "weighted")},
        "logLoss": m.log_loss(targets, probabilities, labels=range(K), sample_weight=weights),
    }


def binary(weights):
    logits = floats(ROWS)
    logits[::5] = 0.5
    targets = random.integers(0, 2, ROWS)
    p = (logits > 0).astype(int)
    return {
        "logits": logits.tolist(),
        "targets": targets.tolist(),
        "accuracy": m.accuracy_score(targets, p, sample_weight=weights),
        **prf(targets, p, ["binary", "micro", "macro", "weighted"], weights),
        "confusionMatrix": m.confusion_matrix(targets, p, sample_weight=weights).tolist(),
        "rocAuc": m.roc_auc_score(targets, logits, sample_weight=weights),
    }


def multilabel(weights):
    logits = floats(ROWS, 3)
    targets = random.integers(0, 2, (ROWS, 3))
    p = (logits > 0).astype(int)
    return {
        "logits": logits.tolist(),
        "targets": targets.tolist(),
        **prf(targets, p, ["micro", "macro", "weighted"], weights),
        "rocAuc": {a: m.roc_auc_score(targets, logits, average=a, sample_weight=weights) for a in ("macro", "weighted")},
    }


def numbers(weights):
    targets = floats(ROWS, 2) + 3
    predictions = (targets + floats(ROWS, 2)).astype(np.float32).astype(np.float64)
    names = {
        "mae": m.mean_absolute_error,
        "mse": m.mean_squared_error,
        "rmse": m.root_mean_squared_error,
        "mape": m.mean_absolute_percentage_error,
        "r2": m.r2_score,
    }
    scores = {name: score(targets, predictions, sample_weight=weights) for name, score in names.items()}
    return {"predictions": predictions.tolist(), "targets": targets.tolist(), **scores}


cases = []
for weights in (None, random.uniform(0, 2, ROWS).astype(np.float32).astype(np.float64)):
    case = {"weights": None if weights is None else weights.tolist()}
    for kind in (multiclass, binary, multilabel, numbers):
        case[kind.__name__] = kind(weights)
    cases.append(case)

header = {"sklearn": sklearn.__version__, "seed": SEED, "script": Path(__file__).name}
(Path(__file__).parent / "metrics.json").write_text(json.dumps({**header, "cases": cases}) + "\n")
