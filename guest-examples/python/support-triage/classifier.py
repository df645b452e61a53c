"""A linear classifier: for each class a sum of weights over a text's features; the largest sum wins.

`model.tsv` is read when the component is built, and is in its memory from then on.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from features import features


# Weights are whole hundredths.
SCALE = 100


@dataclass
class Verdict:
    """A class, and how sure the classifier is of it: from 1 over the number of classes, for no idea, to 1."""

    label: str
    confidence: float


class Classifier:
    """One question (intent, or sentiment) with its classes."""

    def __init__(self, labels: list[str], weights: dict[str, list[int]]) -> None:
        self.labels = labels
        self.weights = weights

    def classify(self, found: set[str]) -> Verdict:
        known = [self.weights[feature] for feature in found & self.weights.keys()]
        sums = list(map(sum, zip(*known))) or [0] * len(self.labels)
        scale, most = SCALE * math.sqrt(len(known) or 1), max(sums)
        odds = [math.exp((value - most) / scale) for value in sums]
        best = odds.index(max(odds))
        return Verdict(self.labels[best], odds[best] / sum(odds))


def load(path: Path) -> dict[str, Classifier]:
    """Reads the models: a line `# question label label …`, then a feature and its weights on each line."""
    models: dict[str, Classifier] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            question, *labels = line[2:].split("\t")
            model = models[question] = Classifier(labels, {})
        else:
            feature, *weights = line.split("\t")
            model.weights[feature] = [int(weight) for weight in weights]
    return models


MODELS = load(Path(__file__).with_name("model.tsv"))


def read(text: str) -> tuple[Verdict, Verdict]:
    """What somebody wants, and how they feel about it."""
    found = features(text)
    return MODELS["intent"].classify(found), MODELS["sentiment"].classify(found)
