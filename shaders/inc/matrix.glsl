// Tiles of 16 bits in shared memory, and sums by cooperative matrices: what the convolutions by matrices share.
//
// A workgroup owns ROWS x COLS sums, each of its four subgroups a quarter. Shared memory holds vectors of 8 elements, 16 bytes, as they
// lie in memory. A tile's row is one vector longer than what it holds: eight rows then lie in different banks. At the end the sums go
// through the same memory, M rows of each half at a time, since only there do lanes know which element is which.
// Compiled with -DWORKGROUP, a matrix is the whole workgroup's, and HALVES is 1: the tile is not divided. A workgroup of one subgroup does
// the same without, where matrices of subgroups alone are offered. With -DBFLOAT16 factors are bf16, else fp16.
// The including shader declares LANES, and the constants from 8 on.

layout(constant_id = 1) const int M = 16; // a matrix product is M x K times K x N
layout(constant_id = 2) const int N = 16;
layout(constant_id = 3) const int K = 16;
layout(constant_id = 4) const int ROWS = 64;
layout(constant_id = 5) const int COLS = 64;
layout(constant_id = 6) const int VECTORS = 1024; // of shared memory
layout(constant_id = 7) const int HALVES = 2;     // that rows and columns are divided into, a subgroup to each quarter; or 1

const int SLICE = 32; // of the contracted dimension, a multiple of K
const int DOWN = ROWS / HALVES / M, ACROSS = COLS / HALVES / N; // matrices of a subgroup, or of the workgroup

// Vectors from one row of a tile to the next.
const int SLICE_STRIDE = SLICE / 8 + 1, ROWS_STRIDE = ROWS / 8 + 1, COLS_STRIDE = COLS / 8 + 1, SUM_STRIDE = COLS / 4 + 1;

shared uvec4 vectors[VECTORS];

#ifdef WORKGROUP
#define SCOPE gl_ScopeWorkgroup
#else
#define SCOPE gl_ScopeSubgroup
#endif
#ifdef BFLOAT16
#define FACTOR bfloat16_t
#else
#define FACTOR float16_t
#endif
#define LEFT coopmat<FACTOR, SCOPE, M, K, gl_MatrixUseA>
#define RIGHT coopmat<FACTOR, SCOPE, K, N, gl_MatrixUseB>
#define SUM coopmat<float, SCOPE, M, N, gl_MatrixUseAccumulator>
const int BY_ROWS = gl_CooperativeMatrixLayoutRowMajor, BY_COLUMNS = gl_CooperativeMatrixLayoutColumnMajor;

int half0() { return int(gl_SubgroupID) / 2 % HALVES; } // of the rows: the subgroup's
int half1() { return int(gl_SubgroupID) % HALVES; }     // of the columns
int firstRow(int i) { return half0() * (ROWS / HALVES) + i * M; }    // of the subgroup's i-th matrix down
int firstColumn(int j) { return half1() * (COLS / HALVES) + j * N; } // of its j-th across

// stage puts the j-th sum across where stagedSum finds it.
#define STAGE(sum, j) coopMatStore(sum, vectors, uint(half0() * M * SUM_STRIDE + firstColumn(j) / 4), uint(SUM_STRIDE), BY_ROWS)

// Of the STAGED vectors of sums that are staged at a time, the i-th down: their row in the tile, their column, and themselves.
const int STAGED = HALVES * M * COLS / 4;
int stagedRow(int e, int i) {
    const int row = e / (COLS / 4);
    return row / M * (ROWS / HALVES) + i * M + row % M;
}
int stagedColumn(int e) { return e % (COLS / 4); }
vec4 stagedSum(int e) { return uintBitsToFloat(vectors[e / (COLS / 4) * SUM_STRIDE + e % (COLS / 4)]); }
void restage(int e, vec4 v) { vectors[e / (COLS / 4) * SUM_STRIDE + e % (COLS / 4)] = floatBitsToUint(v); }
