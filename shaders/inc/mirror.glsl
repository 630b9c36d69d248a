// mirror maps a position outside of [0, n) to its reflection, the edge not repeated; one that is inside stays.
int mirror(int i, int n) { return n - 1 - abs(n - 1 - abs(i)); }
