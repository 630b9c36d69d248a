// Tiles of fp16 in shared memory, and sums by cooperative matrices: what the convolutions by matrices share.
//
// A workgroup owns ROWS x COLS sums, each of its four subgroups a quarter. Shared memory holds vectors of 8 elements, 16 bytes, as they
// lie in memory. A tile's row is one vector longer than what it holds: eight rows then lie in different banks. At the end the sums go
// through the same memory, M rows of each half at a time, since only there do lanes know which element is which.
// The including shader declares LANES, and the constants from 7 on.

layout(constant_id = 1) const int M = 16; // a matrix product is M x K times K x N
layout(constant_id = 2) const int N = 16;
layout(constant_id = 3) const int K = 16;
layout(constant_id = 4) const int ROWS = 64;
layout(constant_id = 5) const int COLS = 64;
layout(constant_id = 6) const int VECTORS = 1024; // of shared memory

const int SLICE = 32;                             // of the contracted dimension, a multiple of K
const int DOWN = ROWS / 2 / M, ACROSS = COLS / 2 / N; // matrices of a subgroup

// Vectors from one row of a tile to the next.
const int SLICE_STRIDE = SLICE / 8 + 1, ROWS_STRIDE = ROWS / 8 + 1, COLS_STRIDE = COLS / 8 + 1, SUM_STRIDE = COLS / 4 + 1;

shared uvec4 vectors[VECTORS];

#define LEFT coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA>
#define RIGHT coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB>
#define SUM coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>
const int BY_ROWS = gl_CooperativeMatrixLayoutRowMajor, BY_COLUMNS = gl_CooperativeMatrixLayoutColumnMajor;

int half0() { return int(gl_SubgroupID) / 2; } // of the rows: the subgroup's
int half1() { return int(gl_SubgroupID) % 2; } // of the columns

// stage puts a subgroup's j-th sum across where stagedSum finds it.
#define STAGE(sum, j) coopMatStore(sum, vectors, uint(half0() * M * SUM_STRIDE + (half1() * (COLS / 2) + (j) * N) / 4), uint(SUM_STRIDE), BY_ROWS)

// Of the 2 M COLS / 4 vectors of sums that are staged at a time, the i-th down: their row in the tile, their column, and themselves.
int stagedRow(int e, int i) {
    const int row = e / (COLS / 4);
    return row / M * (ROWS / 2) + i * M + row % M;
}
int stagedColumn(int e) { return e % (COLS / 4); }
vec4 stagedSum(int e) { return uintBitsToFloat(vectors[e / (COLS / 4) * SUM_STRIDE + e % (COLS / 4)]); }
