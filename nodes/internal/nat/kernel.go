package nat

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	vnetlink "github.com/vishvananda/netlink"
)

// ErrNone is returned where there is no NAT to show or to change.
var ErrNone = errors.New("no NAT is set up here")

// Kernel is the NAT in one network namespace. It holds no state but the kernel's,
// so several processes may use one each. One is not for concurrent use.
type Kernel struct {
	conn *nftables.Conn
	flow *vnetlink.Handle
}

// socketBuffer is room for a whole transaction, and for its acknowledgements.
const socketBuffer = 8 << 20

// Open connects to the network namespace of the calling thread.
func Open() (*Kernel, error) {
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(c *netlink.Conn) error {
		return errors.Join(c.SetReadBuffer(socketBuffer), c.SetWriteBuffer(socketBuffer))
	}))
	if err != nil {
		return nil, fmt.Errorf("connect to nftables: %w", err)
	}
	flow, err := vnetlink.NewHandle()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to connection tracking: %w", err), conn.CloseLasting())
	}
	return &Kernel{conn, flow}, nil
}

// Close closes the connection. The NAT stays.
func (k *Kernel) Close() error {
	k.flow.Close()
	return k.conn.CloseLasting()
}

// Links lists the interfaces of the namespace, for Config.Plan.
func (k *Kernel) Links() ([]Link, error) {
	all, err := k.flow.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var links []Link
	for _, l := range all {
		addrs, err := k.flow.AddrList(l, vnetlink.FAMILY_ALL)
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", l.Attrs().Name, err)
		}
		link := Link{Name: l.Attrs().Name}
		for _, a := range addrs {
			link.Addrs = append(link.Addrs, prefix(a.IPNet))
		}
		links = append(links, link)
	}
	return links, nil
}

// current reads a table and the configuration in it, or returns ErrNone.
func (k *Kernel) current(family nftables.TableFamily, table string, c any) (Ruleset, error) {
	r, err := k.read(family, table)
	if err != nil {
		return Ruleset{}, err
	}
	return r, load(r, c)
}

// Current returns the Config of the NAT that is set up, or ErrNone.
func (k *Kernel) Current() (Config, error) {
	var c Config
	_, err := k.current(nftables.TableFamilyIPv4, Table, &c)
	return c, err
}

// Flush forgets all mappings, permissions and flows, as a router's restart does.
// Forwards stay.
func (k *Kernel) Flush() error {
	config, err := k.Current()
	if err != nil {
		return err
	}
	table := &nftables.Table{Name: Table, Family: nftables.TableFamilyIPv4}
	for _, s := range (builder{Plan: Plan{Config: config}}).sets() {
		if !s.Dynamic {
			continue
		}
		set := s.nft(table)
		k.conn.FlushSet(set)
		if len(s.Elements) > 0 {
			if err := k.conn.SetAddElements(set, s.elements()); err != nil {
				return fmt.Errorf("keep the forwards: %w", err)
			}
		}
	}
	if err := k.conn.Flush(); err != nil {
		return fmt.Errorf("flush mappings: %w", err)
	}
	return k.flushFlows()
}

// flushFlows comes after the mappings are gone, or the packets of a flow could
// still refresh one.
func (k *Kernel) flushFlows() error {
	if err := k.flow.ConntrackTableFlush(vnetlink.ConntrackTable); err != nil {
		return fmt.Errorf("flush connection tracking: %w", err)
	}
	return nil
}
