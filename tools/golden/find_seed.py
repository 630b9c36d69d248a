#!/usr/bin/env python3
"""Search the seed of a case in cases.py whose first step stays clear of kinks: find_seed.py CASE FIRST LAST.

Prints each seed that is better than all before it, with its margin (kinks.margin).
"""

import dataclasses
import sys

import numpy as np

import cases
import kinks
import step


def main():
    name, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    template = next(case for case in cases.CASES if case.name == name)
    best = 0.0
    for seed in range(first, last + 1):
        case = dataclasses.replace(template, seed=seed)
        start = cases.draw(case)
        truth, rounded = (step.run(case, start, dtype, steps=1).arguments for dtype in (np.float64, np.float32))
        margin = kinks.margin(truth, rounded)
        if margin > best:
            best = margin
            print(f"{name}: seed {seed} margin {margin:.2f}", flush=True)


if __name__ == "__main__":
    main()
