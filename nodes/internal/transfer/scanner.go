package transfer

// scanner finds the end of a JSON object.
type scanner struct {
	depth           int
	quoted, escaped bool
}

// step takes the next byte. It is false for one that begins no object; after the
// last byte of the object depth is 0.
func (s *scanner) step(c byte) bool {
	switch {
	case s.depth == 0 && c != '{':
		return false
	case s.escaped:
		s.escaped = false
	case s.quoted && c == '\\':
		s.escaped = true
	case c == '"':
		s.quoted = !s.quoted
	case s.quoted:
	case c == '{':
		s.depth++
	case c == '}':
		s.depth--
	}
	return true
}
