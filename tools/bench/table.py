"""The table of ratios that compare.py prints: rows from the measurements of each round, goals beside them, as Markdown."""

import statistics

STEP, FORWARD, MEMORY = "training step", "generator forward", "memory of a step"


def rows(samples):
    """Rows from {"device", "cpu" (bool), "size", "measured", "ours" and "peer" (names), "pairs": [(our ms, their ms)]} of one run each.
    Memory is in MiB in the place of ms; ours says how much it takes of the "host" besides."""
    return [{**{key: value for key, value in sample.items() if key != "pairs"}, "goal": goal(sample),
             "host": sample["pairs"][0][0].get("host"), "clock": ratio([(a["mean"], b["mean"]) for a, b in sample["pairs"]]),
             "processor": ratio([(a["cpu"], b["cpu"]) for a, b in sample["pairs"]]) if sample["cpu"] else None}
            for sample in samples]


def ratio(pairs):
    """Medians of both, and of the rounds' ratios theirs / ours with the least and the largest; None where nothing was measured."""
    pairs = [(ours, theirs) for ours, theirs in pairs if ours > 0 and theirs > 0]
    if not pairs:
        return None
    ratios = [theirs / ours for ours, theirs in pairs]
    ours, theirs = map(statistics.median, zip(*pairs))
    return {"ours": ours, "theirs": theirs, "ratio": statistics.median(ratios), "min": min(ratios), "max": max(ratios), "rounds": len(pairs)}


def goal(row):
    """The ratio that the project wants at least, and what it stretches for; empty where it wants nothing."""
    measured, peer, device = row["measured"], row["peer"], row["device"]
    if peer.startswith("itself"):
        return "1"
    if measured == MEMORY:
        if not peer.endswith("eager"):
            return ""
        return "3" if "low_memory" in row["ours"] else "2"
    if not row["cpu"] and measured in (STEP, FORWARD):
        stretch = "3" if measured == STEP and peer.endswith("eager") else "1.2"
        return f"1, stretch {stretch}" if peer.endswith(("eager", "tf32")) or peer.startswith("ncnn") else f"stretch {stretch}"
    if measured == FORWARD and peer.startswith("ncnn"):
        return "1, stretch 2"
    if measured == STEP and peer.startswith("PyTorch") and "llvmpipe" in device:
        newer = "Mesa 22" not in device
        if peer.startswith("PyTorch 1."):
            return "1" if newer else "0.4"
        return "stretch 1" if newer else "stretch 0.6"
    return ""


def number(x):
    """Three digits that count."""
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def cells(measured):
    if not measured:
        return "- | - | -"
    spread = f" ({measured['min']:.2f} to {measured['max']:.2f})" if measured["rounds"] > 1 else ""
    return f"{number(measured['ours'])} | {number(measured['theirs'])} | **{measured['ratio']:.2f}**{spread}"


def markdown(report):
    """The whole report."""
    lines = [f"Ratio: the other's / cyclevk's, above 1 cyclevk is faster, or smaller (median, least to largest of {report['rounds']} rounds). "
             f"{report['threads']} threads each on CPUs. Load average {report['load'][0]:.1f} before, {report['load'][1]:.1f} after.", ""]
    lines += ["| device | px | measured | cyclevk | against | by the clock: cyclevk ms | other ms | ratio | processor time: cyclevk ms | other ms | ratio | goal |",
              "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in report["rows"]:
        what = f"{row['measured']} (MiB)" if row["measured"] == MEMORY else row["measured"]
        ours = f"{row['ours']}, with {number(row['host'])} MiB of the host's" if row["host"] else row["ours"]
        lines.append(f"| {row['device']} | {row['size']} | {what} | {ours} | {row['peer']} | "
                     f"{cells(row['clock'])} | {cells(row['processor'])} | {row['goal']} |")
    lines += ["", "Networks: " + "; ".join(report["networks"]) + "; where memory is counted, the official ones. Batch 1, with identity loss."]
    if report["checks"]:
        checks = (f"{name} max {c['max']:.1e}, mean {c['mean']:.1e} (allowed: {c['allowed']})" for name, c in report["checks"].items())
        lines += ["", "Outputs against cyclevk's for the same weights and picture, values in [-1,1], the worst of all sizes and drivers: " +
                  "; ".join(checks) + "."]
    if report["notes"]:
        lines += ["", "Left out:"] + [f"- {note}" for note in report["notes"]]
    return "\n".join(lines) + "\n"
