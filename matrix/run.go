package matrix

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/crosslan/crosslan/lab"
	"github.com/crosslan/crosslan/theory"
)

// Options say what is measured.
type Options struct {
	Transport  Transport
	Permission theory.Permission
	// Progress, if not nil, is called after each pair.
	Progress func(done, total int)
}

// Run measures every pair, row by row, in the lab that Options.Transport names. Its
// error says which pair could not be measured, and with what output; that a pair is
// not as theory expects is no error.
func Run(ctx context.Context, l *lab.Lab, o Options) ([]Cell, error) {
	m, err := newMeter(l.Topology(), o)
	if err != nil {
		return nil, err
	}
	m.exec = func(ctx context.Context, node string, argv ...string) (lab.Result, error) {
		return l.Node(node).Exec(ctx, argv...)
	}
	return m.run(ctx)
}

// A meter measures pairs in a lab.
type meter struct {
	Options
	rendezvous, relay netip.AddrPort
	exec              func(ctx context.Context, node string, argv ...string) (lab.Result, error)
}

// The ports of server rendezvous and relay rendezvous.
const (
	rendezvousPort = 3480
	relayPort      = 7200
)

func newMeter(t *lab.Topology, o Options) (*meter, error) {
	m := &meter{Options: o}
	for name, to := range map[string]*netip.AddrPort{"server": &m.rendezvous, "relay": &m.relay} {
		node, err := t.Node(name)
		if err != nil {
			return nil, err
		}
		if len(node.Attachments) != 1 || len(node.Attachments[0].Addrs) != 1 {
			return nil, fmt.Errorf("node %s of %s: one address in one network is wanted", name, t.Name)
		}
		*to = netip.AddrPortFrom(node.Attachments[0].Addrs[0], rendezvousPort)
	}
	m.relay = netip.AddrPortFrom(m.relay.Addr(), relayPort)
	return m, nil
}

func (m *meter) run(ctx context.Context) ([]Cell, error) {
	kinds := theory.Kinds()
	total := len(kinds) * len(kinds)
	var cells []Cell
	for _, a := range kinds {
		if err := m.become(ctx, "nat-a", a); err != nil {
			return nil, err
		}
		for _, b := range kinds {
			if err := m.become(ctx, "nat-b", b); err != nil {
				return nil, err
			}
			path, err := m.attempt(ctx, len(cells))
			if err != nil {
				return nil, fmt.Errorf("nat-a with %v, nat-b with %v: %w", a, b, err)
			}
			expected := theory.Punch(a, b, theory.Assumptions{Permission: m.Permission}).Path
			cells = append(cells, Cell{a, b, path, expected})
			if m.Progress != nil {
				m.Progress(len(cells), total)
			}
		}
	}
	return cells, nil
}

// become changes a running router's kind.
func (m *meter) become(ctx context.Context, node string, k theory.Kind) error {
	r, err := m.exec(ctx, node, "router", "set",
		"--mapping", k.Mapping.String(), "--filtering", k.Filtering.String(), "--permission", m.Permission.String())
	if err != nil {
		return err
	}
	if r.ExitCode != 0 {
		return fmt.Errorf("make %s a NAT with %v: %w", node, k, failure(r))
	}
	return nil
}
