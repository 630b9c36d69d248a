// Convolutions as matrix products, pixels by channels, contracted over taps and, in slices of SLICE, over channels: which pixels a
// workgroup has, which taps they meet, and where those find their factors. Forward, and with ADJOINT the gradient of the input.
//
// The adjoint's workgroups take pixels of one kind, which meet the same taps. With stride 2 the four kinds are the phases. With
// reflection they are the rows and columns that the padding mirrors or does not: a mirror image's gradients are taps of their
// own, which only those pixels pay for.
//
// With POINTS they are Winograd's products: each image is a point, a 1x1 convolution of its own whose pixels are the tiles.
// The including shader declares SLICE, REFLECT, and the push constants of all convolutions.

ivec2 kind; // of the workgroup's pixels, down and across: 0 or 1
ivec2 tap;  // ky, kx
ivec2 view; // whether the tap looks at mirror images of the pixels' rows and columns: 0 or 1
int slice;  // of the tap's channels

#ifdef ADJOINT
#define FROM co
#define TO ci
#define TARGETS (height * width) // pixels that are written, of an image
#else
#define FROM ci
#define TO co
#define TARGETS (outHeight * outWidth)
#endif

#ifdef POINTS

#define TAP point
int point; // the workgroup's
int tapStep() { return 1; }
ivec2 views() { return ivec2(1); }

Place pixel(int index) { return Place(index < width ? point : images, 0, index); }
int target(Place p) { return p.n * width + p.x; }
int source(Place p) { return p.n < images ? target(p) : -1; }

// blockOf finds the workgroup's point, and the index of its first tile; -1 where there is none.
int blockOf(int rows) {
    const int blocks = (width + rows - 1) / rows;
    point = workgroup() / blocks;
    return point < images ? workgroup() % blocks * rows : -1;
}

#else

#define TAP (tap.x * kernel + tap.y) // whose weights they are

#ifdef ADJOINT

int tapStep() { return stride; }
ivec2 views() { return REFLECT ? kind + 1 : ivec2(1); }

// count is how many positions along an axis are of a kind, and position the i-th of them.
int count(int kind, int size) {
    if (REFLECT) return kind == 0 ? size - 2 * pad : 2 * pad;
    return kind < stride ? (size - kind + stride - 1) / stride : 0;
}
int position(int kind, int i, int size) {
    if (!REFLECT) return i * stride + kind;
    if (kind == 1) return i < pad ? i + 1 : i + size - 1 - 2 * pad;
    return i == 0 ? 0 : i == size - 2 * pad - 1 ? size - 1 : i + pad;
}
int pixels() { return images * count(kind.x, height) * count(kind.y, width); }
Place pixel(int index) {
    const Place p = place(index, count(kind.x, height), count(kind.y, width));
    return Place(p.n, position(kind.x, p.y, height), position(kind.y, p.x, width));
}
int target(Place p) { return (p.n * height + p.y) * width + p.x; }

// source is where the tap finds the factor of a pixel, counted in pixels, or -1; along an axis, of n positions there, and size here.
int source(int i, int k, int size, int n, int mirrored) {
    if (mirrored != 0) i = i <= pad ? -i : 2 * (size - 1) - i;
    const int o = i + pad - k >> stride - 1; // exact: the phase has chosen k
    return o < n ? max(o, -1) : -1;
}
int source(Place p) {
    const int oy = source(p.y, tap.x, height, outHeight, view.x), ox = source(p.x, tap.y, width, outWidth, view.y);
    return p.n >= images || min(oy, ox) < 0 ? -1 : (p.n * outHeight + oy) * outWidth + ox;
}

#else

int tapStep() { return 1; }
ivec2 views() { return ivec2(1); }

int pixels() { return kind == ivec2(0) ? images * outHeight * outWidth : 0; }
Place pixel(int index) { return place(index, outHeight, outWidth); }
int target(Place p) { return (p.n * outHeight + p.y) * outWidth + p.x; }

// source is where the tap finds the factor of a pixel, counted in pixels, or -1.
int source(Place p) {
    int iy = p.y * stride - pad + tap.x, ix = p.x * stride - pad + tap.y;
    if (REFLECT) {
        iy = mirror(iy, height);
        ix = mirror(ix, width);
    }
    const bool inside = REFLECT || uint(iy) < uint(height) && uint(ix) < uint(width);
    return p.n < images && inside ? (p.n * height + iy) * width + ix : -1;
}

#endif

// blockOf finds the workgroup's kind, and the index of its first pixel among those; -1 where there is none.
int blockOf(int rows) {
    int block = workgroup();
    kind = ivec2(0);
    for (int blocks; block >= (blocks = (pixels() + rows - 1) / rows); block -= blocks) {
        if (kind == ivec2(1)) return -1;
        kind = kind.y == 0 ? ivec2(kind.x, 1) : ivec2(1, 0);
    }
    return block * rows;
}

// blockNumber counts blocks of pixels, image after image, and in each of those kind after kind; all kinds have as many.
int blockNumber(int index, int size) {
    const int each = pixels() / images, n = index / each;
    return (n * TARGETS + (2 * kind.x + kind.y) * each + index - n * each) / size;
}

#endif

ivec2 firstTap() { return (kind + pad) % tapStep(); }
int slices() { return (4 * FROM + SLICE - 1) / SLICE; }

// start goes to the first slice and returns how many there are: none where the phase has no taps.
int start() {
    tap = firstTap();
    view = ivec2(0);
    slice = 0;
    const ivec2 taps = max((kernel - tap + tapStep() - 1) / tapStep(), 0);
    return views().x * views().y * taps.x * taps.y * slices();
}

// next goes to the next slice and tells whether it is another tap's.
bool next() {
    if (++slice < slices()) return false;
    slice = 0;
    tap.y += tapStep();
    if (tap.y >= kernel) tap = ivec2(tap.x + tapStep(), firstTap().y);
    if (tap.x >= kernel) {
        tap = firstTap();
        view = view.y + 1 < views().y ? ivec2(view.x, 1) : ivec2(1, 0);
    }
    return true;
}
