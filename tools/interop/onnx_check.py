#!/usr/bin/env python3
"""Hold exported ONNX files against the engine in onnxruntime and in OpenCV, and to the ONNX checker.

    mkdir -p out/onnx && CYCLEVK_ONNX_OUT=$PWD/out/onnx go test -count=1 -run '^TestONNX' ./cyclegan
    pip install onnx onnxruntime opencv-python-headless numpy       # any of the three may be missing, and is named
    tools/interop/onnx_check.py out/onnx

Beside X.onnx lies X.safetensors with the engine's tensors input.S and output.S, one pair for each size S. Exits with 1 where
a value is farther than 1e-4 (OpenCV: 5e-4) from the engine's, or a file is refused.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "golden"))
import safetensors  # noqa: E402  (the project's own)

LIMIT = 1e-4
LIMIT_OPENCV = 5e-4  # OpenCV 4's own rounding reaches 3.6e-4 on the networks of full size; a grey level is 7.8e-3


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"{name} is not installed: not checked with it")
        return None


def with_onnxruntime(ort, path):
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["output"], {"input": x})[0]


def with_opencv(cv2, path):
    def run(x):
        net = cv2.dnn.readNetFromONNX(path)  # anew for each size, as its users do
        net.setInput(x, "input")
        return net.forward("output")
    return run


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    onnx, ort, cv2 = module("onnx"), module("onnxruntime"), module("cv2")
    runtimes = []
    if ort:
        runtimes.append((f"onnxruntime {ort.__version__}", LIMIT, lambda path: with_onnxruntime(ort, path)))
    if cv2:
        runtimes.append((f"OpenCV {cv2.__version__}", LIMIT_OPENCV, lambda path: with_opencv(cv2, path)))
    files = sorted(Path(sys.argv[1]).glob("*.onnx"))
    bad = not files or not runtimes
    for file in files:
        if onnx:
            onnx.checker.check_model(str(file), full_check=True)
        tensors, _ = safetensors.read(file.with_suffix(".safetensors"))
        for name, limit, start in runtimes:
            try:
                run = start(str(file))
                for key in sorted(tensors):
                    if not key.startswith("input."):
                        continue
                    size = key.removeprefix("input.")
                    got, want = run(np.array(tensors[key])), tensors["output." + size]
                    far = np.abs(got - want).max() if got.shape == want.shape else np.inf
                    bad |= not far <= limit
                    print(f"{file.stem:24} {size:12} {name:22} largest difference {far:.2g}", "" if far <= limit else "TOO MUCH")
            except Exception as error:  # whatever a runtime refuses a file with
                bad = True
                print(f"{file.stem:24} {name}: REFUSED: {error}")
    print("not as it should be" if bad else f"{len(files)} files agree" + (", and pass onnx.checker" if onnx else ""))
    return bad


if __name__ == "__main__":
    sys.exit(main())
