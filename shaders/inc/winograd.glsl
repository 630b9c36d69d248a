// Winograd's minimal filtering F(4,3): four outputs of a filter of three taps in six products, in two dimensions 4x4 in 36 in place
// of 144. Through the points 0, +-A, +-B and infinity,
//   y = A^T [(G w G^T) . (B^T d B)] A    d: 6x6 pixels, w: 3x3 weights, y: 4x4 pixels, . element by element
// Gradients are the transposes of the same linear maps. The points decide how much rounding errors grow: with 11/16 and 11/8,
// neighbours of 1 whose powers are exact in fp32, errors are a third of those with the customary 1 and 2.
//
// Tiles of a side of n pixels begin at 4 t - origin, where origin is 1 if n mod 4 is 1, else 0: so the last tile has two pixels or
// more, and a pixel meets its mirror image within its tile.

// Points are fp32. With MATRIX, for products by cooperative matrices, they are held as the tensors are, in 16 bits.
#ifdef MATRIX
#define POINT4 REAL4
#define POINT(v) STORE(v)
#else
#define POINT4 vec4
#define POINT(v) v
#endif

const int TILE = 4, PATCH = TILE + 2, POINTS = PATCH * PATCH;
const float A = 0.6875, B = 1.375, AA = A * A, BB = B * B, PRODUCT = AA * BB, SUM = AA + BB;
const float N0 = 1.0 / PRODUCT, N1 = 0.5 / (AA * (AA - BB)), N2 = 0.5 / (BB * (BB - AA));

// B^T d: pixels to points.
vec4[PATCH] pixelsToPoints(vec4 d[PATCH]) {
    const vec4 a0 = fma(d[2], vec4(-BB), d[4]), a1 = A * fma(d[1], vec4(-BB), d[3]);
    const vec4 b0 = fma(d[2], vec4(-AA), d[4]), b1 = B * fma(d[1], vec4(-AA), d[3]);
    return vec4[PATCH](fma(d[0], vec4(PRODUCT), fma(d[2], vec4(-SUM), d[4])), a0 + a1, a0 - a1, b0 + b1, b0 - b1,
                       fma(d[1], vec4(PRODUCT), fma(d[3], vec4(-SUM), d[5])));
}

// B q, its transpose.
vec4[PATCH] pointsToPixels(vec4 q[PATCH]) {
    const vec4 aSum = q[1] + q[2], aDifference = A * (q[1] - q[2]), bSum = q[3] + q[4], bDifference = B * (q[3] - q[4]);
    return vec4[PATCH](PRODUCT * q[0],
                       fma(vec4(PRODUCT), q[5], fma(vec4(-BB), aDifference, -AA * bDifference)),
                       fma(vec4(-SUM), q[0], fma(vec4(-BB), aSum, -AA * bSum)),
                       fma(vec4(-SUM), q[5], aDifference + bDifference),
                       q[0] + (aSum + bSum),
                       q[5]);
}

// A^T m: points to outputs.
vec4[TILE] pointsToOutputs(vec4 m[PATCH]) {
    const vec4 aSum = m[1] + m[2], aDifference = A * (m[1] - m[2]), bSum = m[3] + m[4], bDifference = B * (m[3] - m[4]);
    return vec4[TILE](m[0] + (aSum + bSum), aDifference + bDifference, fma(vec4(AA), aSum, BB * bSum),
                      fma(vec4(AA), aDifference, fma(vec4(BB), bDifference, m[5])));
}

// A y, its transpose.
vec4[PATCH] outputsToPoints(vec4 y[TILE]) {
    const vec4 a0 = fma(vec4(AA), y[2], y[0]), a1 = A * fma(vec4(AA), y[3], y[1]);
    const vec4 b0 = fma(vec4(BB), y[2], y[0]), b1 = B * fma(vec4(BB), y[3], y[1]);
    return vec4[PATCH](y[0], a0 + a1, a0 - a1, b0 + b1, b0 - b1, y[3]);
}

// G w: weights to points.
vec4[PATCH] weightsToPoints(vec4 w[3]) {
    const vec4 a0 = N1 * fma(vec4(AA), w[2], w[0]), a1 = (N1 * A) * w[1];
    const vec4 b0 = N2 * fma(vec4(BB), w[2], w[0]), b1 = (N2 * B) * w[1];
    return vec4[PATCH](N0 * w[0], a0 + a1, a0 - a1, b0 + b1, b0 - b1, w[2]);
}

// G^T q, its transpose.
vec4[3] pointsToWeights(vec4 q[PATCH]) {
    const vec4 aSum = N1 * (q[1] + q[2]), bSum = N2 * (q[3] + q[4]);
    return vec4[3](fma(vec4(N0), q[0], aSum + bSum),
                   fma(vec4(N1 * A), q[1] - q[2], (N2 * B) * (q[3] - q[4])),
                   fma(vec4(AA), aSum, fma(vec4(BB), bSum, q[5])));
}
