package probe

import (
	"errors"
	"io"
	"net/netip"
	"syscall"
)

// What a probe does from each of its ports. A NAT remembers for minutes who has been
// asked from a port, and the kernel may give a port out again in that time. So the ports
// of a probe are neighbours, of which each has its role for good: the one that has asked
// every address of the server is never again the one from which none but the primary may
// have been asked.
const (
	mappingRole   = iota
	filteringRole // asks the primary address only
	hairpinRole   // two, which ask the primary address only
	_
	guessRole // the others, which ask nobody

	roles = 8
)

// bound is something that has a port.
type bound interface {
	io.Closer
	address() netip.AddrPort
}

// openRoles opens something for each of the first roles, up to count. If local has a
// port, then it is the one for the mapping, and the next is for the filtering.
func openRoles[T bound](local netip.AddrPort, count int, open func(netip.AddrPort) (T, error)) ([]T, error) {
	on := func(port uint16) (T, error) { return open(netip.AddrPortFrom(local.Addr(), port)) }
	port := local.Port()
	if port == 0 {
		return openFree(0, count, on)
	}
	asked, err := openAll(on, port, nextPort(port))
	if err != nil {
		return nil, err
	}
	others, err := openFree(hairpinRole, count, on)
	if err != nil {
		return nil, errors.Join(err, closeAll(asked))
	}
	return append(asked, others...), nil
}

func nextPort(port uint16) uint16 {
	if port == 65535 {
		return port - 1
	}
	return port + 1
}

// freeAttempts is how often free neighbours are looked for.
const freeAttempts = 50

// openFree opens the roles from first up to count on ports that are free.
func openFree[T bound](first, count int, on func(uint16) (T, error)) (all []T, err error) {
	if first >= count {
		return nil, nil
	}
	for range freeAttempts {
		found, err := on(0)
		if err != nil {
			return nil, err
		}
		base := found.address().Port() / roles * roles
		if err := found.Close(); err != nil {
			return nil, err
		}
		var ports []uint16
		for i := first; i < count; i++ {
			ports = append(ports, base+uint16(i))
		}
		if all, err = openAll(on, ports...); !errors.Is(err, syscall.EADDRINUSE) {
			return all, err
		}
	}
	return nil, errors.New("no eight neighbouring ports are free")
}

// openAll opens all ports or none.
func openAll[T bound](on func(uint16) (T, error), ports ...uint16) ([]T, error) {
	var all []T
	for _, port := range ports {
		x, err := on(port)
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, x)
	}
	return all, nil
}

func closeAll[T bound](all []T) error {
	var faults []error
	for _, x := range all {
		faults = append(faults, x.Close())
	}
	return errors.Join(faults...)
}
