package router

import (
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Attributes of linux/if_link.h and linux/ip.h that x/sys/unix does not name.
const (
	iflaInetConf             = 1 // IFLA_INET_CONF
	ipv4DevconfSendRedirects = 6 // IPV4_DEVCONF_SEND_REDIRECTS
)

// sendNoRedirects stops ICMP redirects on every interface: a router that sends a
// packet out where it came from would tell the host a way round itself. Compose's
// sysctl for all interfaces is not enough, since the kernel sends them if either
// that or the interface's own says so, and the interface is older than the
// sysctl. /proc/sys is read-only in a container; rtnetlink is not.
func (k *kernel) sendNoRedirects() error {
	for index, link := range k.links {
		request := nl.NewNetlinkRequest(unix.RTM_SETLINK, unix.NLM_F_ACK)
		message := nl.NewIfInfomsg(unix.AF_UNSPEC)
		message.Index = int32(index)
		request.AddData(message)
		spec := nl.NewRtAttr(unix.IFLA_AF_SPEC, nil)
		config := spec.AddRtAttr(unix.AF_INET, nil).AddRtAttr(iflaInetConf, nil)
		config.AddRtAttr(ipv4DevconfSendRedirects, nl.Uint32Attr(0))
		request.AddData(spec)
		if _, err := request.Execute(unix.NETLINK_ROUTE, 0); err != nil {
			return fmt.Errorf("stop ICMP redirects on %s: %w", link.Attrs().Name, err)
		}
	}
	return nil
}
