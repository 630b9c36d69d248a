#!/usr/bin/env python3
"""One table of ratios: cyclevk's speed over PyTorch's, both on the processor with as many threads.

Runs `cyclegan bench --kernels` and torch_cyclegan.py --time in turns, so that what else the machine does hits both alike,
and prints the median of the rounds' ratios PyTorch's time / cyclevk's time: above 1, cyclevk is faster. "clock" compares
time by the clock, "CPU" the processor time that each process used; of one thread on a quiet machine they are the same, and
on a busy one the processor time is the better witness. Build bin/cyclegan first; the Python that runs this needs torch.

    compare.py
    compare.py --threads 1 2 --rounds 9 --json ratios.json
    compare.py --runner 'env VK_DRIVER_FILES=/opt/mesa/lvp_icd.json' --skip_system
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MEASURED = {  # what torch_cyclegan.py calls it: the key of cyclegan bench
    "conv forward": "conv_forward_ms",
    "conv data gradient": "conv_data_gradient_ms",
    "conv weight gradient": "conv_weight_gradient_ms",
    "generator forward": "forward_ms",
    "training step": "step_ms",
}


class Failed(Exception):
    """A program that did not do its part; its text says which and why."""


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    add = parser.add_argument
    add("--cyclegan", default=os.path.normpath(os.path.join(HERE, "../../bin/cyclegan")), help="the program to measure")
    add("--runner", action="append", default=[], metavar="COMMAND",
        help="measure under this command too, such as `env VK_DRIVER_FILES=...` for another driver; may be given again")
    add("--skip_system", action="store_true", help="measure under the runners only")
    add("--threads", type=int, nargs="+", default=[1], help="threads of both, one table part each")
    add("--rounds", type=int, default=5, help="pairs of runs")
    add("--steps", type=int, default=5, help="timed runs of each thing in a run")
    add("--size", type=int, default=64)
    add("--netG", default="resnet_6blocks")
    add("--ngf", type=int, default=32)
    add("--ndf", type=int, default=32)
    add("--json", help="write every measurement to this file")
    options = parser.parse_args()
    for name in ("rounds", "steps"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)}: use a number from 1")
    if min(options.threads) < 1:
        parser.error(f"--threads {min(options.threads)}: use numbers from 1")
    options.runners = ([] if options.skip_system else [[]]) + [shlex.split(r) for r in options.runner]
    if not options.runners:
        parser.error("--skip_system leaves nothing to measure: give a --runner")
    return options


def run(command, **environment):
    """The standard output of a program."""
    try:
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}: run ./build.sh first") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["(it says nothing)"]
        raise Failed(f"{shlex.join(command)}: exit code {done.returncode}: {reason[0]}")
    return done.stdout


def open_sink(path):
    try:
        return open(path or os.devnull, "w", encoding="utf-8")
    except OSError as error:
        raise Failed(f"--json {path}: {error.strerror}: name a file that can be written") from error


def shape(options):
    return ["--size", str(options.size), "--netG", options.netG, "--ngf", str(options.ngf), "--ndf", str(options.ndf)]


def measure_torch(options, threads):
    """{name: {median, cpu, ...}} in milliseconds."""
    policy = os.environ.get("OMP_WAIT_POLICY", "passive")  # the default spins: on a busy machine PyTorch is then ten times slower
    out = run([sys.executable, os.path.join(HERE, "torch_cyclegan.py"), "--time", "--threads", str(threads),
               "--time_steps", str(options.steps)] + shape(options),
              OMP_NUM_THREADS=str(threads), OMP_WAIT_POLICY=policy)
    records = [json.loads(line) for line in out.splitlines()]
    return {r["measured"]: r["ms"] for r in records if "measured" in r}


def measure_cyclevk(options, runner, threads):
    """The same, and the driver's name."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bench.json")
        run(runner + [options.cyclegan, "bench", "--kernels", "--steps", str(options.steps), "--json", path] + shape(options),
            LP_NUM_THREADS=str(threads))
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    return {name: report[key] for name, key in MEASURED.items()}, report["driver"]


def measure(options):
    """Rounds in turn: [{driver, threads, name, cyclevk: [times], torch: [times]}]."""
    found = {}
    for threads in options.threads:
        for _ in range(options.rounds):
            for runner in options.runners:
                torch = measure_torch(options, threads)
                cyclevk, driver = measure_cyclevk(options, runner, threads)
                for name in MEASURED:
                    row = found.setdefault((threads, driver, name), {"threads": threads, "driver": driver, "measured": name,
                                                                      "cyclevk": [], "torch": []})
                    row["cyclevk"].append(cyclevk[name])
                    row["torch"].append(torch[name])
    return [found[key] for key in sorted(found, key=lambda k: (k[0], k[1], list(MEASURED).index(k[2])))]


def cells(row, what):
    """The median times of both and of the rounds' ratios PyTorch / cyclevk, as cells of a table."""
    pairs = [(c[what], t[what]) for c, t in zip(row["cyclevk"], row["torch"]) if c[what] > 0]
    if not pairs:
        return "- | - | -"  # this system does not tell the processor time
    ratios = [t / c for c, t in pairs]
    ours, theirs = map(statistics.median, zip(*pairs))
    return f"{ours:.0f} | {theirs:.0f} | **{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"


def print_table(options, rows):
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"Ratio: PyTorch's time / cyclevk's, above 1 cyclevk is faster (median, least to largest of {options.rounds} rounds)\n"
          f"{options.size} px, {options.netG}, ngf {options.ngf}, ndf {options.ndf}{load}\n")
    print("| driver | threads | measured | clock: cyclevk ms | PyTorch ms | ratio | CPU: cyclevk ms | PyTorch ms | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['driver']} | {row['threads']} | {row['measured']} | {cells(row, 'median')} | {cells(row, 'cpu')} |")


def main():
    options = read_options()
    try:
        with open_sink(options.json) as sink:
            rows = measure(options)
            print_table(options, rows)
            json.dump(rows, sink, indent=1)
    except Failed as error:
        print(f"compare.py: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
