package theory

import "fmt"

// An endpoint is a transport address: a host's name for the IP address, and a port.
// Outside ports are numbers that were never used before, as nobody guesses any.
type endpoint struct {
	host string
	port int
}

func (e endpoint) String() string { return fmt.Sprintf("%s:%d", e.host, e.port) }

// A box is a NAT with one inside endpoint, which is all that a model of two hosts
// with one socket each needs.
type box struct {
	name string
	Kind
	Assumptions

	mappings map[endpoint]endpoint // outside endpoint by the remote, as far as the mapping depends on it
	sent     map[permit]bool       // to whom the inside has sent
	flows    map[endpoint]endpoint // outside endpoint of the flow with a remote
	outside  map[endpoint]struct{} // every outside endpoint
}

// A permit lets a remote come in, by one mapping or, with no mapping, by all.
type permit struct{ mapping, remote endpoint }

func newBox(name string, k Kind, a Assumptions) *box {
	return &box{
		name: name, Kind: k, Assumptions: a,
		mappings: make(map[endpoint]endpoint),
		sent:     make(map[permit]bool),
		flows:    make(map[endpoint]endpoint),
		outside:  make(map[endpoint]struct{}),
	}
}

// out translates a packet to remote and returns the source that it leaves with.
func (b *box) out(remote endpoint) endpoint {
	source, ok := b.flows[remote]
	if !ok {
		source = b.mapping(remote)
		b.flows[remote] = source
	}
	b.sent[b.permit(source, remote)] = true
	return source
}

// mapping returns the outside endpoint for packets to remote (RFC 4787 section 4.1).
func (b *box) mapping(remote endpoint) endpoint {
	var key endpoint
	switch b.Mapping {
	case MapAddressDependent:
		key.host = remote.host
	case MapAddressAndPortDependent:
		key = remote
	}
	m, ok := b.mappings[key]
	if !ok {
		m = endpoint{b.name, 1 + len(b.mappings)}
		b.mappings[key] = m
		b.outside[m] = struct{}{}
	}
	return m
}

// permit is what a packet from remote to mapping needs, and what one from mapping
// to remote gives, as far as the filtering looks at the remote (RFC 4787 section 5).
func (b *box) permit(mapping, remote endpoint) permit {
	if b.Filtering == FilterAddressDependent {
		remote.port = 0
	}
	if b.Permission == PermitByEndpoint {
		mapping = endpoint{}
	}
	return permit{mapping, remote}
}

// in reports whether a packet from remote to an outside endpoint reaches the inside.
func (b *box) in(to, remote endpoint) bool {
	if _, ok := b.outside[to]; !ok {
		return false
	}
	if b.Filtering != FilterEndpointIndependent && !b.sent[b.permit(to, remote)] {
		return false
	}
	if b.Answer == AnswerByFlow {
		b.flows[remote] = to
	}
	return true
}
