"""Write and read the safetensors format: 8 bytes header length, JSON header, raw little-endian data."""

import json
import os
import struct

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "I32": "<i4", "U8": "|u1"}


def write(path, tensors, metadata):
    """tensors: name -> numpy array; widest elements first, so that every tensor is aligned."""
    names = {np.dtype(code): name for name, code in DTYPES.items()}
    ordered = sorted(tensors.items(), key=lambda item: -item[1].dtype.itemsize)
    header, offset = {"__metadata__": metadata}, 0
    for name, array in ordered:
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape),
                        "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".tmp", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, array in ordered:
            f.write(np.ascontiguousarray(array).tobytes())
    os.replace(path + ".tmp", path)


def read(path):
    """-> (name -> numpy array, metadata) of a file of these types."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    metadata = header.pop("__metadata__", {})
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items()}, metadata
