// What the kernels share that bring a camera's frame to the canvas (live_fit.comp): the filter along an axis.
//
// It is a triangle as wide as a pixel of the larger grid, as in Pillow's BILINEAR; taps outside of the frame are left out. Places are whole
// numbers of units of 1 / (2 den) pixels of the frame, where den pixels of the canvas are as long as num of the frame:
//   centre of column j  c = (2 j + 1) num + offset;   of the frame's column k  (2 k + 1) den;   weight max(0, 2 max(num, den) - distance)

layout(push_constant) uniform Push { // fitPush in kernels/live_fit.go
    int frameWidth, frameHeight;
    int width, height; // of x
    int num, den;
    int offsetX, offsetY;
    uint channels;        // of x: 1 or 3
    int firstLine, lines; // of the frame, that are filtered apart
};

// The taps [first, end) of a centre, among n.
struct Taps { int centre, first, end; };

int reach() { return 2 * max(num, den); }

Taps taps(int i, int offset, int n) {
    int c = (2 * i + 1) * num + offset;
    int first = max(c - reach() + den, 0) / (2 * den);
    int end = min((c + reach() + den - 1) / (2 * den), n);
    return Taps(c, first, end);
}

int weight(Taps t, int k) { return reach() - abs((2 * k + 1) * den - t.centre); }

// The sum of the weights.
float total(Taps t) {
    int sum = 0;
    for (int k = t.first; k < t.end; k++) sum += weight(t, k);
    return float(sum);
}
