package nat

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// State is a NAT as the kernel has it: what it was told, and what it knows now.
type State struct {
	Config   Config   `json:"config"`
	Mappings []Entry  `json:"mappings"`
	Counters Counters `json:"counters"`
}

// Entry is a mapping.
type Entry struct {
	Protocol Protocol       `json:"protocol"`
	Inside   netip.AddrPort `json:"inside"`
	Outside  netip.AddrPort `json:"outside"`

	// Remote is what the mapping depends on, besides the inside: nothing, an
	// address (with port 0), or a transport address.
	Remote netip.AddrPort `json:"remote,omitzero"`

	// Left is how long the mapping lives if nothing refreshes it. A forward lives
	// for good, and has none.
	Left    Seconds `json:"left,omitempty"`
	Forward bool    `json:"forward,omitempty"`
}

// Seconds is a duration that is written as a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON writes seconds, with milliseconds as their fraction.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(s).Round(time.Millisecond).Seconds())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var f float64
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*s = Seconds(f * float64(time.Second))
	return nil
}

// Counters count packets that were dropped.
type Counters struct {
	Refused uint64 `json:"refused"` // from outside, and nobody had asked for them
	Full    uint64 `json:"full"`    // from inside, and no port was free
	Stray   uint64 `json:"stray"`   // from inside, and of no flow
}

// Show reads the NAT's state, or returns ErrNone.
func (k *Kernel) Show() (State, error) {
	config, err := k.Current()
	if err != nil {
		return State{}, err
	}
	s := State{Config: config, Mappings: []Entry{}}
	table := &nftables.Table{Name: Table, Family: nftables.TableFamilyIPv4}
	elements, err := k.conn.GetSetElements(&nftables.Set{Table: table, Name: setIn})
	if err != nil {
		return State{}, fmt.Errorf("list mappings: %w", err)
	}
	for _, e := range elements {
		entry, ok := entryOf(e, config)
		if ok {
			s.Mappings = append(s.Mappings, entry)
		}
	}
	slices.SortFunc(s.Mappings, compareEntries)
	if s.Counters, err = k.counters(table, countRefused, countFull, countStray); err != nil {
		return State{}, err
	}
	return s, nil
}

// entryOf decodes an element of the map in. What the router itself sends is no
// mapping.
func entryOf(e nftables.SetElement, c Config) (Entry, bool) {
	if len(e.Key) != 12 || len(e.Val) < 8 {
		return Entry{}, false
	}
	entry := Entry{
		Protocol: Protocol(e.Key[0]),
		Outside:  endpointOf(e.Key[4:]),
		Inside:   endpointOf(e.Val),
		Forward:  e.Expires == 0,
	}
	if len(e.Val) > 8 && !entry.Forward {
		entry.Remote = endpointOf(e.Val[8:])
	}
	if !entry.Forward {
		entry.Left = Seconds(max(e.Expires-c.Lifetimes.grain(), 0))
	}
	return entry, entry.Inside != entry.Outside
}

func endpointOf(b []byte) netip.AddrPort {
	var port uint16
	if len(b) > 4 {
		port = binary.BigEndian.Uint16(b[4:])
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b)), port)
}

func compareEntries(a, b Entry) int {
	return cmp.Or(
		a.Inside.Compare(b.Inside),
		cmp.Compare(a.Protocol, b.Protocol),
		a.Remote.Compare(b.Remote),
		a.Outside.Compare(b.Outside),
	)
}

func (k *Kernel) counters(table *nftables.Table, names ...string) (Counters, error) {
	var c Counters
	values := map[string]*uint64{countRefused: &c.Refused, countFull: &c.Full, countStray: &c.Stray}
	for _, name := range names {
		o, err := k.conn.GetObject(&nftables.NamedObj{Table: table, Name: name, Type: nftables.ObjTypeCounter})
		if err != nil {
			return Counters{}, fmt.Errorf("read counter %s: %w", name, err)
		}
		if named, ok := o.(*nftables.NamedObj); ok {
			if counter, ok := named.Obj.(*expr.Counter); ok {
				*values[name] = counter.Packets
			}
		}
	}
	return c, nil
}
