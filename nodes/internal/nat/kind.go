package nat

import (
	"fmt"
	"slices"
	"strings"
)

// kind is a closed set of words, numbered from zero, that flags, JSON and the
// output of a router spell alike.
type kind struct {
	what  string
	words []string
}

func (k kind) text(i uint8) string {
	if int(i) >= len(k.words) {
		return fmt.Sprintf("%s %d", k.what, i)
	}
	return k.words[i]
}

func (k kind) parse(text []byte) (uint8, error) {
	if i := slices.Index(k.words, string(text)); i >= 0 {
		return uint8(i), nil
	}
	last := len(k.words) - 1
	return 0, fmt.Errorf("%s %q does not exist; write %s or %s",
		k.what, text, strings.Join(k.words[:last], ", "), k.words[last])
}

func (k kind) valid(i uint8) error {
	if int(i) < len(k.words) {
		return nil
	}
	return fmt.Errorf("%s %d does not exist", k.what, i)
}
