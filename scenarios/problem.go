package scenarios

import "fmt"

// Problem is a mistake in a lesson itself, found without playing it.
type Problem struct {
	File string
	Line int    // 1-based, in File
	What string // what is wrong
	Do   string // what its author is to do about it
}

// Error says where, what, and what to do, on one line.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s:%d: %s; %s", p.File, p.Line, p.What, p.Do)
}
