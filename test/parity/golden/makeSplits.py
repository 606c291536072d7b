"""Makes splits.json beside this script: what scikit-learn's splitters give, that the tests compare with.

    pip install scikit-learn==1.9.1 && python test/parity/golden/makeSplits.py

Which rows a random splitter chooses is its own affair; kept is what does not depend on the generator: sizes of the parts,
rows of each class in each part, rows in each fold, and the rows themselves where nothing is random.
"""

import json
from pathlib import Path

import numpy
import sklearn
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    train_test_split,
)

HERE = Path(__file__).parent


def counts(labels, rows):
    """Rows of each class 0 .. K-1."""
    return numpy.bincount(numpy.asarray(labels)[rows], minlength=max(labels) + 1).tolist()


def sizes():
    for count, share in [(10, 0.25), (11, 0.2), (100, 0.33), (7, 0.5), (1000, 0.001), (57, 0.1), (20, 5)]:
        train, test = train_test_split(numpy.arange(count), test_size=share, random_state=0)
        yield {"count": count, "share": share, "train": len(train), "validation": len(test)}


def stratified():
    # Remainders without ties, which scikit-learn breaks at random as well.
    for classes, share in [([50, 30, 20], 0.2), ([61, 27, 9], 0.25), ([100, 7, 3], 0.3), ([40, 40, 40, 41], 0.1)]:
        labels = sum(([k] * n for k, n in enumerate(classes)), [])
        splitter = StratifiedShuffleSplit(n_splits=1, test_size=share, random_state=0)
        train, test = next(splitter.split(numpy.zeros(len(labels)), labels))
        yield {
            "labels": labels,
            "share": share,
            "train": counts(labels, train),
            "validation": counts(labels, test),
        }


def groups():
    random = numpy.random.default_rng(3)
    for count, share in [(5, 0.2), (9, 0.3), (12, 0.25)]:
        ids = random.integers(0, count, 80).tolist() + list(range(count))
        splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=0)
        _, test = next(splitter.split(ids, groups=ids))
        yield {"groups": ids, "share": share, "validationGroups": len(set(numpy.asarray(ids)[test].tolist()))}


def plain_folds():
    for count, folds in [(10, 3), (11, 5), (5, 5), (103, 4)]:
        parts = KFold(folds).split(numpy.zeros(count))
        yield {"count": count, "folds": folds, "validation": [test.tolist() for _, test in parts]}


def stratified_folds():
    random = numpy.random.default_rng(5)
    for classes, folds in [([50, 30, 20], 5), ([7, 5, 11], 3), ([4, 4, 9, 13], 4), ([31, 8], 6)]:
        labels = random.permutation(sum(([k] * n for k, n in enumerate(classes)), [])).tolist()
        parts = StratifiedKFold(folds).split(numpy.zeros(len(labels)), labels)
        yield {"labels": labels, "folds": folds, "validation": [counts(labels, test) for _, test in parts]}


def grouped_folds():
    random = numpy.random.default_rng(7)
    for count, folds in [(10, 3), (23, 5), (6, 6)]:
        ids = numpy.repeat(numpy.arange(count), random.integers(1, 20, count))
        ids = random.permutation(ids).tolist()
        loads = sorted(len(test) for _, test in GroupKFold(folds).split(ids, groups=ids))
        yield {"groups": ids, "folds": folds, "loads": loads}


def forward_folds():
    for count, options in [
        (12, {"n_splits": 3}),
        (13, {"n_splits": 4, "gap": 1}),
        (30, {"n_splits": 3, "test_size": 4, "gap": 2, "max_train_size": 6}),
        (7, {"n_splits": 6}),
    ]:
        parts = [[train.tolist(), test.tolist()] for train, test in TimeSeriesSplit(**options).split(range(count))]
        yield {
            "count": count,
            "options": {
                "folds": options["n_splits"],
                "gap": options.get("gap", 0),
                **({"validation": options["test_size"]} if "test_size" in options else {}),
                **({"maxTrain": options["max_train_size"]} if "max_train_size" in options else {}),
            },
            "parts": parts,
        }


golden = {
    "scikitLearn": sklearn.__version__,
    "script": "makeSplits.py",
    "sizes": list(sizes()),
    "stratified": list(stratified()),
    "groups": list(groups()),
    "plainFolds": list(plain_folds()),
    "stratifiedFolds": list(stratified_folds()),
    "groupedFolds": list(grouped_folds()),
    "forwardFolds": list(forward_folds()),
}
(HERE / "splits.json").write_text(json.dumps(golden) + "\n")
