package nat

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
)

// makeRoom prepares a running NAT for forwards that it did not have.
func (k *Kernel) makeRoom(t transaction, old, new Config) error {
	added := slices.DeleteFunc(slices.Clone(new.Forwards), func(f Forward) bool { return slices.Contains(old.Forwards, f) })
	if len(added) == 0 {
		return nil
	}
	elements, err := k.conn.GetSetElements(&nftables.Set{Table: t.table, Name: setIn})
	if err != nil {
		return fmt.Errorf("list mappings: %w", err)
	}
	elements = slices.DeleteFunc(elements, func(e nftables.SetElement) bool { return e.Expires == 0 })
	for _, f := range added {
		if err := checkRoom(f, elements); err != nil {
			return err
		}
	}
	if new.Mapping != MapEndpointIndependent {
		return nil
	}
	for _, f := range added {
		if err := t.makeWay(f, elements); err != nil {
			return err
		}
	}
	return nil
}

// checkRoom refuses a forward whose port a mapping has: the forward's host would get
// what is meant for the mapping's.
func checkRoom(f Forward, mappings []nftables.SetElement) error {
	for _, e := range mappings {
		if bytes.Equal(e.Key, keyBytes(f.Protocol, f.Outside)) && !bytes.Equal(e.Val[:8], endpointBytes(f.Inside)) {
			return fmt.Errorf("forward %v: the port is taken by the mapping of %v for another %v",
				f, endpointOf(e.Val), e.Expires.Round(time.Second))
		}
	}
	return nil
}

// makeWay removes the mapping of the inside endpoint for which the forward now
// stands, in both directions.
func (t transaction) makeWay(f Forward, mappings []nftables.SetElement) error {
	inside := keyBytes(f.Protocol, f.Inside)
	for _, e := range mappings {
		if e.Key[0] != inside[0] || !bytes.Equal(e.Val, inside[4:]) {
			continue
		}
		for name, key := range map[string][]byte{setIn: e.Key, setOut: inside} {
			set := &nftables.Set{Table: t.table, Name: name}
			if err := t.conn.SetDeleteElements(set, []nftables.SetElement{{Key: key}}); err != nil {
				return fmt.Errorf("set %s: %w", name, err)
			}
		}
	}
	return nil
}
