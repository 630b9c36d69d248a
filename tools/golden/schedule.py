#!/usr/bin/env python3
"""Write cyclegan/testdata/schedule.json: the learning rates of PyTorch's own schedulers, set up as the official code does.

Each case names its options by their official names, and for plateau the metric at the end of each epoch; `rates` are those of
the epochs from epoch_count on, equal ones as [how many, rate].
"""

import itertools
import json
import os

import torch
from torch.optim import lr_scheduler

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cyclegan/testdata/schedule.json")
DEFAULTS = {"lr": 2e-4, "lr_policy": "linear", "lr_decay_iters": 50, "n_epochs": 100, "n_epochs_decay": 100, "epoch_count": 1}
# falls, stalls, gains too small for the threshold, a good one in the last epoch that is borne, and a rise; all exact in fp32
METRICS = [30, 29, 28.875, 28.75, 28.75, 28.875, 29, 27, 27, 26.75, 27, 26.875, 27, 26.75, 26] + [31] * 19
CASES = (
    {},
    {"n_epochs": 20, "n_epochs_decay": 10, "epoch_count": 12},
    {"n_epochs": 20, "n_epochs_decay": 10, "epoch_count": 25},
    {"n_epochs": 3, "n_epochs_decay": 0},
    {"n_epochs": 0, "n_epochs_decay": 7, "lr": 1e-3},
    {"lr_policy": "step", "n_epochs": 150},
    {"lr_policy": "step", "lr_decay_iters": 3, "n_epochs": 7, "n_epochs_decay": 5, "epoch_count": 4},
    {"lr_policy": "cosine"},
    {"lr_policy": "cosine", "n_epochs": 7, "n_epochs_decay": 25, "epoch_count": 3},
    {"lr_policy": "cosine", "n_epochs": 1, "n_epochs_decay": 6},
    {"lr_policy": "plateau", "n_epochs": 30, "n_epochs_decay": 5, "metrics": METRICS},
    {"lr_policy": "plateau", "n_epochs": 50, "n_epochs_decay": 20, "metrics": [0] * 69},  # as the official training runs it
    {"lr_policy": "plateau", "n_epochs": 15, "n_epochs_decay": 0, "epoch_count": 5, "metrics": [-1, -1, -0.9921875] + [-0.875] * 7},
)


def scheduler(optimizer, c):
    if c["lr_policy"] == "linear":
        def factor(t):
            return 1.0 - max(0, t + c["epoch_count"] - c["n_epochs"]) / float(c["n_epochs_decay"] + 1)
        return lr_scheduler.LambdaLR(optimizer, lr_lambda=factor)
    if c["lr_policy"] == "step":
        return lr_scheduler.StepLR(optimizer, step_size=c["lr_decay_iters"], gamma=0.1)
    if c["lr_policy"] == "plateau":
        return lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.2, threshold=0.01, patience=5)
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=c["n_epochs"], eta_min=0)


def rates(c):
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=c["lr"])
    policy = scheduler(optimizer, c)
    found = []
    for index in range(c["n_epochs"] + c["n_epochs_decay"] - c["epoch_count"] + 1):
        if index:
            optimizer.step()
            policy.step(*c["metrics"][index - 1:index] if "metrics" in c else [])
        found.append(optimizer.param_groups[0]["lr"])
    return [[len(list(equal)), rate] for rate, equal in itertools.groupby(found)]


def main():
    lines = [json.dumps(c | {"rates": rates(c)}, separators=(",", ":")) for c in (DEFAULTS | case for case in CASES)]
    with open(PATH, "w") as f:
        f.write('{"torch":%s,"cases":[\n%s\n]}\n' % (json.dumps(torch.__version__), ",\n".join(lines)))


if __name__ == "__main__":
    main()
