// Counter-based random numbers: each is a function of what it is for, never of how
// many were drawn before, so workers in any order and a resumed run draw the same.

package data

import "math/bits"

// purpose tells the random numbers of one sample apart.
type purpose uint64

const (
	shuffle purpose = iota
	partner         // which picture of B goes with the sample's A
	cropXA
	cropYA
	flipA
	cropXB
	cropYB
	flipB
)

// random returns a number in [0, n), keyed by (seed, epoch, sample, purpose). The
// multiplication maps 64 random bits to the range; its bias is under n/2^64.
func random(seed uint64, epoch, sample int, p purpose, n int) int {
	x := seed
	for _, v := range [...]uint64{uint64(epoch), uint64(sample), uint64(p)} {
		x = mix(mix(x) ^ v)
	}
	hi, _ := bits.Mul64(x, uint64(n))
	return int(hi)
}

// mix is SplitMix64 (Steele, Lea and Flood 2014): a bijection whose output bits each
// depend on all input bits.
func mix(z uint64) uint64 {
	z += 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// permutation returns the order of n samples in an epoch (Fisher and Yates).
func permutation(seed uint64, epoch, n int) []int {
	order := make([]int, n)
	for i := range order {
		j := random(seed, epoch, i, shuffle, i+1)
		order[i] = order[j]
		order[j] = i
	}
	return order
}
