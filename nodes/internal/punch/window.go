package punch

// windowSize is how far behind the newest number a packet may come, for those that
// overtake each other.
const windowSize = 1024

// window knows which numbers have come, so that a packet counts once (RFC 4303 section
// 3.4.3). Numbers begin with 1.
type window struct {
	newest uint64
	seen   [windowSize / 64]uint64
}

// take reports whether n is new, and remembers it.
func (w *window) take(n uint64) bool {
	switch {
	case n == 0, n < w.newest && w.newest-n >= windowSize:
		return false
	case n > w.newest:
		for i := range min(n-w.newest, windowSize) {
			passed := n - i
			w.seen[passed%windowSize/64] &^= 1 << (passed % 64)
		}
		w.newest = n
	}
	bit := uint64(1) << (n % 64)
	word := &w.seen[n%windowSize/64]
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}
