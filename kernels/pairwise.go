// Covering arrays: how checks meet every pair of settings without meeting every combination.

package kernels

// pairwise returns rows that hold, for every two of the factors, each pair of their levels at least once. Row i's entry f is a
// level of factor f, from 0 to levels[f]-1. It is greedy and deterministic.
func pairwise(levels ...int) (rows [][]int) {
	type pair struct{ f, a, g, b int } // level a of factor f with level b of factor g > f
	open := map[pair]bool{}
	var order []pair
	for g := range levels {
		for f := range g {
			for a := range levels[f] {
				for b := range levels[g] {
					open[pair{f, a, g, b}] = true
					order = append(order, pair{f, a, g, b})
				}
			}
		}
	}
	for _, seed := range order {
		if !open[seed] {
			continue
		}
		row := make([]int, len(levels))
		set := make([]bool, len(levels))
		row[seed.f], row[seed.g], set[seed.f], set[seed.g] = seed.a, seed.b, true, true
		gain := func(f, a int) (n int) { // pairs that level a of factor f would close
			for g := range levels {
				if p := (pair{f, a, g, row[g]}); g > f && set[g] && open[p] {
					n++
				} else if p := (pair{g, row[g], f, a}); g < f && set[g] && open[p] {
					n++
				}
			}
			return n
		}
		for f := range levels {
			if set[f] {
				continue
			}
			best, offset := -1, len(rows) // the offset spreads ties over the levels
			for i := range levels[f] {
				a := (i + offset) % levels[f]
				if n := gain(f, a); n > best {
					best, row[f] = n, a
				}
			}
			set[f] = true
		}
		for g := range levels {
			for f := range g {
				delete(open, pair{f, row[f], g, row[g]})
			}
		}
		rows = append(rows, row)
	}
	return rows
}
