// What the convolution kernels share: how taps meet the image, and how a pixel's tile of outputs is stored.
// The including shader declares the specialisation constants and push constants named in capitals and lower case below.

const uint PAD_NONE = 0u, PAD_ZERO = 1u, PAD_REFLECT = 2u; // kernels/conv.go numbers them

// mirror maps a position outside of [0, n) to its reflection, the edge not repeated; one that is inside stays.
int mirror(int i, int n) { return n - 1 - abs(n - 1 - abs(i)); }

// workgroup is the linear index of this workgroup over x and y (groups() in kernels.go spreads them).
int workgroup() { return int(gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x); }
