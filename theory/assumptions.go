package theory

import "fmt"

// Assumptions are what RFC 4787 leaves open and the outcome depends on.
type Assumptions struct {
	Permission Permission
	Answer     Answer
}

// Linux is what NATs built on Linux's connection tracking do, and the router node
// unless it is told otherwise.
var Linux = Assumptions{PermitByMapping, AnswerByFlow}

// Permission says what a permission to come in belongs to, under the two filterings
// that ask for one.
type Permission uint8

const (
	// PermitByMapping lets a remote in only by the mapping over which the inside
	// has sent to it.
	PermitByMapping Permission = iota

	// PermitByEndpoint lets a remote in by any mapping of an inside transport
	// address that has sent to it: the words of RFC 4787 section 5.
	PermitByEndpoint
)

// Answer says by which mapping the inside answers a flow that began outside.
type Answer uint8

const (
	// AnswerByFlow sends answers back by the mapping that the flow came in by.
	AnswerByFlow Answer = iota

	// AnswerByMapping treats them as any packet: under a mapping that depends on
	// the remote they may leave by another mapping than the flow came in by.
	AnswerByMapping
)

// ParsePermission reads "mapping" or "endpoint".
func ParsePermission(s string) (Permission, error) {
	switch s {
	case "mapping":
		return PermitByMapping, nil
	case "endpoint":
		return PermitByEndpoint, nil
	}
	return 0, fmt.Errorf("permission %q does not exist; write mapping or endpoint", s)
}

// String returns "mapping" or "endpoint".
func (p Permission) String() string { return [...]string{"mapping", "endpoint"}[p] }

// Lines returns the assumptions as sentences, those that hold in every row included.
func (a Assumptions) Lines() []string {
	permission := "a permission to come in belongs to the mapping over which the inside has sent (as in Linux)"
	if a.Permission == PermitByEndpoint {
		permission = "a permission to come in belongs to the inside endpoint, by whichever mapping it has sent (the words of RFC 4787 section 5)"
	}
	answer := "answers leave by the mapping that the flow came in by"
	if a.Answer == AnswerByMapping {
		answer = "answers leave by a mapping of their own"
	}
	return []string{
		permission,
		answer,
		"each side has one public address, and the rendezvous is at a third",
		"both sides send to what the rendezvous observed of the other, and to wherever the other is heard from",
		"no port is guessed, no packet is lost, and mappings outlive the attempt",
	}
}
