#!/usr/bin/env python3
"""Write the golden files of the bicubic resize: cyclegan/data/testdata/resize.json
and a few resize_*.png for diagnosis.

The source pictures come from an integer formula that resize_test.go repeats, so only
the hash of each of Pillow's results is stored. Run from the repository root:

    python3 tools/golden/pillow_resize.py
"""

import hashlib
import json
import pathlib

import numpy as np
import PIL
from PIL import Image

OUT = pathlib.Path("cyclegan/data/testdata")

# (source width, height, result width, height)
CASES = [
    (256, 256, 286, 286), (286, 286, 256, 256), (64, 64, 286, 286), (64, 64, 32, 32),
    (300, 200, 286, 286), (200, 300, 286, 286), (640, 427, 286, 286), (1500, 1220, 286, 286),
    (1920, 1080, 143, 71), (72, 72, 73, 71), (31, 33, 65, 17), (129, 63, 64, 127),
    (256, 256, 256, 286), (256, 256, 286, 256), (256, 256, 256, 256), (255, 257, 256, 256),
    (1, 1, 1, 1), (1, 1, 7, 5), (1, 64, 32, 32), (64, 1, 32, 32), (1, 10000, 286, 286),
    (10000, 1, 3, 9), (2, 3, 1, 1), (3, 2, 100, 200), (97, 89, 1, 1), (5, 5, 500, 4),
]
# of these also L and RGBA, whose colours Pillow multiplies by alpha meanwhile
OTHER_MODES = [
    (256, 256, 286, 286), (64, 64, 32, 32), (1920, 1080, 143, 71), (31, 33, 65, 17), (256, 256, 256, 286),
    (256, 256, 286, 256), (256, 256, 256, 256), (1, 64, 32, 32), (2, 3, 1, 1), (5, 5, 500, 4),
]
# 16-bit grey; the samples leave room for overshoot, which Pillow does not clamp in its mode I
DEEP = [(31, 33, 9, 7), (7, 5, 11, 8), (64, 40, 10, 40)]
FULL = {(31, 33, 65, 17), (64, 64, 32, 32), (129, 63, 64, 127)}


def picture(w: int, h: int, channels: int = 3) -> np.ndarray:
    """Noise, ramps and hard edges by bands of 16 rows: every kind of overshoot."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(channels), indexing="ij")
    y, x, c = (v.astype(np.uint64) for v in (y, x, c))
    noise = (x * 73856093 ^ y * 19349663 ^ c * 83492791) & 0xFFFFFFFF
    noise = (noise * 2654435761 & 0xFFFFFFFF) >> 24
    ramp = (x * 7 + y * 3 + c * 85) & 255
    edges = ((x // 5 + y // 3 + c) & 1) * 255
    band = (y // 16) % 3
    return np.where(band == 0, noise, np.where(band == 1, edges, ramp)).astype(np.uint8)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    cases = []
    modes = [(c, 3) for c in CASES] + [(c, n) for n in (1, 4) for c in OTHER_MODES]
    for (w, h, to_w, to_h), channels in modes:
        src = picture(w, h, channels)
        dst = Image.fromarray(src.squeeze(2) if channels == 1 else src).resize((to_w, to_h), Image.BICUBIC)
        cases.append({
            "from": [w, h], "to": [to_w, to_h], "channels": channels,
            "source": hashlib.sha256(src.tobytes()).hexdigest(),
            "result": hashlib.sha256(dst.tobytes()).hexdigest(),
        })
        if channels == 3 and (w, h, to_w, to_h) in FULL:
            dst.save(OUT / f"resize_{w}x{h}_{to_w}x{to_h}.png", optimize=True)
    lines = ",\n  ".join(json.dumps(case) for case in cases)
    deep = []
    for w, h, to_w, to_h in DEEP:
        src = 16384 + 128 * picture(w, h, 1).squeeze(2).astype(np.int32)
        dst = np.asarray(Image.fromarray(src, "I").resize((to_w, to_h), Image.BICUBIC))
        deep.append({"from": [w, h], "to": [to_w, to_h], "samples": dst.ravel().tolist()})
    more = ",\n  ".join(json.dumps(case) for case in deep)
    (OUT / "resize.json").write_text(f'{{"pillow": "{PIL.__version__}", "cases": [\n  {lines}\n], "deep": [\n  {more}\n]}}\n')


if __name__ == "__main__":
    main()
