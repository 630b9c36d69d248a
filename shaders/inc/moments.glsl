// Mean and centred second moment of sets of numbers, and their union by Chan's formula (Chan, Golub and LeVeque, "Updating
// formulae and a pairwise algorithm for computing sample variances", 1979), channel by channel of a vec4:
//   d = mean_b - mean_a, mean = mean_a + d n_b / n, m2 = m2_a + m2_b + d^2 n_a n_b / n

struct Moments {
    float n;  // how many numbers
    vec4 mean;
    vec4 m2;  // sum of (x - mean)^2
};

Moments merge(Moments a, Moments b) {
    float n = a.n + b.n;
    float part = b.n / max(n, 1.0);
    vec4 d = b.mean - a.mean;
    return Moments(n, fma(d, vec4(part), a.mean), fma(d * d, vec4(a.n * part), a.m2 + b.m2));
}
