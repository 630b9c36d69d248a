// Counter-based random numbers: the twin of shaders/inc/random.glsl, which proves the device's.

package kernels

// Philox is Philox 4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// section 3.3): 128 random bits for each counter and key.
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	for range 10 {
		p0 := 0xD2511F53 * uint64(counter[0])
		p2 := 0xCD9E8D57 * uint64(counter[2])
		counter = [4]uint32{uint32(p2>>32) ^ counter[1] ^ key[0], uint32(p2), uint32(p0>>32) ^ counter[3] ^ key[1], uint32(p0)}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}
