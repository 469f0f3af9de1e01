package portmap

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/crosslan/crosslan/nodes/internal/nat"
)

// pcpFirst is when a request is first sent again (RFC 6887, section 8.1.1).
const pcpFirst = 3 * time.Second

// askPCP asks by PCP.
func askPCP(ctx context.Context, r Request) (Answer, error) {
	var sent pcpRequest
	build := func(local netip.Addr) []byte {
		sent = pcpRequestFor(r, local)
		return sent.append(nil)
	}
	var a pcpResponse
	err := exchange(ctx, r, build, pcpFirst, func(b []byte) bool {
		var err error
		if a, err = parsePCPResponse(b); err != nil {
			// A router that knows NAT-PMP alone says so in its own way.
			old, err := parsePMPResponse(b)
			a.result = pcpUnsuppVersion
			return err == nil && old.result == pmpUnsupportedVersion
		}
		short := a.result != pcpSuccess && a.mapping == pcpMapping{} // an error may be
		return a.opcode == pcpMap && (short || a.mapping.answers(sent.mapping))
	})
	if err != nil {
		return Answer{}, err
	}
	if a.result != pcpSuccess {
		return Answer{}, refused(pcpResults, int(a.result))
	}
	return Answer{
		Gateway:  r.Gateway,
		By:       byPCP,
		Outside:  netip.AddrPortFrom(a.mapping.address, a.mapping.outside),
		Lifetime: seconds(a.lifetime),
		Epoch:    seconds(a.epoch),
	}, nil
}

func pcpRequestFor(r Request, local netip.Addr) pcpRequest {
	q := pcpRequest{opcode: pcpMap, lifetime: wholeSeconds(r.Lifetime), client: local, mapping: pcpMapping{
		nonce:    nonceFor(local, r.Protocol, r.Inside),
		protocol: uint8(r.Protocol),
		inside:   r.Inside,
		outside:  r.Outside,
		address:  netip.AddrFrom4([4]byte{}), // any, of IPv4 (section 11.1)
	}}
	if r.For.IsValid() {
		q.options = append(q.options, thirdParty(r.For))
	}
	return q
}

// answers tells whether an answer's mapping is the one that was asked for (RFC 6887,
// section 11.4).
func (m pcpMapping) answers(q pcpMapping) bool {
	return m.nonce == q.nonce && m.protocol == q.protocol && m.inside == q.inside
}

// nonceFor is the nonce of this host's mapping, the same each time, or a later run of
// the program could neither renew nor delete it. The kernel's boot id makes it
// unguessable for another machine; containers of one machine share it, so that the
// host's name, a container's own, goes in as well.
func nonceFor(host netip.Addr, p nat.Protocol, port uint16) nonce {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it the rest remains
	name, _ := os.Hostname()
	sum := sha256.Sum256(fmt.Appendf(boot, "%s %v %v %d", name, host, p, port))
	return nonce(sum[:12])
}
