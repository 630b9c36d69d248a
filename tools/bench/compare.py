#!/usr/bin/env python3
"""One table of ratios: cyclegan beside PyTorch and ncnn, on whatever this machine has.

    compare.py
    compare.py --runner 'env VK_DRIVER_FILES=/opt/mesa/lvp_icd.json' --python ~/torch2/bin/python
    compare.py --sizes 64 --rounds 9 --minutes 30 --skip scaling

Needs the program and this folder alone; a Python that has PyTorch or ncnn is found, or named with --python. On a driver that
computes on the CPU, PyTorch does too, with as many threads; on a GPU it takes CUDA. Peers run in turns with the program, in
rounds whose order turns about, so that what else the machine does hits all alike; a ratio is of one round. Every peer's
output is held against the program's, for the same weights and picture, before it is timed: one that computes something else is
named and left out, and so is what is not installed. The table goes to the screen and, with all measurements, to --out.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

import table
from table import FORWARD, MEMORY, STEP

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHONS = [sys.executable, "/usr/bin/python3"]
CONVOLUTIONS = {"conv forward": "conv_forward_ms", "conv data gradient": "conv_data_gradient_ms", "conv weight gradient": "conv_weight_gradient_ms"}

# What is measured where nothing else is said: on a CPU small networks, since a step there takes seconds.
CPU = {"sizes": [64, 128], "netG": "resnet_6blocks", "ngf": 32, "ndf": 32, "steps": 2, "variants": ["fp32"],
       "scaling": {"sizes": [128, 256, 512], "netG": "resnet_3blocks", "ngf": 8, "ndf": 8, "steps": 1}}
GPU = {"sizes": [256, 512], "netG": "resnet_9blocks", "ngf": 64, "ndf": 64, "steps": 20, "variants": ["fp32", "fp16", "bf16", "winograd", "low_memory"],
       "scaling": {"sizes": [128, 256, 512], "netG": "resnet_9blocks", "ngf": 64, "ndf": 64, "steps": 20}}

# cyclegan's ways of computing, and the options that turn them on. Translations have no winograd: its kernels' tests bound its errors.
VARIANTS = {"fp32": [], "fp16": ["--precision", "fp16"], "bf16": ["--precision", "bf16"], "winograd": ["--winograd"], "low_memory": ["--low_memory"]}

# Differences in [-1,1], where a grey level is 2/255: the largest in fp32, an eighth of a level; the mean where products are
# rounded to 10 bits, a level, or to 7 bits, four.
FP32, HALF, BRAIN = ("max", 1e-3), ("mean", 2 / 255), ("mean", 8 / 255)
TOLERANCE = {"fp32": FP32, "eager": FP32, "tf32": HALF, "amp": HALF, "fp16": HALF, "bf16": BRAIN, "compiled": BRAIN}


class Failed(Exception):
    """A program that did not do its part; its text says which and why."""


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    add = parser.add_argument
    add("--cyclegan", default=os.path.normpath(os.path.join(HERE, "../../bin/cyclegan")), help="the program (default: ../../bin/cyclegan beside this file)")
    add("--runner", action="append", default=[], metavar="COMMAND",
        help="measure under this command too, such as `env VK_DRIVER_FILES=...` for another driver; may be given again")
    add("--skip_system", action="store_true", help="measure under the runners only")
    add("--python", action="append", default=[], metavar="FILE", help="a Python with PyTorch or ncnn, beside this one and the system's; may be given again")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(), help="of all, on CPUs (default: all)")
    add("--rounds", type=int, default=3, help="times that everything is run")
    add("--minutes", type=float, default=9, help="no round begins that would end later")
    add("--steps", type=int, help="timed runs of each thing in a round (default: 2, on a GPU 20)")
    add("--sizes", type=int, nargs="+", metavar="PX", help="(default: 64 128, on a GPU 256 512)")
    add("--netG", help="(default: resnet_6blocks, on a GPU resnet_9blocks)")
    add("--ngf", type=int, help="(default: 32, on a GPU 64)")
    add("--ndf", type=int, help="(default: 32, on a GPU 64)")
    add("--variants", nargs="+", choices=VARIANTS, help="cyclegan's (default: fp32, on a GPU all that it offers)")
    add("--modes", nargs="+", choices=("eager", "tf32", "amp", "compiled"), help="PyTorch's (default: eager, on CUDA all)")
    add("--scaling_sizes", type=int, nargs="+", metavar="PX", help="of the step against itself (default: 128 256 512)")
    add("--kernels", action="store_true", help="the main convolution too")
    add("--skip", nargs="+", default=[], choices=("torch", "ncnn", "scaling"))
    add("--out", default=os.path.join("out", "compare"), metavar="NAME", help="NAME.md and NAME.json (default: out/compare)")
    options = parser.parse_args()
    for name in ("rounds", "steps", "threads"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            parser.error(f"--{name} {getattr(options, name)}: use a number from 1")
    for size in (options.sizes or []) + (options.scaling_sizes or []):
        if size % 4 or size < 32:
            parser.error(f"{size} px: use multiples of 4 from 32")
    options.runners = ([] if options.skip_system else [[]]) + [shlex.split(r) for r in options.runner]
    if not options.runners:
        parser.error("--skip_system leaves nothing to measure: give a --runner")
    return options


def run(command, **environment):
    """The standard output of a program."""
    try:
        done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}: name programs that there are") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["(it says nothing)"]
        raise Failed(f"{shlex.join(command)}: exit code {done.returncode}: {reason[0]}")
    return done.stdout


def script(name):
    return os.path.join(HERE, name)


class Machine:
    """What is installed, and what is missing, in notes."""

    def __init__(self, options):
        self.options, self.notes = options, []
        if not os.access(options.cyclegan, os.X_OK):
            raise Failed(f"{options.cyclegan}: no such program: run ./build.sh, or name it with --cyclegan")
        self.offers = run([options.cyclegan, "bench", "--help"])
        pythons = list(dict.fromkeys(p for p in [*options.python, *PYTHONS] if p in options.python or os.path.exists(p)))
        self.torch = [] if "torch" in options.skip else self.find(pythons, "torch", "print(torch.cuda.is_available())", "PyTorch", "torch")
        self.ncnn = [] if "ncnn" in options.skip else self.find(pythons, "ncnn", "", "ncnn-vulkan", "ncnn numpy")
        self.targets = [Target(self, runner) for runner in options.runners]

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
            print(f"compare.py: {text}", file=sys.stderr)

    def find(self, pythons, module, more, name, packages):
        """Pythons with a module: {python, version, answer}, each version once."""
        found = {}
        code = f"import sys, numpy, {module}; print(sys.executable); print({module}.__version__.split('+')[0]); {more}"
        for python in pythons:
            try:
                path, version, *answer = run([python, "-c", code]).splitlines()
            except Failed as error:
                if python in self.options.python and "No module named" not in str(error):
                    self.note(str(error))
                continue
            found.setdefault(version, {"python": path, "version": version, "answer": answer})
        if not found:
            self.note(f"{name}: none of {', '.join(pythons)} has it: `pip install {packages}` in a virtual environment, and name its Python with --python")
        return list(found.values())


class Target:
    """A device: what runs on it, and in which shape."""

    def __init__(self, machine, runner):
        self.machine, self.runner = machine, runner
        options = machine.options
        devices = json.loads(run([*runner, options.cyclegan, "devices", "--json"]))
        chosen = next(d for d in devices if d["chosen"])
        self.cpu = chosen["type"] == "CPU"
        self.device, self.driver = chosen["name"], chosen["driver"]
        width = re.search(r"\d+ bits", self.device)  # of lavapipe's vectors, which LP_NATIVE_VECTOR_WIDTH sets
        self.title = f"{self.device}, {self.driver}" if not self.cpu else f"{self.driver}, {width[0]}" if width else self.driver
        self.shape = dict(CPU if self.cpu else GPU)
        self.shape |= {name: getattr(options, name) for name in ("sizes", "netG", "ngf", "ndf", "steps", "variants") if getattr(options, name)}
        if options.scaling_sizes:
            self.shape["scaling"] = self.shape["scaling"] | {"sizes": options.scaling_sizes}
        self.variants = [v for v in self.shape["variants"] if all(o in machine.offers for o in VARIANTS[v][:1])]
        for missing in set(options.variants or []) - set(self.variants):
            machine.note(f"cyclegan {' '.join(VARIANTS[missing])}: this program has no such option")

    def network(self, size, shape=None):
        shape = shape or self.shape
        return ["--size", str(size)] + [text for name in ("netG", "ngf", "ndf") for text in (f"--{name}", str(shape[name]))]

    def cyclegan(self, *args):
        return run([*self.runner, self.machine.options.cyclegan, *args], LP_NUM_THREADS=str(self.machine.options.threads))

    def bench(self, size, variant, shape=None, extra=()):
        """The report of `cyclegan bench`."""
        shape = shape or self.shape
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.json")
            self.cyclegan("bench", *self.network(size, shape), *VARIANTS[variant], *extra, "--steps", str(shape["steps"]), "--json", path)
            with open(path, encoding="utf-8") as file:
                return json.load(file)


class Comparison:
    """All measurements: {(device, size, measured, name): {round: times}}, ours and theirs, and what was checked."""

    def __init__(self, machine):
        self.machine, self.options = machine, machine.options
        self.found, self.dropped, self.checks, self.folder = {}, set(), {}, tempfile.TemporaryDirectory()

    def keep(self, round_, target, size, measured, name, ms):
        if (target.title, size, name) not in self.dropped:
            self.found.setdefault((target.title, size, measured, name), {})[round_] = ms

    def drop(self, target, size, name, why):
        self.dropped.add((target.title, size, name))
        for key in [k for k in self.found if (k[0], k[1], k[3]) == (target.title, size, name)]:
            del self.found[key]
        self.machine.note(f"{name}, {size} px on {target.title}: {why}")

    # --- equality ---------------------------------------------------------------------------------------------------

    def check(self, target, size, name, mode, apart):
        """Whether an output is the same function's, to the tolerance of the mode. Peers on the CPU compute in fp32 in every mode of PyTorch."""
        kind, limit = FP32 if target.cpu and mode in ("eager", "compiled") else TOLERANCE[mode]
        worst = self.checks.setdefault(name if " " in name else f"cyclevk {name}", {"max": 0.0, "mean": 0.0})
        worst |= {key: max(worst[key], apart[key]) for key in ("max", "mean")} | {"allowed": f"{kind} {limit:.1g}"}
        if apart["spread"] < 0.05:
            raise Failed(f"cyclegan's picture at {size} px is nearly of one colour: no output can be told from another")
        if not apart[kind] <= limit:
            self.drop(target, size, name, f"computes something else than cyclegan: {kind} difference {apart[kind]:.2g}, {limit:.2g} allowed")

    def picture(self, target, size, variant="fp32"):
        """The picture that cyclegan makes on a target, or None where there is no Python to prepare it."""
        helper = next(iter(self.machine.torch + self.machine.ncnn), None)
        if not helper:
            return None
        source = os.path.join(self.folder.name, f"{size}{target.shape['netG']}{target.shape['ngf']}")
        if not os.path.isdir(source):
            run([helper["python"], script("model.py"), "--out", source, *target.network(size)])
        out = os.path.join(source, f"{self.machine.targets.index(target)}{variant}")
        path = os.path.join(out, "picture.png")
        if not os.path.exists(path):
            model = os.path.join(source, "latest_net_G_A.safetensors")
            target.cyclegan("translate", "--model", model, "--out", out, *VARIANTS[variant], os.path.join(source, "picture.png"))
        return path

    # --- runs -------------------------------------------------------------------------------------------------------

    def jobs(self):
        """Every process of a round as (title, function of the round's number)."""
        cpus, jobs = [t for t in self.machine.targets if t.cpu], []
        if cpus:  # of one shape
            jobs += [job for size in cpus[0].shape["sizes"] for job in self.jobs_at(cpus, size)]
        jobs += [job for t in self.machine.targets if not t.cpu for size in t.shape["sizes"] for job in self.jobs_at([t], size)]
        if cpus and self.machine.torch:
            jobs.append(("memory of the official step, counted", lambda r: r or self.count_memory(cpus[0])))
        if "scaling" not in self.options.skip:
            jobs += [(f"cyclegan, scaling, {size} px, {target.title}", lambda r, t=target, s=size: self.scaling(r, t, s))
                     for target in self.machine.targets for size in target.shape["scaling"]["sizes"]]
        return jobs

    def jobs_at(self, targets, size):
        """On one GPU, or on drivers that compute on the CPU: PyTorch runs once there for all of them."""
        for peer in self.machine.torch:
            name = f"PyTorch {peer['version']}"
            if targets[0].cpu or peer["answer"] == ["True"]:
                yield f"{name}, {size} px", lambda r, p=peer: self.pytorch(r, targets, size, p)
            else:
                self.machine.note(f"{name} on {targets[0].title}: it finds no CUDA GPU")
        for target in targets:
            where = f"{size} px, {target.title}"
            for variant in target.variants:
                yield f"cyclegan {variant}, {where}", lambda r, t=target, v=variant: self.ours(r, t, size, v)
            for peer in self.machine.ncnn:
                command = [*target.runner, peer["python"], script("peer_ncnn.py"), "--device", "" if target.cpu else target.device]
                yield f"ncnn {peer['version']}, {where}", lambda r, t=target, c=command: self.peer(r, [t], size, c)

    def ours(self, round_, target, size, variant):
        if (target.title, size, variant) in self.dropped:
            return
        try:
            if round_ == 0 and variant in ("fp16", "bf16") and (reference := self.picture(target, size)):
                helper = (self.machine.torch + self.machine.ncnn)[0]["python"]
                apart = run([helper, script("model.py"), "--apart", self.picture(target, size, variant), reference])
                self.check(target, size, variant, variant, json.loads(apart))
            report = target.bench(size, variant, extra=["--kernels"] if self.options.kernels else [])
        except Failed as error:
            if variant == "fp32":
                raise
            self.drop(target, size, variant, str(error))
            return
        for what, key in ({STEP: "step_ms", FORWARD: "forward_ms"} | (CONVOLUTIONS if self.options.kernels else {})).items():
            self.keep(round_, target, size, what, variant, report[key])
        if not target.cpu:
            self.keep(round_, target, size, MEMORY, variant, {"mean": report["memory_bytes"] / 2**20, "cpu": 0, "host": report["host_bytes"] / 2**20})

    def pytorch(self, round_, targets, size, peer):
        modes = self.options.modes or (["eager"] if targets[0].cpu else [])
        command = [peer["python"], script("peer_torch.py")]
        command += ["--threads", str(self.options.threads)] if targets[0].cpu else ["--cuda"]
        command += (["--modes", *modes] if modes else []) + (["--kernels"] if self.options.kernels else [])
        self.peer(round_, targets, size, command)

    def peer(self, round_, targets, size, command):
        """Runs a peer's script and keeps what it says."""
        against = [self.picture(target, size) for target in targets]
        where = f"{size} px on {targets[0].title}"
        try:
            out = run([*command, *targets[0].network(size), "--steps", str(targets[0].shape["steps"]), "--against", *against],
                      OMP_NUM_THREADS=str(self.options.threads), LP_NUM_THREADS=str(self.options.threads))
        except Failed as error:
            self.machine.note(f"{where}: {error}")
            return
        who = "?"
        for record in map(json.loads, (line for line in out.splitlines() if line.startswith("{"))):
            who = record.get("peer", who)
            name = f"{who} {record.get('mode')}"
            for target in targets:
                if "apart" in record:
                    self.check(target, size, name, record["mode"], record["apart"])
                elif "failed" in record:
                    self.drop(target, size, name, record["failed"])
                elif "measured" in record:
                    self.keep(round_, target, size, record["measured"], name, record["ms"])
                if "peak_bytes" in record:
                    self.keep(round_, target, size, MEMORY, name, {"mean": record["peak_bytes"] / 2**20, "cpu": 0})

    def count_memory(self, target, size=256):
        """The official step's memory where there is no GPU to measure it on: cyclegan's as planned, PyTorch's as its operators allocate."""
        def version(peer):
            return [int(n) for n in re.findall(r"\d+", peer["version"])]

        network, peer = target.network(size, GPU), max(self.machine.torch, key=version)
        if version(peer) < [2, 1]:
            self.machine.note(f"memory of PyTorch {peer['version']}: counting it needs 2.1 or newer")
            return
        try:
            counted = json.loads(run([peer["python"], script("count_torch.py"), *network]))
        except Failed as error:
            self.machine.note(f"memory of PyTorch {peer['version']}: {error}")
            return
        self.keep(0, target, size, MEMORY, f"{counted['peer']} counted, eager", {"mean": counted["peak_bytes"] / 2**20, "cpu": 0})
        for variant in ("fp32", "fp16", "low_memory"):
            mode = VARIANTS[variant]
            if mode and mode[0] not in self.machine.offers:
                continue
            path = os.path.join(self.folder.name, "count.json")
            try:
                target.cyclegan("profile", "train", "--count_only", *network, *mode, "--json", path)
            except Failed as error:
                self.machine.note(f"memory of {variant}: {error}")
                continue
            with open(path, encoding="utf-8") as file:
                memory = json.load(file)["memory"]
            self.keep(0, target, size, MEMORY, variant, {"mean": memory["device"] / 2**20, "cpu": 0, "host": memory["host"] / 2**20})

    def scaling(self, round_, target, size):
        report = target.bench(size, "fp32", target.shape["scaling"])
        self.keep(round_, target, size, "scaling", "fp32", report["step_ms"])

    # --- results ----------------------------------------------------------------------------------------------------

    def samples(self):
        """What table.rows takes: each of ours beside each of theirs, and the step beside itself in the size before."""
        for target in self.machine.targets:
            mine = {key[1:]: rounds for key, rounds in self.found.items() if key[0] == target.title}
            for (size, measured, ours), rounds in sorted(mine.items(), key=lambda item: (item[0][0], item[0][1] != STEP)):
                common = {"device": target.title, "cpu": target.cpu, "size": size, "measured": measured, "ours": ours}
                if ours not in VARIANTS or measured == "scaling" or (ours == "low_memory" and measured == FORWARD):
                    continue
                for (s, m, peer), theirs in mine.items():
                    pairs = [(rounds[r], theirs[r]) for r in rounds if r in theirs]
                    if (s, m) == (size, measured) and peer not in VARIANTS and pairs:
                        yield common | {"peer": peer, "pairs": pairs}
            scaled = {size: rounds for (size, measured, _), rounds in mine.items() if measured == "scaling"}
            sizes = sorted(scaled)
            for small, large in zip(sizes, sizes[1:]):
                factor = (large / small) ** 2
                pairs = [(scaled[large][r], {k: factor * scaled[small][r][k] for k in ("mean", "cpu")}) for r in scaled[large] if r in scaled[small]]
                yield {"device": target.title, "cpu": target.cpu, "size": large, "measured": STEP, "ours": "fp32",
                       "peer": f"itself at {small} px, by pixels", "pairs": pairs}

    def networks(self):
        for target in self.machine.targets:
            for shape, what in ((target.shape, ""), (target.shape["scaling"], ", where it is compared with itself")):
                yield f"{shape['netG']}, ngf {shape['ngf']}, ndf {shape['ndf']} on {'CPUs' if target.cpu else target.device}{what}"


def load_average():
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def store(name, texts):
    """Files by their endings. None is a file that is only tried."""
    try:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        for ending, text in texts.items():
            with open(name + ending, "a" if text is None else "w", encoding="utf-8") as file:
                file.write(text or "")
    except OSError as error:
        raise Failed(f"--out {name}: {error.strerror}: name files that can be written") from error


def compare(options):
    begun, load = time.monotonic(), load_average()
    store(options.out, {".md": None, ".json": None})  # before the minutes that measuring takes
    machine = Machine(options)
    comparison = Comparison(machine)
    jobs, longest, rounds = comparison.jobs(), 0.0, 0
    for round_ in range(options.rounds):
        start = time.monotonic()
        if round_ and start - begun + longest > 60 * options.minutes:
            machine.note(f"rounds {rounds + 1} to {options.rounds}: they would have ended after --minutes {options.minutes:g}")
            break
        for i, (title, job) in enumerate(jobs if round_ % 2 == 0 else jobs[::-1]):
            print(f"round {round_ + 1} of {options.rounds}, {i + 1} of {len(jobs)}: {title}", file=sys.stderr)
            job(round_)
        rounds, longest = rounds + 1, max(longest, time.monotonic() - start)
    report = {
        "rows": table.rows(comparison.samples()), "rounds": rounds, "threads": options.threads, "load": [load, load_average()],
        "networks": list(dict.fromkeys(comparison.networks())), "checks": comparison.checks,
        "notes": machine.notes, "seconds": round(time.monotonic() - begun),
        "measurements": [{"device": d, "size": s, "measured": m, "name": n, "rounds": r} for (d, s, m, n), r in comparison.found.items()],
    }
    text = table.markdown(report)
    store(options.out, {".md": text, ".json": json.dumps(report, indent=1) + "\n"})
    return text


def main():
    options = read_options()
    try:
        print(compare(options), end="")
    except Failed as error:
        print(f"compare.py: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
