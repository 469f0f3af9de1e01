package names

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Limits of a message.
const (
	MaxUDP = 512   // RFC 1035 section 4.2.1, for a client that did not ask for more
	MaxTCP = 65535 // its length is sent in two bytes
)

// recordTTL is how long a resolver may keep an address, in seconds.
const recordTTL = 60

// Zone is the names that a server knows, with their addresses. It is a pflag.Value
// that may be repeated. Once it is filled it may be used concurrently.
type Zone struct {
	names   map[string][]netip.Addr // by name in lower case, with a dot at the end
	records []string                // as they were given
}

// Set adds a record, "name=address".
func (z *Zone) Set(record string) error {
	name, value, found := strings.Cut(record, "=")
	if !found {
		return fmt.Errorf("must be name=address, such as web.example=10.1.1.10")
	}
	full, err := fqdn(name)
	if err != nil {
		return err
	}
	a, err := netip.ParseAddr(value)
	if err != nil || a.Zone() != "" {
		return fmt.Errorf("%q is not an IP address", value)
	}
	if z.names == nil {
		z.names = map[string][]netip.Addr{}
	}
	key := strings.ToLower(full.String())
	z.names[key] = append(z.names[key], a.Unmap())
	z.records = append(z.records, record)
	return nil
}

// String lists the records.
func (z *Zone) String() string { return strings.Join(z.records, ", ") }

// Type is the word for the value in a flag's help.
func (z *Zone) Type() string { return "name=address" }

// Len returns how many records there are.
func (z *Zone) Len() int { return len(z.records) }

// Reply is the answer to one query.
type Reply struct {
	Message []byte // to be sent
	Text    string // question and answer for the log: "A web.example. NOERROR 10.1.1.10"
}

// Answer answers a query with at most limit bytes; what does not fit is left out, and
// the client is told to ask again by TCP. It returns false for what must not be
// answered: an answer, or less than a header.
func (z *Zone) Answer(query []byte, limit int) (Reply, bool) {
	var p dnsmessage.Parser
	h, err := p.Start(query)
	if err != nil || h.Response {
		return Reply{}, false
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{
		ID:               h.ID,
		Response:         true,
		OpCode:           h.OpCode,
		RecursionDesired: h.RecursionDesired,
	}}
	q, err := p.AllQuestions()
	switch {
	case h.OpCode != 0:
		m.RCode = dnsmessage.RCodeNotImplemented
	case err != nil || len(q) != 1: // RFC 9619: a query has one question
		m.RCode = dnsmessage.RCodeFormatError
	case q[0].Class != dnsmessage.ClassINET:
		m.RCode = dnsmessage.RCodeRefused
	default:
		m.Authoritative, m.Questions = true, q
		z.look(&m, q[0])
	}
	return pack(m, limit)
}

// look fills in what the zone knows. A name that has no record of the type, or only
// names below it, is no error (RFC 2308 section 2.2, RFC 8020). There is no SOA record with
// a negative answer, so resolvers do not keep it (RFC 2308 section 5): a reader who adds
// a record sees it at once.
func (z *Zone) look(m *dnsmessage.Message, q dnsmessage.Question) {
	name := strings.ToLower(q.Name.String())
	addrs, found := z.names[name]
	if !found && !z.hasBelow(name) {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	for _, a := range addrs {
		t := typeOf(a)
		if q.Type != t && q.Type != dnsmessage.TypeALL {
			continue
		}
		r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: t, Class: q.Class, TTL: recordTTL}}
		if a.Is4() {
			r.Body = &dnsmessage.AResource{A: a.As4()}
		} else {
			r.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
		}
		m.Answers = append(m.Answers, r)
	}
}

func (z *Zone) hasBelow(name string) bool {
	for known := range z.names {
		if strings.HasSuffix(known, "."+name) || name == "." {
			return true
		}
	}
	return false
}

// pack returns the message, with as many of its answers as fit.
func pack(m dnsmessage.Message, limit int) (Reply, bool) {
	for {
		b, err := m.Pack()
		if err != nil {
			return Reply{}, false
		}
		if len(b) <= limit {
			return Reply{Message: b, Text: text(m)}, true
		}
		if len(m.Answers) == 0 {
			return Reply{}, false
		}
		m.Truncated, m.Answers = true, m.Answers[:len(m.Answers)*limit/len(b)]
	}
}
