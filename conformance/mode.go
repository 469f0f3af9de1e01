package conformance

// Mode is how the messages of a transcript are sent.
type Mode string

const (
	Whole  Mode = "whole"  // each message by one write
	Merged Mode = "merged" // all messages of a connection by one write
	Split  Mode = "split"  // each byte by one write
)

// modes are those in which a transcript is played.
func (t *Transcript) modes() []Mode {
	switch {
	case t.Datagrams:
		return []Mode{Whole}
	case t.Alone != "":
		return []Mode{Whole, Split}
	}
	return []Mode{Whole, Merged, Split}
}

// merge returns steps in which each connection sends all its messages at once, where
// it sent the first.
func merge(steps []Step) []Step {
	all := map[int][]byte{}
	for _, s := range steps {
		all[s.Conn] = append(all[s.Conn], s.Send...)
	}
	var merged []Step
	for _, s := range steps {
		if s.Send == nil {
			merged = append(merged, s)
			continue
		}
		if b := all[s.Conn]; b != nil {
			merged = append(merged, Step{Conn: s.Conn, Send: b})
			all[s.Conn] = nil
		}
	}
	return merged
}
