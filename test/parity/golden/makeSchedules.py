"""Makes schedules.json beside this script: the rates of PyTorch's schedulers, step after step, that the tests compare with.

    pip install torch==2.13.0 numpy && python test/parity/golden/makeSchedules.py

Each case is one of this package's schedules with its options, and the rate of each of `len(rates)` steps (epochs, for
PyTorch: it counts calls of step()). `values` are what ReduceLROnPlateau was given after each.
"""

import json
import math
from pathlib import Path

import torch
from torch.optim import SGD
from torch.optim import lr_scheduler as lr

HERE = Path(__file__).parent


def optimizer(rate):
    return SGD([torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))], lr=rate)


def rates(rate, make, steps):
    chosen = optimizer(rate)
    scheduler = make(chosen)
    taken = []
    for step in range(steps):
        taken.append(chosen.param_groups[0]["lr"])
        chosen.step()
        if step + 1 < steps:
            scheduler.step()
    return taken


def case(kind, options, rate, make, steps=24, total=None):
    return {"kind": kind, "options": options, "totalSteps": total or steps, "rates": rates(rate, make, steps)}


def one_cycle(options, total, **torch_options):
    make = lambda o: lr.OneCycleLR(o, max_lr=options["max"], total_steps=total, cycle_momentum=False, **torch_options)
    return case("oneCycle", options, 1.0, make, total)


def warm(options, rate, start, then):
    make = lambda o: lr.SequentialLR(o, [lr.LinearLR(o, start_factor=start, total_iters=5), then(o)], milestones=[5])
    return case("warmup", options, rate, make)


CASES = [
    case("stepDecay", {"initial": 0.1, "every": 7, "factor": 0.5}, 0.1, lambda o: lr.StepLR(o, 7, 0.5)),
    case(
        "piecewiseConstant",
        {"boundaries": [3, 10], "values": [0.1, 0.02, 0.004]},
        0.1,
        lambda o: lr.MultiStepLR(o, [3, 10], 0.2),
    ),
    case("exponentialDecay", {"initial": 0.3, "factor": 0.9}, 0.3, lambda o: lr.ExponentialLR(o, 0.9)),
    case("inverseTimeDecay", {"initial": 0.3, "rate": 0.5}, 0.3, lambda o: lr.LambdaLR(o, lambda t: 1 / (1 + 0.5 * t))),
    case("polynomialDecay", {"initial": 0.3, "length": 20, "power": 2}, 0.3, lambda o: lr.PolynomialLR(o, 20, 2.0)),
    case("polynomialDecay", {"initial": 0.3}, 0.3, lambda o: lr.PolynomialLR(o, 24, 1.0)),
    case("cosineDecay", {"initial": 0.3, "end": 0.01}, 0.3, lambda o: lr.CosineAnnealingLR(o, 24, 0.01)),
    case(
        "cosineRestarts",
        {"initial": 0.3, "end": 0.01, "length": 5},
        0.3,
        lambda o: lr.CosineAnnealingWarmRestarts(o, 5, 1, 0.01),
    ),
    case(
        "cosineRestarts",
        {"initial": 0.3, "end": 0.01, "length": 3, "multiply": 2},
        0.3,
        lambda o: lr.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
        40,
    ),
    one_cycle({"max": 0.4}, 30),
    one_cycle({"max": 0.4}, 7),
    one_cycle({"max": 0.4, "anneal": "linear"}, 30, anneal_strategy="linear"),
    one_cycle(
        {"max": 0.4, "threePhase": True, "warmupShare": 0.25, "startDivisor": 10, "endDivisor": 100},
        31,
        three_phase=True,
        pct_start=0.25,
        div_factor=10,
        final_div_factor=100,
    ),
    warm(
        {"length": 5, "startFactor": 0.25, "learningRate": {"kind": "cosineDecay", "initial": 0.3}},
        0.3,
        0.25,
        lambda o: lr.CosineAnnealingLR(o, 19),
    ),
    warm(
        {"length": 5, "startFactor": 1 / 3, "learningRate": {"kind": "stepDecay", "initial": 0.3, "every": 4, "per": "step"}},
        0.3,
        1 / 3,
        lambda o: lr.StepLR(o, 4, 0.1),
    ),
]


def plateau(options, **torch_options):
    values = [5, 4, 4.2, 4.1, 3.9996, 4.3, 4.4, 4.0, 3.9, 3.95, 4.5, 3.95, 3.899, 3.95, 3.9, 5, 5, 5, 5, 5, 5, math.nan, 5, 1, 2, 3]
    if options.get("mode") == "max":
        values = [-value for value in values]
    chosen = optimizer(options["initial"])
    scheduler = lr.ReduceLROnPlateau(chosen, eps=0, **torch_options)
    taken = []
    for value in values:
        taken.append(chosen.param_groups[0]["lr"])
        scheduler.step(value)
    values = [None if math.isnan(value) else value for value in values]
    return {"kind": "reduceOnPlateau", "options": options, "values": values, "rates": taken}


PLATEAUS = [
    plateau({"initial": 0.1, "patience": 2}, patience=2),
    plateau({"initial": 0.1, "patience": 0, "factor": 0.5, "min": 0.01}, patience=0, factor=0.5, min_lr=0.01),
    plateau({"initial": 0.1, "patience": 1, "factor": 0.5, "cooldown": 3}, patience=1, factor=0.5, cooldown=3),
    plateau(
        {"initial": 0.1, "patience": 1, "threshold": 0.05, "thresholdMode": "absolute"},
        patience=1,
        threshold=0.05,
        threshold_mode="abs",
    ),
    plateau({"initial": 0.1, "patience": 1, "threshold": 0.05}, patience=1, threshold=0.05),
    plateau(
        {"initial": 0.1, "mode": "max", "patience": 1, "threshold": 0.02, "thresholdMode": "absolute"},
        mode="max",
        patience=1,
        threshold=0.02,
        threshold_mode="abs",
    ),
]

header = {"torch": torch.__version__, "script": Path(__file__).name}
content = {**header, "cases": CASES, "plateaus": PLATEAUS}
(HERE / "schedules.json").write_text(json.dumps(content, indent=1) + "\n")
