#!/usr/bin/env python3
"""Search the seed of a case in cases.py whose run stays clear of kinks: find_seed.py CASE FIRST LAST.

Prints each seed whose first step is clear (step.MIN_MARGIN), with the distance of an fp32 run from
float64: the losses of step 1, and the root mean square over all later ones.
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
    for seed in range(first, last + 1):
        case = dataclasses.replace(template, seed=seed)
        start = cases.draw(case)
        truth, rounded = (step.run(case, start, dtype, steps=1) for dtype in (np.float64, np.float32))
        margin = kinks.margin(truth.arguments, rounded.arguments)
        if margin < step.MIN_MARGIN:
            continue
        truth, rounded = (step.run(case, start, dtype) for dtype in (np.float64, np.float32))
        print(f"{name}: seed {seed} margin {margin:.1f}, step 1 {step.first_loss_error(rounded.losses, truth.losses):.1e}, "
              f"later {step.loss_rms(rounded.losses, truth.losses):.1e}", flush=True)


if __name__ == "__main__":
    main()
