"""Compares the bound of models/audit with two libraries where they meet: one audit rate, and hits whose order does not matter.

Ours bounds how many of the hits so far were wrong, whatever their order; confidence sequences bound a mean that does not
change, from the audited hits alone. Run by hand (Python 3.12 or newer; prints the table of docs/trust.md):

    pip install expectation==0.6.1 multiprocess matplotlib
    pip download --no-deps confseq==0.0.11 && tar xzf confseq-0.0.11.tar.gz    # installing it takes Boost; its betting module is pure Python
    PYTHONPATH=confseq-0.0.11/src python bench/trust/bounds.py
"""

import numpy as np

np.float_ = np.float64  # confseq 0.0.11 is older than NumPy 2, which has no float_
from confseq.betting import betting_cs
from expectation.modules.boundaries import BetaBinomialMixture
from scipy.optimize import bisect

ALPHA = 0.05
GRID = [0, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9]
WEIGHTS = [0.28] + 6 * [0.12]


def ours(rate, caught):
    """Wrong hits at most, of any number of hits audited at one rate."""
    missed = 0
    while True:
        step = missed + 1
        total = sum(w * f**caught * ((1 - f * rate) / (1 - rate)) ** step for f, w in zip(GRID, WEIGHTS))
        if total >= 1 / ALPHA:
            return caught + missed
        missed = step


def betting(audited, caught):
    """Upper end of the betting confidence sequence of Waudby-Smith and Ramdas, with the wrong ones evenly spread."""
    x = np.zeros(audited)
    x[[int((i + 0.5) * audited / caught) for i in range(caught)]] = 1
    _, upper = betting_cs(x, alpha=2 * ALPHA, breaks=2000, running_intersection=True)
    return upper[-1]


def mixture(audited, caught):
    """Upper end of the beta-binomial mixture of Howard et al., at its best for this many audits.

    It is what bernoulli_confidence_interval bisects, which itself fails where nothing was caught."""

    def excess(p):
        m = BetaBinomialMixture(p * (1 - p) * audited, ALPHA, p, 1 - p, False)
        return m.log_superMG(caught - p * audited, p * (1 - p) * audited) - np.log(1 / ALPHA)

    return bisect(excess, max(caught / audited, 1e-9), 1 - 1e-9)


def main():
    rate = 0.01
    print("| hits | audited | wrong ones among them | models/audit | `confseq`, betting | `expectation`, beta-binomial mixture |")
    print("|---|---|---|---|---|---|")
    for audited, caught in [(20, 0), (50, 0), (100, 0), (100, 1), (300, 0), (300, 3), (1000, 5), (1000, 20), (3000, 30)]:
        hits = round(audited / rate)
        cells = [min(1, ours(rate, caught) / hits), betting(audited, caught), mixture(audited, caught)]
        print(f"| {hits:,} | {audited:,} | {caught} | " + " | ".join(f"{100 * c:.2f} %" for c in cells) + " |")


assert [ours(0.01, a) for a in (0, 1, 5)] == [388, 750, 1440]
if __name__ == "__main__":
    main()
