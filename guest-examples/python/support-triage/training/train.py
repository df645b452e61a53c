#!/usr/bin/env python3
"""Trains the classifier on `texts.tsv` and writes `model.tsv`; says how well it does on texts that it didn't see.

    python3 training/train.py          train, measure, write the model
    python3 training/train.py --check  the same, and fail if the model that is there is another one

Logistic regression by stochastic gradient descent. Its order is fixed and its arithmetic is what IEEE 754 rounds the same
everywhere, so every machine makes the same model to the byte. Every fifth text of each intent is held out for measuring,
and is not trained on.
"""

import math
import sys
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from features import features  # noqa: E402  (it lies beside the handler, which runs the same code)

MODEL = HERE.parent / "model.tsv"
HELD_OUT_EVERY = 5
ROUNDS = 15
STEP = 0.5
# Seen less often than this, a feature is of one text, not of a class.
SEEN_AT_LEAST = 2
# Weights are kept as whole hundredths.
SCALE = 100


def read() -> list[dict[str, str]]:
    head, *lines = (HERE / "texts.tsv").read_text(encoding="utf-8").splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"))) for line in lines]


def split(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    seen: Counter[str] = Counter()
    train, held_out = [], []
    for row in rows:
        seen[row["intent"]] += 1
        (held_out if seen[row["intent"]] % HELD_OUT_EVERY == 0 else train).append(row)
    return train, held_out


def shuffled(count: int, turn: int) -> list[int]:
    """An order of the texts for each turn, from a small generator of our own: the library's may change."""
    order, state = list(range(count)), 12345 + turn
    for at in range(count - 1, 0, -1):
        state = (state * 1103515245 + 12345) % 2**31
        other = (state >> 8) % (at + 1)
        order[at], order[other] = order[other], order[at]
    return order


def exp(x: float) -> float:
    """e to the x, by products alone: the library's may differ in the last digit from machine to machine."""
    power = 1.0 + max(x, -40.0) / 4096
    for _ in range(12):
        power *= power
    return power


def fit(rows: list[dict[str, str]], question: str) -> tuple[list[str], dict[str, list[int]]]:
    labels = sorted({row[question] for row in rows})
    classes = range(len(labels))
    texts = [(sorted(features(row["text"])), labels.index(row[question])) for row in rows]
    counts = Counter(feature for found, _ in texts for feature in found)
    texts = [([f for f in found if counts[f] >= SEEN_AT_LEAST], label) for found, label in texts]
    # A class that is seen seldom counts for more each time.
    share = Counter(label for _, label in texts)
    weights: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(labels))
    for turn in range(ROUNDS):
        for at in shuffled(len(texts), turn):
            found, label = texts[at]
            length = math.sqrt(len(found) or 1)
            sums = [sum(weights[f][k] for f in found) / length for k in classes]
            odds = [exp(value - max(sums)) for value in sums]
            step = STEP * len(texts) / len(labels) / share[label] / length
            for k in classes:
                change = ((k == label) - odds[k] / sum(odds)) * step
                for f in found:
                    weights[f][k] += change
    return labels, {f: [round(weight * SCALE) for weight in weights[f]] for f in sorted(weights)}


def measure(question: str, labels: list[str], weights: dict[str, list[int]], rows: list[dict[str, str]]) -> float:
    right: Counter[str] = Counter()
    said: Counter[str] = Counter()
    meant: Counter[str] = Counter()
    for row in rows:
        found = [f for f in features(row["text"]) if f in weights]
        sums = [sum(weights[f][k] for f in found) for k in range(len(labels))]
        guess = labels[max(range(len(labels)), key=lambda k: (sums[k], -k))]
        said[guess] += 1
        meant[row[question]] += 1
        right[guess] += guess == row[question]
    print(f"{question}: {sum(right.values())} of {len(rows)} held-out texts right")
    for label in labels:
        precision = right[label] / said[label] if said[label] else 0.0
        recall = right[label] / meant[label] if meant[label] else 0.0
        print(f"  {label:<10} precision {precision:.2f}  recall {recall:.2f}  of {meant[label]}")
    return sum(right.values()) / len(rows)


def main() -> int:
    train, held_out = split(read())
    print(f"{len(train)} texts to train on, {len(held_out)} held out")
    lines = []
    for question in ["intent", "sentiment"]:
        labels, weights = fit(train, question)
        measure(question, labels, weights, held_out)
        lines.append("\t".join([f"# {question}", *labels]))
        lines += ["\t".join([feature, *map(str, row)]) for feature, row in weights.items()]
    model = "\n".join(lines) + "\n"
    if "--check" in sys.argv and MODEL.read_text(encoding="utf-8") != model:
        print(f"{MODEL} is not what these texts make: run training/train.py and look at what changes", file=sys.stderr)
        return 1
    MODEL.write_text(model, encoding="utf-8")
    print(f"{MODEL.name}: {len(model)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
