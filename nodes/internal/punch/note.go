package punch

import (
	"encoding/json"
	"time"
)

// note is what a client lets its peer know by the rendezvous. It is not authenticated,
// as little as the addresses are.
type note struct {
	// RTT is the time of a round trip to the rendezvous, in microseconds. Both
	// together are about that to the peer.
	RTT int64 `json:"rtt,omitempty"`
	// Relay is whether it comes to the relay when there is no direct path, so that the
	// other does not wait there in vain.
	Relay bool `json:"relay,omitempty"`
	// Ports are those of the mappings that it predicts for itself.
	Ports []uint16 `json:"ports,omitempty"`
	// Varies is whether its mapping depends on whom it sends to.
	Varies bool `json:"varies,omitempty"`
}

// longestRTT bounds what a peer may claim.
const longestRTT = 2 * time.Second

// maxPredicted is how many ports fit into a note.
const maxPredicted = 64

func (n note) encode() []byte {
	b, _ := json.Marshal(n) // of a struct of numbers
	return b
}

// parseNote reads a note; what it cannot read is as if it had not been said.
func parseNote(b []byte) note {
	var n note
	if json.Unmarshal(b, &n) != nil {
		return note{}
	}
	if n.Ports = n.Ports[:min(len(n.Ports), maxPredicted)]; len(n.Ports) == 0 {
		n.Ports = nil
	}
	n.RTT = min(max(n.RTT, 0), longestRTT.Microseconds())
	return n
}

func (n note) rtt() time.Duration { return time.Duration(n.RTT) * time.Microsecond }
