#!/usr/bin/env python3
"""Write small pictures of every kind that is decoded, with the RGB and the L that Pillow
reads from them, and RGBA and 16-bit samples where there are any, to cyclegan/data/testdata/pictures/ and pictures.json beside it.

The lossy WebP picture is grey: Go and libwebp enlarge its half-size chroma differently.
Where the decoder differs from Pillow by design (alpha is composited on white, 16-bit
grey is scaled), the expected values are computed here by the documented rule. Run from
the repository root:

    python3 tools/golden/pillow_pictures.py
"""

import json
import pathlib

import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path("cyclegan/data/testdata/pictures")
W, H = 12, 9


def smooth() -> np.ndarray:
    """A ramp that JPEG keeps well; it has no symmetry, so a wrong orientation shows."""
    y, x = np.mgrid[0:H, 0:W]
    return np.stack([40 + 15 * x, 60 + 12 * y, 200 - 6 * x - 5 * y], -1).astype(np.uint8)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    rgb = smooth()
    picture = Image.fromarray(rgb)
    expected = {}

    def put(name: str, img: Image.Image, want=None, tolerance: int = 0, rgba: bool = False, **options) -> None:
        path = OUT / name
        img.save(path, **options)
        if want is None:
            want = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        want = np.asarray(want)
        expected[name] = {"size": [want.shape[1], want.shape[0]], "tolerance": tolerance,
                          "rgb": want.tobytes().hex(), "l": Image.fromarray(want).convert("L").tobytes().hex()}
        if rgba:
            expected[name]["rgba"] = Image.open(path).convert("RGBA").tobytes().hex()
        if Image.open(path).mode == "I;16":
            expected[name]["l16"] = np.asarray(Image.open(path)).astype("<u2").tobytes().hex()

    alpha = np.linspace(0, 255, W * H).reshape(H, W, 1).astype(np.uint8)
    rgba = Image.fromarray(np.concatenate([rgb, alpha], -1))
    on_white = np.round((rgb * (alpha / 255.0)) + 255 * (1 - alpha / 255.0)).astype(np.uint8)
    palette = picture.quantize(16)
    index0_on_white = np.where((np.asarray(palette) == 0)[..., None], 255, np.asarray(palette.convert("RGB"))).astype(np.uint8)
    grey_alpha = rgba.convert("LA")
    white = Image.new("RGBA", (W, H), "white")

    put("rgb.png", picture, rgba=True)
    put("grey.png", picture.convert("L"))
    put("bilevel.png", picture.convert("1"))
    put("palette.png", palette)
    put("palette_transparent.png", palette, transparency=0, want=index0_on_white, rgba=True)
    put("rgba.png", rgba, want=on_white, tolerance=1, rgba=True)
    put("grey_alpha.png", grey_alpha, tolerance=1, rgba=True,
        want=Image.alpha_composite(white, grey_alpha.convert("RGBA")).convert("RGB"))
    grey16 = (np.arange(W * H, dtype=np.uint16) * 599).reshape(H, W)
    high_byte = np.repeat((grey16 >> 8).astype(np.uint8)[..., None], 3, -1)
    put("grey16.png", Image.fromarray(grey16), want=high_byte)
    put("grey16.tiff", Image.fromarray(grey16), want=high_byte)
    put("rgb.bmp", picture)
    put("rgb.tiff", picture)
    put("lzw.tiff", picture, compression="tiff_lzw")
    put("grey.tiff", picture.convert("L"))
    put("lossless.webp", picture, lossless=True)
    put("lossy.webp", picture.convert("L").convert("RGB"), quality=95, tolerance=3)
    put("black_white.webp", picture.convert("1").convert("RGB"), quality=100, tolerance=6)
    put("red.webp", Image.new("RGB", (8, 8), (200, 30, 60)), quality=100, tolerance=2)
    put("alpha.webp", rgba, lossless=True, exact=True, want=on_white, tolerance=1, rgba=True)
    put("rgb.jpg", picture, quality=95, subsampling=0, tolerance=4)
    put("progressive.jpg", picture, quality=95, subsampling=0, progressive=True, tolerance=4)
    put("grey.jpg", picture.convert("L"), quality=95, tolerance=2)
    put("cmyk.jpg", picture.convert("CMYK"), quality=98, tolerance=6)
    put("wrong_extension.png", picture, format="JPEG", quality=95, subsampling=0, tolerance=4)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        put(f"orientation{orientation}.jpg", picture, quality=95, subsampling=0, exif=exif, tolerance=4)
    put("orientation6.tiff", picture, want=picture.transpose(Image.ROTATE_270), tiffinfo={0x0112: 6})
    put("animated.gif", palette, save_all=True, append_images=[picture.rotate(180).quantize(16)], duration=100)
    lines = ",\n  ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in expected.items())
    (OUT.parent / "pictures.json").write_text("{\n  " + lines + "\n}\n")


if __name__ == "__main__":
    main()
